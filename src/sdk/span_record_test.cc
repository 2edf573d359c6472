#include "sdk/span_record.h"

#include <gtest/gtest.h>

#include <protozero/pbf_reader.hpp>

#include "sdk/otlp_fields.h"

namespace vedette::sdk {
namespace {

/// "key=value" of the attributes that would be sent, in order.
std::vector<std::string> attributes_of(const SpanRecord& record) {
  std::vector<std::string> found;
  record.each_attribute([&](std::string_view bytes) {
    protozero::pbf_reader entry(bytes.data(), bytes.size());
    std::string text;
    while (entry.next()) {
      if (entry.tag() == otlp::KeyValue::kKey) {
        text += entry.get_string() + '=';
        continue;
      }
      protozero::pbf_reader value = entry.get_message();
      while (value.next()) {
        switch (value.tag()) {
          case otlp::AnyValue::kString:
            text += value.get_string();
            break;
          case otlp::AnyValue::kInt:
            text += std::to_string(value.get_int64());
            break;
          case otlp::AnyValue::kBool:
            text += value.get_bool() ? "true" : "false";
            break;
          case otlp::AnyValue::kDouble:
            text += std::to_string(value.get_double());
            break;
          default:
            value.skip();
        }
      }
    }
    found.push_back(text);
  });
  return found;
}

std::string encode(const SpanRecord& record, const SpanHead& head, std::string_view name,
                   std::string_view trace_state = {}, std::string_view message = {}) {
  std::string out(record.encoded_size(head, name, trace_state, message), '\0');
  record.encode(out.data(), head, name, trace_state, message);
  return out;
}

using Strings = std::vector<std::string>;

TEST(SpanRecord, KeepsAttributesInOrderAndTheLastValueOfAKey) {
  SpanRecord record;
  const SpanLimits limits;
  record.set_string("a", "x", limits);
  record.set_int("b", -1, limits);
  record.set_bool("c", true, limits);
  record.set_double("d", 0.5, limits);
  record.set_string("a", "y", limits);
  EXPECT_EQ(attributes_of(record), (Strings{"b=-1", "c=true", "d=0.500000", "a=y"}));
}

TEST(SpanRecord, DropsTheOldestOverTheLimit) {
  SpanRecord record;
  SpanLimits limits;
  limits.attributes = 2;
  for (const char* key : {"a", "b", "c"}) record.set_int(key, 1, limits);
  record.set_int("b", 2, limits);  // known already: nothing is dropped for it
  EXPECT_EQ(attributes_of(record), (Strings{"c=1", "b=2"}));
  const std::string bytes = encode(record, {}, "n");
  protozero::pbf_reader span(bytes);
  EXPECT_TRUE(span.next(otlp::Span::kDroppedAttributes));
  EXPECT_EQ(span.get_uint32(), 1u);
}

TEST(SpanRecord, AnAttributeSetForEverNeedsNoMoreMemory) {
  SpanRecord record;
  const SpanLimits limits;
  record.set_string("first", "kept", limits);
  for (int i = 0; i < 100'000; ++i) record.set_int("progress", i, limits);
  EXPECT_EQ(attributes_of(record), (Strings{"first=kept", "progress=99999"}));
  EXPECT_LT(record.body().size(), 64u << 10);
}

TEST(SpanRecord, IsBoundedInBytes) {
  SpanRecord record;
  const SpanLimits limits;
  const std::string large(kValueBytesMax, 'x');
  for (int i = 0; i < 50; ++i) record.set_string("k" + std::to_string(i), large, limits);
  EXPECT_LE(record.body().size(), kSpanBytesMax);
  EXPECT_EQ(attributes_of(record).size(), 3u);
}

TEST(SpanRecord, EncodesWhatItPromisedInSize) {
  SpanRecord record;
  const SpanLimits limits;
  record.set_string("k", std::string(300, 'v'), limits);
  record.add_event("event bytes", limits);
  record.add_link("link bytes", limits);
  SpanHead head;
  head.trace_id = {0x0102030405060708, 0x090a0b0c0d0e0f10};
  head.span_id = 0x1112131415161718;
  head.parent_id = 1;
  head.start_ns = 5;
  head.end_ns = 9;
  head.kind = 2;
  head.status = 2;
  head.trace_flags = 1;
  head.parent_remote = true;
  const std::string bytes = encode(record, head, "name", "a=b", "why");

  std::map<uint32_t, std::string> texts;
  std::map<uint32_t, uint64_t> numbers;
  protozero::pbf_reader span(bytes);
  while (span.next()) {
    const uint32_t field = span.tag();
    switch (span.wire_type()) {
      case protozero::pbf_wire_type::length_delimited:
        texts[field] = span.get_string();
        break;
      case protozero::pbf_wire_type::fixed64:
        numbers[field] = span.get_fixed64();
        break;
      case protozero::pbf_wire_type::fixed32:
        numbers[field] = span.get_fixed32();
        break;
      default:
        numbers[field] = span.get_uint64();
    }
  }
  using F = otlp::Span;
  EXPECT_EQ(texts[F::kTraceId], "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10");
  EXPECT_EQ(texts[F::kSpanId], "\x11\x12\x13\x14\x15\x16\x17\x18");
  EXPECT_EQ(texts[F::kParentSpanId].size(), 8u);
  EXPECT_EQ(texts[F::kName], "name");
  EXPECT_EQ(texts[F::kTraceState], "a=b");
  EXPECT_EQ(texts[F::kEvents], "event bytes");
  EXPECT_EQ(texts[F::kLinks], "link bytes");
  EXPECT_EQ(numbers[F::kStart], 5u);
  EXPECT_EQ(numbers[F::kEnd], 9u);
  EXPECT_EQ(numbers[F::kKind], 2u);
  EXPECT_EQ(numbers[F::kFlags], 0x301u);
  protozero::pbf_reader status(texts[F::kStatus]);
  ASSERT_TRUE(status.next(otlp::Status::kMessage));
  EXPECT_EQ(status.get_string(), "why");
}

TEST(SpanRecord, IsEmptyAgainAfterReset) {
  SpanRecord record;
  const SpanLimits limits;
  record.set_string("k", std::string(100'000, 'v'), limits);
  record.reset();
  EXPECT_TRUE(attributes_of(record).empty());
  EXPECT_LT(record.body().capacity(), 16u << 10);
}

}  // namespace
}  // namespace vedette::sdk
