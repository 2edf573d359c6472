// A trace in Jaeger's JSON.
#pragma once

#include <string>

#include "api/trace_document.h"

namespace vedette::api {

/// A SpanRenderer: processes are put into the document's resources.
std::string jaeger_span_json(const model::SpanBatch& batch, uint32_t row, TraceDocument& document);
std::string jaeger_trace_json(const TraceDocument& trace);

}  // namespace vedette::api
