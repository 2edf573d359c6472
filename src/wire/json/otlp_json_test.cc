#include "wire/json/otlp_json.h"

#include <gmock/gmock.h>

#include "wire/otlp_decode.h"

namespace vedette::wire {
namespace {

using testing::HasSubstr;

constexpr size_t kNesting = 64;

std::string trace(std::string_view span) {
  return R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":)"
         R"({"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"lib"},"spans":[)" +
         std::string(span) + "]}]}]}";
}

Decoded<model::SpanBatch> decode(const std::string& json) {
  const auto proto = otlp_json_to_protobuf(Signal::kTraces, json, kNesting);
  EXPECT_TRUE(proto.ok()) << proto.error().message;
  if (!proto.ok()) return {};
  auto decoded = decode_otlp_traces(*proto, {});
  EXPECT_TRUE(decoded.ok()) << decoded.error().message;
  return decoded.ok() ? std::move(*decoded) : Decoded<model::SpanBatch>{};
}

std::string error_of(const std::string& json, Signal signal = Signal::kTraces) {
  const auto proto = otlp_json_to_protobuf(signal, json, kNesting);
  if (proto.ok()) return "";
  EXPECT_EQ(proto.error().code, Code::kInvalidArgument);
  return proto.error().message;
}

TEST(OtlpJson, ASpanInAllItsSpellings) {
  const auto batch = decode(trace(R"({
      "traceId":"5B8EFFF798038103d269b633813fc60c","spanId":"EEE19B7EC3C1B174","parentSpanId":"",
      "name":"GET","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712660000000005,
      "attributes":[{"key":"n","value":{"intValue":"-3"}},{"key":"m","value":{"intValue":4}},
        {"key":"d","value":{"doubleValue":0.5}},{"key":"inf","value":{"doubleValue":"-Infinity"}},
        {"key":"b","value":{"boolValue":true}},{"key":"by","value":{"bytesValue":"aGk="}},
        {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":1}]}}}],
      "status":{"code":2,"message":"no"},"unknownField":{"deep":[[[1]]]},"droppedLinksCount":null})"))
                         .batch;
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.trace_id[0].hex(), "5b8efff798038103d269b633813fc60c");
  EXPECT_EQ(batch.span_id[0], 0xeee19b7ec3c1b174u);
  EXPECT_EQ(batch.parent_span_id[0], 0u);
  EXPECT_EQ(batch.duration_ns[0], 5);
  EXPECT_EQ(batch.kind[0], model::SpanKind::kServer);
  EXPECT_EQ(batch.status[0], model::SpanStatus::kError);
  const auto text = [&](const char* key) {
    return batch.attributes.get(0, *batch.strings.find(key))->to_string(batch.strings);
  };
  EXPECT_EQ(text("n"), "-3");
  EXPECT_EQ(text("m"), "4");
  EXPECT_EQ(text("d"), "0.5");
  EXPECT_EQ(text("inf"), "-inf");
  EXPECT_EQ(text("b"), "true");
  EXPECT_EQ(text("by"), "aGk=");
  EXPECT_EQ(text("l"), R"(["x",1])");
}

TEST(OtlpJson, KeysAreCamelCaseOnly) {
  EXPECT_EQ(decode(R"({"resource_spans":[{"scope_spans":[{"spans":[{}]}]}]})").batch.size(), 0u);
}

TEST(OtlpJson, IdsThatAreNoHexRejectTheirSpanAlone) {
  const auto [batch, report] = decode(
      trace(R"({"traceId":"xyz","spanId":"eee19b7ec3c1b174"},)"
            R"({"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"})"));
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(report.rejected, 1u);
}

TEST(OtlpJson, WrongTypesAreNamed) {
  EXPECT_THAT(error_of(trace(R"({"kind":"SPAN_KIND_SERVER"})")),
              HasSubstr("\"kind\" of Span must be an integer"));
  EXPECT_THAT(error_of(trace(R"({"name":5})")), HasSubstr("\"name\" of Span must be a string"));
  EXPECT_THAT(error_of(trace(R"({"attributes":{}})")),
              HasSubstr("\"attributes\" of Span must be an array"));
  EXPECT_THAT(error_of(trace(R"({"startTimeUnixNano":"12x"})")), HasSubstr("must be an integer"));
  EXPECT_THAT(error_of(trace("7")), HasSubstr("\"spans\" of ScopeSpans must be an object"));
}

TEST(OtlpJson, WhatIsNoJsonIsRefused) {
  for (const char* json :
       {"", "   ", "[]", "5", "{", "{\"resourceSpans\":[}", "{} {}", "{}x",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"\xff\"}]}]}]}",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"\\ud800\"}]}]}]}"}) {
    EXPECT_NE(error_of(json), "") << json;
  }
  EXPECT_EQ(error_of("{}"), "");
}

TEST(OtlpJson, DepthIsBounded) {
  const auto nested = [](int depth, std::string_view open, std::string_view close) {
    std::string value;
    for (int i = 0; i < depth; ++i) value += open;
    value += R"({"intValue":1})";
    for (int i = 0; i < depth; ++i) value += close;
    return trace(R"({"attributes":[{"key":"k","value":)" + value + "}]}");
  };
  constexpr std::string_view kOpen = R"({"arrayValue":{"values":[)";
  EXPECT_EQ(error_of(nested(60, kOpen, "]}}")), "");
  EXPECT_THAT(error_of(nested(50'000, kOpen, "]}}")), HasSubstr("nested too deep"));
  // In a place that nobody looks at, brackets only have to be closed.
  const std::string ignored =
      "{\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(error_of(ignored), "");
}

TEST(OtlpJson, LogsAndMetricsToo) {
  const auto logs = otlp_json_to_protobuf(
      Signal::kLogs,
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","severityNumber":9,
          "body":{"stringValue":"hello"},"traceId":"5b8efff798038103d269b633813fc60c"}]}]}]})",
      kNesting);
  ASSERT_TRUE(logs.ok()) << logs.error().message;
  const auto records = decode_otlp_logs(*logs, {});
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(records->batch.body[0].to_string(records->batch.strings), "hello");
  EXPECT_EQ(records->batch.severity[0], 9);

  const auto metrics = otlp_json_to_protobuf(
      Signal::kMetrics,
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"h","histogram":{
          "aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"5000000","count":"3","sum":4.5,
          "bucketCounts":["1",2],"explicitBounds":[1]}]}}]}]}]})",
      kNesting);
  ASSERT_TRUE(metrics.ok()) << metrics.error().message;
  const auto samples = decode_otlp_metrics(*metrics, {});
  ASSERT_TRUE(samples.ok());
  EXPECT_THAT(samples->batch.value, testing::ElementsAre(1, 3, 4.5, 3));
}

}  // namespace
}  // namespace vedette::wire
