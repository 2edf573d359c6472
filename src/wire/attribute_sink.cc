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

  const auto& columns = columns_.columns();
  uint32_t c = next_[guess_];
  if (c == kUnknown || text_.view(columns[c].key) != key) {
    c = column_of(key);
    if (c == kUnknown) {
      drop();
      return AnyValueFault::kNone;
    }
    next_[guess_] = c;
  }
  guess_ = kFirstGuesses + c;

  model::Value value;
  if (std::string_view text; plain_string(any, text)) {
    base::StringId& last = last_text_[c];
    if (text_.view(last) != text) last = text_.intern(text);
    value = model::Value::string(last);
  } else if (const auto fault = decode_any_value(any, options_.nesting_max, text_, value);
             fault != AnyValueFault::kNone) {
    return fault;
  }

  model::AttributeColumn& column = columns_.mutable_columns()[c];
  if (!column.rows.empty() && column.rows.back() == row_) {
    column.types.back() = value.type;
    column.bits.back() = value.bits;
    return AnyValueFault::kNone;
  }
  column.rows.push_back(row_);
  column.types.push_back(value.type);
  column.bits.push_back(value.bits);
  touched_.push_back(c);
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
  columns_.add_column(std::move(fresh));
  next_.push_back(kUnknown);
  last_text_.push_back(0);
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
