// OTLP in JSON (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding").
//
// A JSON request is rewritten as the protobuf message it stands for and then takes the same way as
// one: both encodings have one meaning, one set of limits and one decoder.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/otlp_response.h"

namespace vedette::wire {

/// Keys are lowerCamelCase, unknown ones are ignored; ids are hex; enums are integers; 64-bit
/// integers may be strings. kInvalidArgument says which field of which message is wrong.
Result<std::string> otlp_json_to_protobuf(Signal signal, std::string_view json, size_t nesting_max);

}  // namespace vedette::wire
