#include "api/answer.h"

namespace vedette::api {
namespace {

constexpr int64_t kExactInDouble = int64_t{1} << 53;

/// "invalid argument" -> "invalid_argument"
std::string code_word(Code code) {
  std::string word(base::code_name(code));
  std::replace(word.begin(), word.end(), ' ', '_');
  return word;
}

}  // namespace

net::HttpResponse json_answer(std::string body) {
  net::HttpResponse response;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

net::HttpResponse error_answer(const Error& error) {
  base::JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.field("code", code_word(error.code)).field("message", error.message);
  json.end_object().end_object();
  net::HttpResponse response = json_answer(json.take());
  response.status = net::http_status(error.code);
  return response;
}

net::HttpResponse answer(Result<std::string> body) {
  return body.ok() ? json_answer(std::move(body).value()) : error_answer(body.error());
}

void write_moment(base::JsonWriter& json, std::string_view key, int64_t ns) {
  json.field(key, std::to_string(ns));
}

void write_value(base::JsonWriter& json, const model::Value& value,
                 const model::StringTable& strings) {
  switch (value.type) {
    case model::ValueType::kEmpty:
      json.null();
      return;
    case model::ValueType::kBool:
      json.value(value.bits != 0);
      return;
    case model::ValueType::kInt:
      if (std::abs(value.as_int()) <= kExactInDouble &&
          value.as_int() != std::numeric_limits<int64_t>::min()) {
        json.value(value.as_int());
      } else {
        json.value(std::to_string(value.as_int()));
      }
      return;
    case model::ValueType::kDouble:
      if (std::isfinite(value.as_double())) {
        json.value(value.as_double());
      } else {
        json.value(value.to_string(strings));
      }
      return;
    case model::ValueType::kString:
      json.value(strings[value.text_id()]);
      return;
    case model::ValueType::kBytes:
      json.value(value.to_string(strings));
      return;
    case model::ValueType::kArray:
    case model::ValueType::kMap:
      json.raw(strings[value.text_id()]);
      return;
  }
}

void write_attributes(base::JsonWriter& json, std::string_view key,
                      const model::AttributeColumns& columns, uint32_t row,
                      const model::StringTable& strings) {
  json.key(key).begin_object();
  columns.for_each(row, [&](model::StringId name, const model::Value& value) {
    json.key(strings[name]);
    write_value(json, value, strings);
  });
  json.end_object();
}

void write_attributes(base::JsonWriter& json, std::string_view key,
                      const model::AttributeList& list, const model::StringTable& strings) {
  json.key(key).begin_object();
  for (const auto& item : list.items) {
    json.key(strings[item.key]);
    write_value(json, item.value, strings);
  }
  json.end_object();
}

std::string hex_or_empty(model::TraceId id) {
  return id.valid() ? id.hex() : std::string();
}
std::string span_hex_or_empty(model::SpanId id) {
  return id != 0 ? model::span_id_hex(id) : std::string();
}

}  // namespace vedette::api
