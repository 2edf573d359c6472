#include "sdk/span_bytes.h"

#include "sdk/otlp_fields.h"

namespace vedette::sdk {
namespace {

bool read_varint(std::string_view* bytes, uint64_t* out) {
  *out = 0;
  for (int shift = 0; shift < 64 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    *out |= uint64_t{byte & 0x7fu} << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

struct Field {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t number_value = 0;
  std::string_view bytes;  // of a length-delimited field
  std::string_view whole;  // tag and all
};

/// Takes the first field off a message; false at its end, and when it is malformed.
bool next_field(std::string_view* message, Field* field) {
  const std::string_view before = *message;
  uint64_t key = 0;
  if (!read_varint(message, &key)) return false;
  *field = {static_cast<uint32_t>(key >> 3), static_cast<WireType>(key & 7), 0, {}, {}};
  size_t size = 0;
  switch (field->type) {
    case WireType::kVarint:
      if (!read_varint(message, &field->number_value)) return false;
      break;
    case WireType::kFixed64:
      size = 8;
      break;
    case WireType::kFixed32:
      size = 4;
      break;
    case WireType::kBytes: {
      uint64_t length = 0;
      if (!read_varint(message, &length) || length > message->size()) return false;
      size = static_cast<size_t>(length);
      field->bytes = message->substr(0, size);
      break;
    }
    default:
      return false;
  }
  if (size > message->size()) return false;
  message->remove_prefix(size);
  field->whole = before.substr(0, before.size() - message->size());
  return true;
}

bool is_server_failure(std::string_view attribute) {
  Field field;
  if (!next_field(&attribute, &field) || field.number != otlp::KeyValue::kKey) return false;
  if (field.bytes != "http.response.status_code" && field.bytes != "http.status_code") return false;
  if (!next_field(&attribute, &field)) return false;
  std::string_view value = field.bytes;
  return next_field(&value, &field) && field.number == otlp::AnyValue::kInt &&
         field.number_value >= 500 && field.number_value < 1000;
}

bool is_exception(std::string_view event) {
  for (Field field; next_field(&event, &field);) {
    if (field.number == otlp::Event::kName) return field.bytes == "exception";
  }
  return false;
}

}  // namespace

bool has_failed(const SpanHead& head, const SpanRecord& record) {
  if (head.status == 2) return true;
  bool failed = false;
  record.each_attribute([&](std::string_view item) { failed = failed || is_server_failure(item); });
  record.each_event([&](std::string_view item) { failed = failed || is_exception(item); });
  return failed;
}

std::string without_detail(std::string_view span) {
  using F = otlp::Span;
  std::string kept;
  uint64_t attributes = 0, events = 0, links = 0;
  std::string_view rest = span;
  Field field;
  while (!rest.empty()) {
    if (!next_field(&rest, &field)) return std::string(span);
    switch (field.number) {
      case F::kAttributes:
        ++attributes;
        break;
      case F::kEvents:
        ++events;
        break;
      case F::kLinks:
        ++links;
        break;
      case F::kDroppedAttributes:
        attributes += field.number_value;
        break;
      case F::kDroppedEvents:
        events += field.number_value;
        break;
      case F::kDroppedLinks:
        links += field.number_value;
        break;
      default:
        kept += field.whole;
    }
  }
  const std::pair<uint32_t, uint64_t> counts[] = {
      {F::kDroppedAttributes, attributes}, {F::kDroppedEvents, events}, {F::kDroppedLinks, links}};
  for (const auto& [number, count] : counts) {
    char bytes[16];
    if (count) kept.append(bytes, write_varint_field(bytes, number, count));
  }
  return kept;
}

}  // namespace vedette::sdk
