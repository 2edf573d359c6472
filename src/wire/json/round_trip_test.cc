// What wire/otlp_to_json.h writes, otlp_json.h reads.
#include <gmock/gmock.h>

#include <cmath>

#include "base/bytes.h"
#include "wire/json/otlp_json.h"
#include "wire/otlp_fields.h"
#include "wire/otlp_to_json.h"

namespace vedette::wire {
namespace {

constexpr size_t kNesting = 64;

std::string message(uint32_t tag, const std::string& body) {
  std::string out;
  base::ByteWriter w(out);
  w.varint(tag);
  w.bytes(body);
  return out;
}

template <typename T>
std::string fixed(uint32_t tag, T value) {
  std::string out;
  base::ByteWriter w(out);
  w.varint(tag);
  w.fixed(value);
  return out;
}

std::string varint(uint32_t tag, uint64_t value) {
  std::string out;
  base::ByteWriter w(out);
  w.varint(tag);
  w.varint(value);
  return out;
}

std::string metric_request(const std::string& metric) {
  return message(otlp::export_metrics_service_request::kResourceMetrics,
                 message(otlp::resource_metrics::kScopeMetrics,
                         message(otlp::scope_metrics::kMetrics, metric)));
}

TEST(OtlpToJson, WritesEachKindAsProtobufsJsonMappingHasIt) {
  namespace point = otlp::exponential_histogram_data_point;
  namespace buckets = otlp::exponential_buckets;
  const std::string data = fixed(point::kTimeUnixNano, UINT64_MAX) + fixed(point::kSum, -0.5) +
                           varint(point::kScale, base::zigzag(-3)) + fixed(point::kMin, -HUGE_VAL) +
                           message(point::kPositive, varint(buckets::kOffset, base::zigzag(-7)) +
                                                         message(buckets::kBucketCounts,
                                                                 std::string("\x01\xac\x02", 3)));
  const std::string request =
      metric_request(message(otlp::metric::kName, "m\n") +
                     message(otlp::metric::kExponentialHistogram,
                             message(otlp::exponential_histogram::kDataPoints, data) +
                                 varint(otlp::exponential_histogram::kAggregationTemporality, 2)));
  const std::string json = otlp_to_json(Signal::kMetrics, request);
  EXPECT_EQ(json, R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m\n",)"
                  R"("exponentialHistogram":{"dataPoints":[{"timeUnixNano":"18446744073709551615",)"
                  R"("sum":-0.5,"scale":-3,"positive":{"offset":-7,"bucketCounts":["1","300"]},)"
                  R"("min":"-Infinity"}],"aggregationTemporality":2}}]}]}]})");
  const auto again = otlp_json_to_protobuf(Signal::kMetrics, json, kNesting);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(otlp_to_json(Signal::kMetrics, *again), json);
}

TEST(OtlpToJson, OfBrokenBytesKeepsWhatCanBeRead) {
  const std::string whole = metric_request(message(otlp::metric::kName, "m"));
  EXPECT_EQ(otlp_to_json(Signal::kMetrics, ""), "{}");
  EXPECT_EQ(otlp_to_json(Signal::kMetrics, "\xff"), "{}");
  EXPECT_EQ(otlp_to_json(Signal::kMetrics, whole + "\x0a\x7f"),
            otlp_to_json(Signal::kMetrics, whole));
  EXPECT_EQ(otlp_to_json(Signal::kTraces, varint(varint_tag(9), 1)), "{}");
}

}  // namespace
}  // namespace vedette::wire
