// opentelemetry.sdk.trace.ReadableSpan, ours or anybody's, as OTLP bytes.
#pragma once

#include "exporter.h"
#include "python.h"

namespace vedette::native {

/// Lane.emit(span): queues a ReadableSpan. False when the queue is full or shut.
PyObject* lane_emit(PyObject* lane, PyObject* span);

/// encode_spans(spans) -> bytes, an ExportTraceServiceRequest.
PyObject* encode_spans(PyObject* module, PyObject* spans);

}  // namespace vedette::native
