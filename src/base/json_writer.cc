#include "base/json_writer.h"

// rapidjson's empty stacks add to a null pointer, and clang's sanitizer says so.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include "base/utf8.h"

namespace vedette::base {

struct JsonWriter::State {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) {}
JsonWriter::~JsonWriter() = default;

JsonWriter& JsonWriter::begin_object() {
  return state_->writer.StartObject(), *this;
}
JsonWriter& JsonWriter::end_object() {
  return state_->writer.EndObject(), *this;
}
JsonWriter& JsonWriter::begin_array() {
  return state_->writer.StartArray(), *this;
}
JsonWriter& JsonWriter::end_array() {
  return state_->writer.EndArray(), *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  if (!is_utf8(name)) return key(sanitize_utf8(name));
  state_->writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  if (!is_utf8(text)) return value(std::string_view(sanitize_utf8(text)));
  state_->writer.String(text.data() ? text.data() : "",
                        static_cast<rapidjson::SizeType>(text.size()));
  return *this;
}

JsonWriter& JsonWriter::value(bool b) {
  return state_->writer.Bool(b), *this;
}
JsonWriter& JsonWriter::value(int64_t n) {
  return state_->writer.Int64(n), *this;
}
JsonWriter& JsonWriter::value(uint64_t n) {
  return state_->writer.Uint64(n), *this;
}

JsonWriter& JsonWriter::value(double n) {
  if (!std::isfinite(n)) return null();
  state_->writer.Double(n);
  return *this;
}

JsonWriter& JsonWriter::null() {
  return state_->writer.Null(), *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  state_->writer.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  return *this;
}

std::string JsonWriter::take() {
  std::string out(state_->buffer.GetString(), state_->buffer.GetSize());
  state_->buffer.Clear();
  state_->writer.Reset(state_->buffer);
  return out;
}

}  // namespace vedette::base
