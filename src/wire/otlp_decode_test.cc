#include "wire/otlp_decode.h"

#include <gmock/gmock.h>

#include "wire/otlp_fields.h"
#include "wire/test_proto.h"

namespace vedette::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kTrace = "0123456789abcdef";
constexpr std::string_view kSpan = "span-id.";

Proto any(std::string_view text) {
  return Proto().bytes(otlp::any_value::kStringValue, text);
}
Proto any(int64_t number) {
  return Proto().varint(otlp::any_value::kIntValue, static_cast<uint64_t>(number));
}
Proto array(const Proto& element) {
  return Proto().message(otlp::any_value::kArrayValue,
                         Proto().message(otlp::array_value::kValues, element));
}
Proto attribute(std::string_view key, const Proto& value) {
  return Proto().bytes(otlp::key_value::kKey, key).message(otlp::key_value::kValue, value);
}

Proto good_span() {
  return Proto()
      .bytes(otlp::span::kTraceId, kTrace)
      .bytes(otlp::span::kSpanId, kSpan)
      .bytes(otlp::span::kName, "GET /orders")
      .varint(otlp::span::kKind, 2)
      .fixed<uint64_t>(otlp::span::kStartTimeUnixNano, 1000)
      .fixed<uint64_t>(otlp::span::kEndTimeUnixNano, 1500);
}

// A request of one resource and one scope.
std::string traces(const std::vector<Proto>& spans, const Proto& resource = {}) {
  Proto scope;
  scope.message(otlp::scope_spans::kScope,
                Proto().bytes(otlp::instrumentation_scope::kName, "lib"));
  for (const Proto& span : spans) scope.message(otlp::scope_spans::kSpans, span);
  return Proto()
      .message(otlp::export_trace_service_request::kResourceSpans,
               Proto()
                   .message(otlp::resource_spans::kResource, resource)
                   .message(otlp::resource_spans::kScopeSpans, scope))
      .str();
}

Proto service(std::string_view name) {
  return Proto().message(otlp::resource::kAttributes, attribute("service.name", any(name)));
}

Decoded<model::SpanBatch> decode(const std::string& body, const DecodeOptions& options = {}) {
  auto decoded = decode_otlp_traces(body, options);
  EXPECT_TRUE(decoded.ok()) << decoded.error().message;
  return decoded.ok() ? std::move(*decoded) : Decoded<model::SpanBatch>{};
}

std::string text_of(const model::SpanBatch& batch, uint32_t row, std::string_view key) {
  const auto id = batch.strings.find(key);
  const auto value = id ? batch.attributes.get(row, *id) : std::nullopt;
  return value ? value->to_string(batch.strings) : "(none)";
}

TEST(OtlpTraces, EverySpanIsARow) {
  Proto second = good_span();
  second.message(otlp::span::kAttributes, attribute("http.route", any("/orders")))
      .message(otlp::span::kAttributes, attribute("n", any(-5)))
      .message(otlp::span::kStatus,
               Proto().varint(otlp::status::kCode, 2).bytes(otlp::status::kMessage, "boom"));
  const auto [batch, report] = decode(traces({good_span(), second}, service("shop")));
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch.service(1), "shop");
  EXPECT_EQ(batch.strings[batch.name[0]], "GET /orders");
  EXPECT_EQ(batch.strings[batch.scopes[batch.scope[0]].name], "lib");
  EXPECT_EQ(batch.kind[0], model::SpanKind::kServer);
  EXPECT_EQ(batch.duration_ns[0], 500);
  EXPECT_EQ(batch.status[1], model::SpanStatus::kError);
  EXPECT_EQ(batch.strings[batch.status_message[1]], "boom");
  EXPECT_EQ(text_of(batch, 0, "http.route"), "(none)");
  EXPECT_EQ(text_of(batch, 1, "http.route"), "/orders");
  EXPECT_EQ(text_of(batch, 1, "n"), "-5");
  EXPECT_EQ(report.rejected, 0u);
}

TEST(OtlpTraces, AServiceWithoutNameIsUnknown) {
  EXPECT_EQ(decode(traces({good_span()})).batch.service(0), "unknown_service");
}

TEST(OtlpTraces, SpansWithInvalidIdsAreRejectedAndLeaveNothingBehind) {
  const Proto note = attribute("note", any("x"));
  const auto bad = [&](std::string_view trace, std::string_view span, std::string_view parent) {
    return Proto()
        .message(otlp::span::kAttributes, note)
        .message(otlp::span::kEvents, Proto().message(otlp::event::kAttributes, note))
        .message(otlp::span::kLinks, Proto()
                                         .bytes(otlp::link::kTraceId, kTrace)
                                         .bytes(otlp::link::kSpanId, kSpan)
                                         .message(otlp::link::kAttributes, note))
        .bytes(otlp::span::kTraceId, trace)
        .bytes(otlp::span::kSpanId, span)
        .bytes(otlp::span::kParentSpanId, parent);
  };
  const std::string zeros(16, '\0');
  const auto [batch, report] =
      decode(traces({bad("short", kSpan, ""), bad(zeros, kSpan, ""), bad(kTrace, "short", ""),
                     bad(kTrace, zeros.substr(8), ""), bad(kTrace, kSpan, "odd"), good_span()}));
  EXPECT_EQ(batch.size(), 1u);
  EXPECT_EQ(report.rejected, 5u);
  EXPECT_THAT(report.reason, HasSubstr("trace_id"));
  EXPECT_EQ(text_of(batch, 0, "note"), "(none)");
  EXPECT_EQ(batch.events.size(), 0u);
  EXPECT_EQ(batch.links.size(), 0u);
  for (const auto& column : batch.attributes.columns()) EXPECT_THAT(column.rows, IsEmpty());
  for (const auto& column : batch.events.attributes.columns()) EXPECT_THAT(column.rows, IsEmpty());
  for (const auto& column : batch.links.attributes.columns()) EXPECT_THAT(column.rows, IsEmpty());
}

TEST(OtlpTraces, ASpanThatEndsBeforeItStartsTookNoTime) {
  Proto span = good_span();
  span.fixed<uint64_t>(otlp::span::kEndTimeUnixNano, 1);
  EXPECT_EQ(decode(traces({span})).batch.duration_ns[0], 0);
}

TEST(OtlpTraces, EventsAndLinksPointAtTheirSpan) {
  Proto span = good_span();
  span.message(otlp::span::kEvents,
               Proto()
                   .fixed<uint64_t>(otlp::event::kTimeUnixNano, 1200)
                   .bytes(otlp::event::kName, "exception")
                   .message(otlp::event::kAttributes, attribute("exception.type", any("KeyError"))))
      .message(otlp::span::kLinks,
               Proto().bytes(otlp::link::kTraceId, kTrace).bytes(otlp::link::kSpanId, "otherspn"))
      .message(otlp::span::kLinks, Proto().bytes(otlp::link::kTraceId, "none"));
  const auto batch = decode(traces({good_span(), span})).batch;
  ASSERT_EQ(batch.events.size(), 1u);
  EXPECT_EQ(batch.events.span_row[0], 1u);
  EXPECT_EQ(batch.strings[batch.events.name[0]], "exception");
  EXPECT_EQ(batch.events.attributes.get(0, *batch.strings.find("exception.type"))
                ->to_string(batch.strings),
            "KeyError");
  ASSERT_EQ(batch.links.size(), 1u);
  EXPECT_EQ(batch.links.span_row[0], 1u);
  EXPECT_EQ(batch.dropped_links[1], 1u);
}

TEST(OtlpTraces, NestedValuesAreJson) {
  Proto span = good_span();
  const Proto map = Proto().message(
      otlp::any_value::kKvlistValue,
      Proto().message(otlp::key_value_list::kValues, attribute("a\"b", array(any(7)))));
  span.message(otlp::span::kAttributes, attribute("map", map))
      .message(otlp::span::kAttributes,
               attribute("bytes", Proto().bytes(otlp::any_value::kBytesValue, "hi\xff")))
      .message(otlp::span::kAttributes, attribute("empty", Proto()));
  const auto batch = decode(traces({span})).batch;
  EXPECT_EQ(text_of(batch, 0, "map"), R"({"a\"b":[7]})");
  EXPECT_EQ(batch.attributes.get(0, *batch.strings.find("map"))->type, model::ValueType::kMap);
  EXPECT_EQ(text_of(batch, 0, "bytes"), "aGn/");
  EXPECT_EQ(text_of(batch, 0, "empty"), "");
}

// An array in an array, `depth` times. Put together from the inside out, without copying it each
// time.
std::string nested(int depth) {
  std::vector<std::string> heads;
  size_t size = 0;
  for (int i = 0; i < depth; ++i) {
    for (const uint32_t tag : {otlp::array_value::kValues, otlp::any_value::kArrayValue}) {
      std::string head;
      base::ByteWriter w(head);
      w.varint(tag);
      w.varint(size);
      size += head.size();
      heads.push_back(std::move(head));
    }
  }
  std::string out;
  for (auto head = heads.rbegin(); head != heads.rend(); ++head) out += *head;
  return out;
}

TEST(OtlpTraces, TooDeepNestingIsRefusedWhateverItsDepth) {
  const auto request = [](int depth) {
    Proto span = good_span();
    span.message(
        otlp::span::kAttributes,
        Proto().bytes(otlp::key_value::kKey, "deep").bytes(otlp::key_value::kValue, nested(depth)));
    return decode_otlp_traces(traces({span}), {});
  };
  EXPECT_TRUE(request(63).ok());
  for (const int depth : {64, 50'000}) {
    const auto decoded = request(depth);
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, Code::kInvalidArgument);
    EXPECT_THAT(decoded.error().message, HasSubstr("64 levels"));
  }
}

TEST(OtlpTraces, LimitsAreKeptAndCounted) {
  DecodeOptions options;
  options.attributes_max = 3;
  options.events_max = 1;
  options.text_bytes_max = 10;
  Proto span = good_span();
  span.varint(otlp::span::kDroppedAttributesCount, 2);
  for (const char* key : {"a", "b", "c", "d"}) {
    span.message(otlp::span::kAttributes, attribute(key, any("12345678é")));
  }
  span.message(otlp::span::kEvents, Proto()).message(otlp::span::kEvents, Proto());
  const auto [batch, report] = decode(traces({span}), options);
  EXPECT_EQ(batch.dropped_attributes[0], 3u);
  EXPECT_EQ(batch.dropped_events[0], 1u);
  EXPECT_EQ(text_of(batch, 0, "a"), "12345678é");
  EXPECT_EQ(text_of(batch, 0, "d"), "(none)");
  EXPECT_EQ(report.dropped_attributes, 1u);
}

TEST(OtlpTraces, LongTextIsCutBetweenCharacters) {
  DecodeOptions options;
  options.text_bytes_max = 20;
  Proto span = good_span();
  span.message(otlp::span::kAttributes, attribute("k", any("1234567890123456789é tail")));
  const auto [batch, report] = decode(traces({span}), options);
  EXPECT_EQ(text_of(batch, 0, "k"), "1234567890123456789");
  EXPECT_EQ(report.truncated, 1u);
}

TEST(OtlpTraces, TextThatIsNotUtf8IsReplaced) {
  Proto span = good_span();
  span.message(otlp::span::kAttributes, attribute("k", any("a\xff"
                                                           "b")));
  const auto [batch, report] = decode(traces({span}));
  EXPECT_EQ(text_of(batch, 0, "k"), "a\ufffdb");
  EXPECT_EQ(report.sanitized, 1u);
}

TEST(OtlpTraces, TheLastOfTwoValuesForAKeyWins) {
  Proto span = good_span();
  span.message(otlp::span::kAttributes, attribute("k", any("first")))
      .message(otlp::span::kAttributes, attribute("other", any("x")))
      .message(otlp::span::kAttributes, attribute("k", any("second")));
  EXPECT_EQ(text_of(decode(traces({span})).batch, 0, "k"), "second");
}

TEST(OtlpTraces, UnknownFieldsAndKnownOnesOfAnotherTypeAreSkipped) {
  Proto span = good_span();
  span.varint(varint_tag(999), 5).bytes(bytes_tag(6), "not a kind").fixed(fixed32_tag(99), 1u);
  const auto batch = decode(traces({span})).batch;
  EXPECT_EQ(batch.kind[0], model::SpanKind::kServer);
}

TEST(OtlpTraces, CutShortAtAnyByteIsAnErrorOrAShorterRequest) {
  Proto span = good_span();
  span.message(otlp::span::kAttributes, attribute("map", array(any("x"))));
  const std::string body = traces({span}, service("shop"));
  EXPECT_TRUE(decode_otlp_traces("", {}).ok());
  for (size_t n = 1; n < body.size(); ++n) {
    const auto decoded = decode_otlp_traces(std::string_view(body).substr(0, n), {});
    ASSERT_FALSE(decoded.ok()) << n;
    EXPECT_EQ(decoded.error().code, Code::kInvalidArgument);
  }
}

TEST(OtlpTraces, FieldNumberZeroAndGroupsAreMalformed) {
  EXPECT_FALSE(decode_otlp_traces(std::string("\x02\x00", 2), {}).ok());
  EXPECT_FALSE(decode_otlp_traces("\x0b\x0c", {}).ok());
  EXPECT_FALSE(decode_otlp_traces(std::string(12, '\xff'), {}).ok());
}

TEST(OtlpTraces, EmptyResourcesLeaveNoTrace) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += traces({});
  body += traces({good_span()}, service("shop"));
  const auto batch = decode(body).batch;
  EXPECT_EQ(batch.resources.size(), 1u);
  EXPECT_EQ(batch.scopes.size(), 1u);
  EXPECT_EQ(batch.service(0), "shop");
}

std::string logs(const Proto& record) {
  return Proto()
      .message(otlp::export_logs_service_request::kResourceLogs,
               Proto()
                   .message(otlp::resource_logs::kResource, service("shop"))
                   .message(otlp::resource_logs::kScopeLogs,
                            Proto().message(otlp::scope_logs::kLogRecords, record)))
      .str();
}

TEST(OtlpLogs, ARecordTakesTheTimeItHas) {
  DecodeOptions options;
  options.received_ns = 7000;
  const auto times = [&](uint64_t time, uint64_t observed) {
    const auto decoded =
        decode_otlp_logs(logs(Proto()
                                  .fixed(otlp::log_record::kTimeUnixNano, time)
                                  .fixed(otlp::log_record::kObservedTimeUnixNano, observed)),
                         options);
    EXPECT_TRUE(decoded.ok());
    return std::vector<int64_t>{decoded->batch.time_ns[0], decoded->batch.observed_ns[0]};
  };
  EXPECT_THAT(times(5, 6), ElementsAre(5, 6));
  EXPECT_THAT(times(0, 6), ElementsAre(6, 6));
  EXPECT_THAT(times(0, 0), ElementsAre(7000, 7000));
}

TEST(OtlpLogs, ARecordKeepsWhatItSays) {
  const auto decoded =
      decode_otlp_logs(logs(Proto()
                                .fixed<uint64_t>(otlp::log_record::kTimeUnixNano, 5)
                                .varint(otlp::log_record::kSeverityNumber, 17)
                                .bytes(otlp::log_record::kSeverityText, "error")
                                .message(otlp::log_record::kBody, any("payment failed"))
                                .message(otlp::log_record::kAttributes, attribute("order", any(12)))
                                .bytes(otlp::log_record::kTraceId, kTrace)
                                .bytes(otlp::log_record::kSpanId, "bad")),
                       {});
  ASSERT_TRUE(decoded.ok());
  const model::LogBatch& batch = decoded->batch;
  EXPECT_EQ(batch.severity[0], 17);
  EXPECT_EQ(batch.strings[batch.severity_text[0]], "error");
  EXPECT_EQ(batch.body[0].to_string(batch.strings), "payment failed");
  EXPECT_EQ(batch.attributes.get(0, *batch.strings.find("order"))->as_int(), 12);
  EXPECT_EQ(batch.trace_id[0], model::TraceId::from_bytes(kTrace.data()));
  EXPECT_EQ(batch.span_id[0], 0u);  // a bad id is no reason to lose a line
  EXPECT_EQ(batch.service(0), "shop");
}

}  // namespace
}  // namespace vedette::wire
