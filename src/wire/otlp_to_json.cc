#include "wire/otlp_to_json.h"

#include <cmath>

#include "base/bytes.h"
#include "base/json_writer.h"
#include "wire/otlp_schema.h"
#include "wire/proto_reader.h"

namespace vedette::wire {
namespace {

using json::Field;
using json::Kind;
using json::Message;

constexpr uint32_t kWireType = 7;
constexpr uint32_t kVarint = 0, kFixed64 = 1;
// Far more than any encoder of ours nests; what is deeper becomes {}.
constexpr size_t kDepthMax = 1000;

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    }
    for (size_t i = 0; i < 4; ++i) out += i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

class JsonEncoder {
 public:
  void message(const Message& message, std::string_view bytes, size_t depth) {
    json_.begin_object();
    const uint32_t present = depth < kDepthMax ? fields_in(message, bytes) : 0;
    for (size_t i = 0; i < message.fields.size(); ++i) {
      if (present >> i & 1) field(message.fields[i], bytes, depth);
    }
    json_.end_object();
  }
  std::string take() { return json_.take(); }

 private:
  /// Which of the message's fields there are, by their place in the table.
  static uint32_t fields_in(const Message& message, std::string_view bytes) {
    uint32_t present = 0;
    ProtoReader in(bytes);
    while (in.next()) {
      const uint32_t tag = in.tag();
      in.skip();
      for (size_t i = 0; in.ok() && i < message.fields.size(); ++i) {
        if (message.fields[i].tag == tag) present |= 1u << i;
      }
    }
    return present;
  }

  /// All values of a field that is there; they may stand anywhere in its message.
  void field(const Field& field, std::string_view bytes, size_t depth) {
    json_.key(field.name);
    if (field.repeated) json_.begin_array();
    ProtoReader in(bytes);
    ProtoReader last = in;
    while (in.next()) {
      if (in.tag() != field.tag) {
        in.skip();
        continue;
      }
      const ProtoReader value = in;
      in.skip();
      if (!in.ok()) break;
      last = value;
      if (field.repeated) many(field, last, depth);
    }
    if (field.repeated) {
      json_.end_array();
    } else {
      single(field, last, depth);
    }
  }

  void many(const Field& field, ProtoReader in, size_t depth) {
    if (field.kind == Kind::kMessage) return message(*field.message, in.bytes(), depth + 1);
    const std::string_view packed = in.bytes();
    if (field.kind == Kind::kUnsigned) {
      base::ByteReader numbers(packed);
      while (numbers.left() > 0) {
        const uint64_t number = numbers.varint();
        if (!numbers.ok()) return;
        json_.value(std::to_string(number));
      }
      return;
    }
    for (size_t at = 0; at + 8 <= packed.size(); at += 8) {
      uint64_t bits;
      std::memcpy(&bits, packed.data() + at, sizeof bits);
      if (field.kind == Kind::kDouble) {
        real(std::bit_cast<double>(bits));
      } else {
        json_.value(std::to_string(bits));
      }
    }
  }

  void single(const Field& field, ProtoReader& in, size_t depth) {
    switch (field.kind) {
      case Kind::kMessage:
        return message(*field.message, in.bytes(), depth + 1);
      case Kind::kText:
        json_.value(in.bytes());
        return;
      case Kind::kHexId:
        json_.value(to_hex(in.bytes()));
        return;
      case Kind::kBase64:
        json_.value(to_base64(in.bytes()));
        return;
      case Kind::kBool:
        json_.value(in.varint() != 0);
        return;
      case Kind::kDouble:
        return real(in.real());
      case Kind::kInteger:
      case Kind::kSigned:
      case Kind::kUnsigned:
      case Kind::kZigzag:
        return integer(field, in);
    }
  }

  void integer(const Field& field, ProtoReader& in) {
    const uint32_t type = field.tag & kWireType;
    const uint64_t bits = type == kVarint    ? in.varint()
                          : type == kFixed64 ? in.fixed64()
                                             : in.fixed32();
    if (field.kind == Kind::kSigned) {
      json_.value(std::to_string(static_cast<int64_t>(bits)));
    } else if (field.kind == Kind::kZigzag) {
      json_.value(static_cast<int>(base::unzigzag(static_cast<uint32_t>(bits))));
    } else if (field.kind == Kind::kUnsigned || type == kFixed64) {
      json_.value(std::to_string(bits));
    } else {
      json_.value(static_cast<unsigned>(bits));
    }
  }

  /// As protobuf's JSON mapping has it: what JSON has no numbers for are words.
  void real(double number) {
    if (std::isnan(number)) {
      json_.value("NaN");
    } else if (std::isinf(number)) {
      json_.value(number > 0 ? "Infinity" : "-Infinity");
    } else {
      json_.value(number);
    }
  }

  base::JsonWriter json_;
};

}  // namespace

std::string otlp_to_json(Signal signal, std::string_view request) {
  JsonEncoder encoder;
  encoder.message(json::request_schema(signal), request, 0);
  return encoder.take();
}

}  // namespace vedette::wire
