#include "wire/json/otlp_json.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>

#include "base/bytes.h"
#include "wire/otlp_schema.h"
#include "wire/proto_reader.h"

namespace vedette::wire {
namespace {

using json::Field;
using json::Kind;
using json::Message;
using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

constexpr uint32_t kWireType = 7;
constexpr uint32_t kVarint = 0, kFixed64 = 1;

Error invalid(std::string message) {
  return {Code::kInvalidArgument, "the body is not valid OTLP JSON: " + message};
}

Error wrong_type(const Message& message, const Field& field, std::string_view expected) {
  return invalid("\"" + std::string(field.name) + "\" of " + std::string(message.name) +
                 " must be " + std::string(expected));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// What is no hex becomes a single byte: no valid id, so the decoder rejects that record, not the
// request.
std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::string(1, '\0');
    out += static_cast<char>(high << 4 | low);
  }
  return hex.size() % 2 == 0 ? out : std::string(1, '\0');
}

// Standard or URL alphabet, padded or not, as protobuf's JSON mapping allows.
bool from_base64(std::string_view text, std::string& out) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    uint32_t digit;
    if (c >= 'A' && c <= 'Z')
      digit = c - 'A';
    else if (c >= 'a' && c <= 'z')
      digit = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      digit = c - '0' + 52;
    else if (c == '+' || c == '-')
      digit = 62;
    else if (c == '/' || c == '_')
      digit = 63;
    else
      return false;
    group = group << 6 | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits);
    }
  }
  return bits < 6;
}

bool integer_of(std::string_view text, uint64_t& out) {
  const char* end = text.data() + text.size();
  if (!text.empty() && text[0] == '-') {
    int64_t negative = 0;
    const auto parsed = std::from_chars(text.data(), end, negative);
    out = static_cast<uint64_t>(negative);
    return parsed.ec == std::errc() && parsed.ptr == end;
  }
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

bool double_of(std::string_view text, double& out) {
  if (text == "NaN")
    out = std::nan("");
  else if (text == "Infinity")
    out = HUGE_VAL;
  else if (text == "-Infinity")
    out = -HUGE_VAL;
  else {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, out);
    return parsed.ec == std::errc() && parsed.ptr == end;
  }
  return true;
}

class Rewriter {
 public:
  Rewriter(std::string& out, size_t depth_max) : w_(out), out_(out), depth_max_(depth_max) {}

  Status message(const Message& message, object in, size_t depth) {
    if (depth > depth_max_) return invalid("an attribute value is nested too deep");
    for (auto entry : in) {
      simdjson::ondemand::field field;
      std::string_view key;
      if (std::move(entry).get(field) || field.unescaped_key().get(key)) return broken();
      const Field* known = find(message, key);
      if (!known) continue;
      RETURN_IF_ERROR(one_or_many(message, *known, field.value(), depth));
    }
    return {};
  }
  static Error broken() { return invalid("it is not well-formed JSON in UTF-8"); }

 private:
  static const Field* find(const Message& message, std::string_view key) {
    for (const Field& field : message.fields) {
      if (field.name == key) return &field;
    }
    return nullptr;
  }

  Status one_or_many(const Message& message, const Field& field, value in, size_t depth) {
    json_type type;
    if (in.type().get(type)) return broken();
    if (type == json_type::null) return {};  // as if it were not there
    if (!field.repeated) return single(message, field, in, depth);
    simdjson::ondemand::array array;
    if (type != json_type::array || in.get_array().get(array)) {
      return wrong_type(message, field, "an array");
    }
    if (field.kind != Kind::kMessage) return packed(message, field, array);
    for (auto element : array) {
      value item;
      if (element.get(item)) return broken();
      RETURN_IF_ERROR(single(message, field, item, depth));
    }
    return {};
  }

  Status single(const Message& message, const Field& field, value in, size_t depth) {
    switch (field.kind) {
      case Kind::kMessage:
        return nested(message, field, in, depth);
      case Kind::kText:
      case Kind::kHexId:
      case Kind::kBase64:
        return bytes(message, field, in);
      case Kind::kBool: {
        bool flag = false;
        if (in.get_bool().get(flag)) return wrong_type(message, field, "true or false");
        w_.varint(field.tag);
        w_.varint(flag);
        return {};
      }
      case Kind::kInteger:
      case Kind::kSigned:
      case Kind::kUnsigned:
      case Kind::kZigzag: {
        uint64_t number = 0;
        if (!integer(in, number)) return wrong_type(message, field, "an integer");
        if (field.kind == Kind::kZigzag) number = base::zigzag(static_cast<int64_t>(number));
        w_.varint(field.tag);
        write_integer(field.tag & kWireType, number);
        return {};
      }
      case Kind::kDouble: {
        double number = 0;
        if (!real(in, number)) return wrong_type(message, field, "a number");
        w_.varint(field.tag);
        w_.fixed(number);
        return {};
      }
    }
    return {};
  }

  Status nested(const Message& message, const Field& field, value in, size_t depth) {
    object child;
    if (in.get_object().get(child)) return wrong_type(message, field, "an object");
    w_.varint(field.tag);
    // The length is known afterwards: room for it as a varint of five bytes, which protobuf allows.
    const size_t length_at = out_.size();
    out_.append(5, '\0');
    RETURN_IF_ERROR(this->message(*field.message, child, depth + 1));
    uint64_t length = out_.size() - length_at - 5;
    for (size_t i = 0; i < 5; ++i, length >>= 7) {
      out_[length_at + i] = static_cast<char>((length & 0x7f) | (i < 4 ? 0x80 : 0));
    }
    return {};
  }

  Status bytes(const Message& message, const Field& field, value in) {
    std::string_view text;
    if (in.get_string().get(text)) return wrong_type(message, field, "a string");
    std::string decoded;
    if (field.kind == Kind::kHexId) {
      decoded = from_hex(text);
      text = decoded;
    } else if (field.kind == Kind::kBase64) {
      if (!from_base64(text, decoded)) return wrong_type(message, field, "base64");
      text = decoded;
    }
    w_.varint(field.tag);
    w_.bytes(text);
    return {};
  }

  Status packed(const Message& message, const Field& field, simdjson::ondemand::array array) {
    std::string numbers;
    base::ByteWriter w(numbers);
    for (auto element : array) {
      value item;
      if (element.get(item)) return broken();
      if (field.kind == Kind::kDouble) {
        double number = 0;
        if (!real(item, number)) return wrong_type(message, field, "an array of numbers");
        w.fixed(number);
      } else {
        uint64_t number = 0;
        if (!integer(item, number)) return wrong_type(message, field, "an array of integers");
        if (field.kind == Kind::kUnsigned) {
          w.varint(number);
        } else {
          w.fixed(number);
        }
      }
    }
    w_.varint(field.tag);
    w_.bytes(numbers);
    return {};
  }

  void write_integer(uint32_t wire_type, uint64_t number) {
    if (wire_type == kVarint)
      w_.varint(number);
    else if (wire_type == kFixed64)
      w_.fixed(number);
    else
      w_.fixed(static_cast<uint32_t>(number));
  }

  static bool integer(value in, uint64_t& out) {
    json_type type;
    if (in.type().get(type)) return false;
    if (type == json_type::string) {
      std::string_view text;
      return !in.get_string().get(text) && integer_of(text, out);
    }
    if (!in.get_uint64().get(out)) return true;
    int64_t negative = 0;
    if (!in.get_int64().get(negative)) {
      out = static_cast<uint64_t>(negative);
      return true;
    }
    double real = 0;  // 1e3 and 5.0 are integers too
    if (in.get_double().get(real) || real != std::floor(real) || std::fabs(real) > 9.0e18)
      return false;
    out = static_cast<uint64_t>(static_cast<int64_t>(real));
    return true;
  }

  static bool real(value in, double& out) {
    json_type type;
    if (in.type().get(type)) return false;
    if (type == json_type::string) {
      std::string_view text;
      return !in.get_string().get(text) && double_of(text, out);
    }
    return !in.get_double().get(out);
  }

  base::ByteWriter w_;
  std::string& out_;
  const size_t depth_max_;
};

}  // namespace

Result<std::string> otlp_json_to_protobuf(Signal signal, std::string_view json,
                                          size_t nesting_max) {
  // A map within a map is three messages deep; the envelope around values takes the rest.
  const size_t depth_max = nesting_max * 3 + 16;
  const simdjson::padded_string padded(json);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  object root;
  if (parser.iterate(padded).get(document)) return Rewriter::broken();
  if (document.get_object().get(root)) return invalid("it must be an object");
  std::string out;
  out.reserve(json.size());
  RETURN_IF_ERROR(Rewriter(out, depth_max).message(json::request_schema(signal), root, 0));
  const char* rest = nullptr;
  if (!document.current_location().get(rest)) return invalid("something follows the object");
  return out;
}

}  // namespace vedette::wire
