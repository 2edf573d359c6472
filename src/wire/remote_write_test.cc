#include "wire/remote_write.h"

#include <gmock/gmock.h>
#include <snappy.h>

#include "wire/test_proto.h"

namespace vedette::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Pairs = std::vector<std::pair<std::string, std::string>>;

Proto labels_of(const Pairs& labels) {
  Proto out;
  for (const auto& [name, value] : labels) {
    out.message(bytes_tag(1), Proto().bytes(bytes_tag(1), name).bytes(bytes_tag(2), value));
  }
  return out;
}

Proto sample(double value, int64_t time) {
  return Proto().fixed(fixed64_tag(1), value).varint(varint_tag(2), static_cast<uint64_t>(time));
}

Proto series(const Pairs& labels) {
  return labels_of(labels).message(bytes_tag(2), sample(1.5, 1000));
}

std::string request(const std::vector<Proto>& all) {
  Proto out;
  for (const Proto& one : all) out.message(bytes_tag(1), one);
  return out.str();
}

Decoded<model::SampleBatch> decode(const std::string& message, const DecodeOptions& options = {}) {
  auto decoded = decode_write_request(message, options);
  EXPECT_TRUE(decoded.ok());
  return decoded.ok() ? std::move(*decoded) : Decoded<model::SampleBatch>{};
}

std::string labels(const model::SampleBatch& batch, uint32_t set) {
  const auto parsed = model::Labels::parse(batch.labels(set));
  return parsed.ok() ? parsed->to_string() : "not canonical";
}

TEST(RemoteWrite, LabelsOfAGoodSenderAreTakenAsTheyStand) {
  const Pairs good{{"__name__", "up"}, {"instance", "a:1"}, {"job", "shop"}};
  const auto batch = decode(request({series(good)})).batch;
  EXPECT_EQ(batch.labels(0), labels_of(good).str());
  EXPECT_EQ(labels(batch, 0), "up{instance=\"a:1\", job=\"shop\"}");
  EXPECT_THAT(batch.time_ms, ElementsAre(1000));
  EXPECT_THAT(batch.value, ElementsAre(1.5));
}

TEST(RemoteWrite, OthersBecomeCanonical) {
  const std::string value(300, 'v');
  const auto batch = decode(request({
                                series({{"job", "shop"}, {"__name__", "up"}}),
                                series({{"__name__", "up"}, {"empty", ""}}),
                                series({{"__name__", "up"}, {"long", value}}),
                                series({{"__name__", "größe"}, {"job", "ü"}}),
                            }))
                         .batch;
  EXPECT_EQ(labels(batch, 0), "up{job=\"shop\"}");
  EXPECT_EQ(labels(batch, 1), "up");
  EXPECT_EQ(labels(batch, 2), "up{long=\"" + value + "\"}");
  EXPECT_EQ(labels(batch, 3), "größe{job=\"ü\"}");
}

TEST(RemoteWrite, LabelsBehindSamplesCountToo) {
  const Proto late =
      Proto()
          .message(bytes_tag(2), sample(1, 5))
          .message(bytes_tag(1), Proto().bytes(bytes_tag(1), "__name__").bytes(bytes_tag(2), "x"));
  const auto batch = decode(request({late})).batch;
  EXPECT_EQ(labels(batch, 0), "x");
  EXPECT_THAT(batch.time_ms, ElementsAre(5));
}

TEST(RemoteWrite, WhatCanNotBeKeptIsCountedAndTheRestStays) {
  const auto check = [](const Proto& bad, const char* reason) {
    const auto [batch, report] =
        decode(request({series({{"__name__", "before"}}), bad, series({{"__name__", "after"}})}));
    EXPECT_EQ(batch.size(), 2u);
    EXPECT_EQ(report.rejected, 1u);
    EXPECT_THAT(report.reason, HasSubstr(reason));
  };
  check(series({{"job", "x"}}), "no metric name");
  check(series({}), "no metric name");
  check(series({{"__name__", "a"}, {"job", "x"}, {"job", "y"}}), "twice");
  check(series({{"__name__", "a"}, {"", "y"}}), "no name");
  check(series({{"__name__", "a"}, {"job", "\xff"}}), "UTF-8");
  check(labels_of({{"__name__", "a"}}).bytes(bytes_tag(4), "histogram"), "native histograms");
}

TEST(RemoteWrite, StaleMarkersSurviveBitForBit) {
  const auto batch = decode(request({labels_of({{"__name__", "up"}})
                                         .message(bytes_tag(2), sample(model::stale_marker(), 1))}))
                         .batch;
  EXPECT_EQ(std::bit_cast<uint64_t>(batch.value[0]), model::kStaleBits);
}

TEST(RemoteWrite, ExemplarsAndMetadata) {
  Proto one = series({{"__name__", "orders_total"}});
  one.message(
      bytes_tag(3),
      Proto()
          .message(bytes_tag(1), Proto().bytes(bytes_tag(1), "trace_id").bytes(bytes_tag(2), "1f"))
          .fixed(fixed64_tag(2), 0.25)
          .varint(varint_tag(3), 77));
  const std::string message =
      request({one}) + Proto()
                           .message(bytes_tag(3), Proto()
                                                      .varint(varint_tag(1), 1)
                                                      .bytes(bytes_tag(2), "orders_total")
                                                      .bytes(bytes_tag(4), "All orders."))
                           .str();
  const auto batch = decode(message).batch;
  ASSERT_EQ(batch.exemplar_time_ms.size(), 1u);
  EXPECT_EQ(batch.exemplar_trace_id[0].lo, 0x1fu);
  EXPECT_EQ(batch.exemplar_value[0], 0.25);
  EXPECT_EQ(batch.exemplar_time_ms[0], 77);
  ASSERT_EQ(batch.metadata.size(), 1u);
  EXPECT_EQ(batch.metadata[0], (model::MetricMetadata{"orders_total", model::MetricType::kCounter,
                                                      "All orders.", ""}));
}

TEST(RemoteWrite, CutShortAtAnyByteIsAnError) {
  const std::string message = request({series({{"__name__", "up"}, {"job", "shop"}})});
  for (size_t n = 1; n < message.size(); ++n) {
    EXPECT_FALSE(decode_write_request(message.substr(0, n), {}).ok()) << n;
  }
}

TEST(RemoteWrite, SnappyIsBounded) {
  const auto decode_body = [](const std::string& body) {
    return decode_remote_write(body, 1 << 20, {});
  };
  std::string body;
  const std::string message = request({series({{"__name__", "up"}})});
  snappy::Compress(message.data(), message.size(), &body);
  EXPECT_TRUE(decode_body(body).ok());
  EXPECT_EQ(decode_body("").error().code, Code::kInvalidArgument);
  EXPECT_EQ(decode_body(message).error().code, Code::kInvalidArgument);
  // Claims 4 GiB less one byte, then 1 MiB.
  EXPECT_EQ(decode_body("\xff\xff\xff\xff\x0f\x00").error().code, Code::kTooLarge);
  EXPECT_EQ(decode_body("\x80\x80\x40").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace vedette::wire
