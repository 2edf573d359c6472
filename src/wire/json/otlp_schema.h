// OTLP's messages as JSON names them, for the rewriting in otlp_json.cc.
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
  kInteger,  // any integer or enum, 32 or 64 bits
  kDouble,
  kMessage,
};

struct Message;

struct Field {
  std::string_view name;
  uint32_t tag;  // of wire/otlp_fields.h
  Kind kind;
  const Message* message = nullptr;  // of kMessage
  bool repeated = false;             // messages one by one, numbers packed
};

struct Message {
  std::string_view name;
  std::span<const Field> fields;
};

/// The Export…ServiceRequest.
const Message& request_schema(Signal signal);

}  // namespace vedette::wire::json
