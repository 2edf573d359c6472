// The trace that an exemplar's labels name.
#pragma once

#include <string_view>

#include "model/ids.h"

namespace vedette::wire {

/// Takes the ids from labels as client libraries name them: trace_id, span_id, and their older
/// spellings.
inline void note_exemplar_label(std::string_view name, std::string_view value,
                                model::TraceId& trace_id, model::SpanId& span_id) {
  if (name == "trace_id" || name == "traceID" || name == "traceId") {
    if (const auto id = model::TraceId::from_hex(value)) trace_id = *id;
  } else if (name == "span_id" || name == "spanID" || name == "spanId") {
    if (const auto id = model::span_id_from_hex(value)) span_id = *id;
  }
}

}  // namespace vedette::wire
