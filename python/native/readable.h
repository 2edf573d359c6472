// opentelemetry.sdk.trace.ReadableSpan, ours or anybody's, as OTLP bytes.
#pragma once

#include "exporter.h"
#include "python.h"

namespace vedette::native {

/// Lane.emit(span): queues a ReadableSpan. False when the queue is full or shut.
PyObject* lane_emit(PyObject* lane, PyObject* span);

/// SourceTable number of the resource and instrumentation_scope of a readable span or log record.
/// Those of the one before are most often the same.
uint32_t source_of(PyObject* readable);

/// encode_spans(spans) -> bytes, an ExportTraceServiceRequest.
PyObject* encode_spans(PyObject* module, PyObject* spans);

}  // namespace vedette::native
