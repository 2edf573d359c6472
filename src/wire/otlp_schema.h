// OTLP's messages as JSON names them (opentelemetry-proto, docs/specification.md, "JSON Protobuf
// Encoding"): what json/otlp_json.cc reads JSON by, and otlp_to_json.cc writes it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "wire/otlp_response.h"

namespace vedette::wire::json {

enum class Kind : uint8_t {
  kText,
  kHexId,   // bytes, written as hex
  kBase64,  // bytes, written as base64
  kBool,
  kInteger,   // up to 32 bits or an enum, a number in JSON; fixed64: unsigned, a string
  kSigned,    // int64 or sfixed64, a string
  kUnsigned,  // uint64 as a varint, a string
  kZigzag,    // sint32, a number
  kDouble,
  kMessage,
};

struct Message;

struct Field {
  std::string_view name;
  uint32_t tag;  // of wire/otlp_fields.h
  Kind kind;
  const Message* message = nullptr;  // of kMessage
  bool repeated = false;             // messages one by one, numbers packed: kInteger as fixed64
};

struct Message {
  std::string_view name;
  std::span<const Field> fields;
};

/// The Export…ServiceRequest.
const Message& request_schema(Signal signal);

}  // namespace vedette::wire::json
