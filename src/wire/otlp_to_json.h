// OTLP's protobuf as OTLP's JSON (opentelemetry-proto, docs/specification.md, "JSON Protobuf
// Encoding"): ids in hex, 64-bit integers as strings, enums as numbers, lowerCamelCase names.
#pragma once

#include <string>
#include <string_view>

#include "wire/otlp_response.h"

namespace vedette::wire {

/// One line. Fields that otlp_schema.h does not know are left out, and so is what follows a fault
/// in the bytes: whatever they are, JSON comes out. Text that is not UTF-8 gets U+FFFD for bad
/// bytes.
std::string otlp_to_json(Signal signal, std::string_view request);

}  // namespace vedette::wire
