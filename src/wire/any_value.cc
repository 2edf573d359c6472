#include "wire/any_value.h"

#include "base/json_writer.h"
#include "wire/otlp_fields.h"

namespace vedette::wire {
namespace {

namespace any = otlp::any_value;

// The fields of an AnyValue, nothing of what lies within them.
struct Parts {
  uint32_t tag = 0;  // of the field that was set; 0: none
  uint64_t bits = 0;
  std::string_view bytes;
};

bool split(std::string_view in, Parts& out) {
  ProtoReader r(in);
  while (r.next()) {
    switch (r.tag()) {
      case any::kStringValue:
      case any::kBytesValue:
      case any::kArrayValue:
      case any::kKvlistValue:
        out.tag = r.tag();
        out.bytes = r.bytes();
        break;
      case any::kBoolValue:
        out.tag = r.tag();
        out.bits = r.varint() != 0;
        break;
      case any::kIntValue:
        out.tag = r.tag();
        out.bits = r.varint();
        break;
      case any::kDoubleValue:
        out.tag = r.tag();
        out.bits = r.fixed64();
        break;
      default:
        r.skip();
    }
  }
  return r.ok();
}

class JsonText {
 public:
  explicit JsonText(size_t nesting_max) : nesting_max_(nesting_max) {}

  AnyValueFault write(const Parts& parts, size_t depth) {
    if (depth > nesting_max_) return AnyValueFault::kTooDeep;
    switch (parts.tag) {
      case any::kStringValue:
        out_.value(parts.bytes);
        break;
      case any::kBoolValue:
        out_.value(parts.bits != 0);
        break;
      case any::kIntValue:
        out_.value(static_cast<int64_t>(parts.bits));
        break;
      case any::kDoubleValue:
        out_.value(std::bit_cast<double>(parts.bits));
        break;
      case any::kBytesValue:
        out_.value(base64(parts.bytes));
        break;
      case any::kArrayValue:
        return array(parts.bytes, depth);
      case any::kKvlistValue:
        return map(parts.bytes, depth);
      default:
        out_.null();
    }
    return AnyValueFault::kNone;
  }
  std::string take() { return out_.take(); }

 private:
  AnyValueFault element(std::string_view in, size_t depth) {
    Parts parts;
    if (!split(in, parts)) return AnyValueFault::kMalformed;
    return write(parts, depth + 1);
  }

  AnyValueFault array(std::string_view in, size_t depth) {
    out_.begin_array();
    ProtoReader r(in);
    while (r.next()) {
      if (r.tag() != otlp::array_value::kValues) {
        r.skip();
      } else if (const auto fault = element(r.bytes(), depth); fault != AnyValueFault::kNone) {
        return fault;
      }
    }
    out_.end_array();
    return r.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  AnyValueFault map(std::string_view in, size_t depth) {
    out_.begin_object();
    ProtoReader r(in);
    while (r.next()) {
      if (r.tag() != otlp::key_value_list::kValues) {
        r.skip();
      } else if (const auto fault = entry(r.bytes(), depth); fault != AnyValueFault::kNone) {
        return fault;
      }
    }
    out_.end_object();
    return r.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  AnyValueFault entry(std::string_view in, size_t depth) {
    std::string_view key, value;
    ProtoReader r(in);
    while (r.next()) {
      switch (r.tag()) {
        case otlp::key_value::kKey:
          key = r.bytes();
          break;
        case otlp::key_value::kValue:
          value = r.bytes();
          break;
        default:
          r.skip();
      }
    }
    if (!r.ok()) return AnyValueFault::kMalformed;
    out_.key(key);
    return element(value, depth);
  }

  static std::string base64(std::string_view bytes) {
    model::StringTable strings;
    return model::Value::bytes(strings.intern(bytes)).to_string(strings);
  }

  base::JsonWriter out_;
  const size_t nesting_max_;
};

AnyValueFault decode_nested(const Parts& parts, size_t nesting_max, BatchText& text,
                            model::Value& out) {
  JsonText json(nesting_max);
  if (const auto fault = json.write(parts, 1); fault != AnyValueFault::kNone) return fault;
  const std::string whole = json.take();
  // Half a JSON text is no JSON: what has to be cut is kept as plain text.
  const auto id = text.intern(whole);
  if (whole.size() > text.bytes_max()) {
    out = model::Value::string(id);
  } else {
    out = parts.tag == any::kArrayValue ? model::Value::array(id) : model::Value::map(id);
  }
  return AnyValueFault::kNone;
}

}  // namespace

AnyValueFault decode_any_value(std::string_view bytes, size_t nesting_max, BatchText& text,
                               model::Value& out) {
  Parts parts;
  if (!split(bytes, parts)) return AnyValueFault::kMalformed;
  switch (parts.tag) {
    case any::kStringValue:
      out = model::Value::string(text.intern(parts.bytes));
      break;
    case any::kBoolValue:
      out = model::Value::boolean(parts.bits != 0);
      break;
    case any::kIntValue:
      out = {model::ValueType::kInt, parts.bits};
      break;
    case any::kDoubleValue:
      out = {model::ValueType::kDouble, parts.bits};
      break;
    case any::kBytesValue:
      out = model::Value::bytes(text.intern_bytes(parts.bytes));
      break;
    case any::kArrayValue:
    case any::kKvlistValue:
      return decode_nested(parts, nesting_max, text, out);
    default:
      out = {};
  }
  return AnyValueFault::kNone;
}

AnyValueFault any_value_text(std::string_view bytes, size_t nesting_max, std::string& out) {
  DecodeReport report;
  model::StringTable strings;
  BatchText text(strings, SIZE_MAX, report);
  model::Value value;
  const auto fault = decode_any_value(bytes, nesting_max, text, value);
  out = value.to_string(strings);
  return fault;
}

}  // namespace vedette::wire
