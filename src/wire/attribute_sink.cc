#include "wire/attribute_sink.h"

#include "wire/otlp_fields.h"

namespace vedette::wire {
namespace {

// The text of an AnyValue that is nothing but a string: nearly all of them.
bool plain_string(std::string_view any, std::string_view& out) {
  if (any.size() < 2 || any[0] != static_cast<char>(otlp::any_value::kStringValue)) return false;
  const auto length = static_cast<unsigned char>(any[1]);
  if (length >= 0x80 || length + size_t{2} != any.size()) return false;
  out = any.substr(2);
  return true;
}

// Equal? Most texts here are shorter than a call of memcmp is worth.
inline bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const char* x = a.data();
  const char* y = b.data();
  const auto load = [](const char* p) {
    uint64_t word;
    std::memcpy(&word, p, sizeof word);
    return word;
  };
  size_t n = a.size();
  if (n < 8) {
    while (n > 0 && x[n - 1] == y[n - 1]) --n;
    return n == 0;
  }
  if (n > 32) return std::memcmp(x, y, n) == 0;
  for (size_t i = 0; i + 8 <= n; i += 8) {
    if (load(x + i) != load(y + i)) return false;
  }
  return load(x + n - 8) == load(y + n - 8);
}

}  // namespace

AnyValueFault AttributeSink::add(std::string_view key_value) {
  std::string_view key, any;
  ProtoReader in(key_value);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::key_value::kKey:
        key = in.bytes();
        break;
      case otlp::key_value::kValue:
        any = in.bytes();
        break;
      default:
        in.skip();
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  if (key.empty() || touched_.size() == options_.attributes_max) {
    drop();
    return AnyValueFault::kNone;
  }

  Guess& guess = guesses_[std::min(touched_.size(), kPositions - 1)];
  if (guess.column == kUnknown ||
      !same_text(text_.view(columns_.columns()[guess.column].key), key)) {
    const uint32_t found = column_of(key);
    if (found == kUnknown) {
      drop();
      return AnyValueFault::kNone;
    }
    guess = {found, 0};
  }

  model::Value value;
  if (std::string_view text; plain_string(any, text)) {
    if (!same_text(text_.view(guess.text), text)) guess.text = text_.intern(text);
    value = model::Value::string(guess.text);
  } else if (const auto fault = decode_any_value(any, options_.nesting_max, text_, value);
             fault != AnyValueFault::kNone) {
    return fault;
  }

  model::AttributeColumn& column = columns_.mutable_columns()[guess.column];
  if (!column.rows.empty() && column.rows.back() == row_) {
    column.types.back() = value.type;
    column.bits.back() = value.bits;
    return AnyValueFault::kNone;
  }
  column.rows.push_back(row_);
  column.types.push_back(value.type);
  column.bits.push_back(value.bits);
  touched_.push_back(guess.column);
  return AnyValueFault::kNone;
}

uint32_t AttributeSink::column_of(std::string_view key) {
  const base::StringId id = text_.intern(key);
  if (id == 0) return kUnknown;
  if (const auto* known = columns_.find(id)) {
    return static_cast<uint32_t>(known - columns_.columns().data());
  }
  const auto count = static_cast<uint32_t>(columns_.columns().size());
  if (count == options_.keys_max) return kUnknown;
  model::AttributeColumn fresh;
  fresh.key = id;
  fresh.rows.reserve(column_reserve_);
  fresh.types.reserve(column_reserve_);
  fresh.bits.reserve(column_reserve_);
  columns_.add_column(std::move(fresh));
  return count;
}

void AttributeSink::drop() {
  ++dropped_;
  ++text_.report().dropped_attributes;
}

void AttributeSink::rollback() {
  for (uint32_t c : touched_) {
    model::AttributeColumn& column = columns_.mutable_columns()[c];
    column.rows.pop_back();
    column.types.pop_back();
    column.bits.pop_back();
  }
  touched_.clear();
}

}  // namespace vedette::wire
