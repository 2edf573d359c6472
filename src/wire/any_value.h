// OTLP's AnyValue (opentelemetry/proto/common/v1/common.proto) as a model::Value.
#pragma once

#include <optional>
#include <string_view>

#include "model/attributes.h"
#include "wire/batch_text.h"

namespace vedette::wire {

enum class AnyValueFault : uint8_t { kNone, kMalformed, kTooDeep };

/// A scalar as it is; an array or map as JSON text. Of several fields the last wins, as in any
/// oneof. Without a field: kEmpty.
AnyValueFault decode_any_value(std::string_view bytes, size_t nesting_max, BatchText& text,
                               model::Value& out);

/// The same, as people read it: for labels, which are text only.
AnyValueFault any_value_text(std::string_view bytes, size_t nesting_max, std::string& out);

}  // namespace vedette::wire
