// opentelemetry-api's own objects, looked up once: our spans live in its context variable, under
// its key, and hand out its SpanContext.
#pragma once

#include "python.h"

namespace vedette::native {

struct OtelApi {
  PyTypeObject* context;  // opentelemetry.context.Context, a dict
  PyObject* context_var;  // the ContextVar of the default runtime context, or null
  PyObject* attach;       // opentelemetry.context.attach, detach, get_current: when there is none
  PyObject* detach;
  PyObject* get_current;
  PyObject* span_key;  // where a Context keeps its span
  PyTypeObject* span_context;
  PyObject* trace_flags[4];
  PyObject* default_trace_state;
  PyObject* trace_state_type;
  PyObject* status_type;
  PyObject* status_codes[3];  // StatusCode.UNSET, OK, ERROR
  PyObject* span_kinds[5];    // SpanKind.INTERNAL … CONSUMER
  PyObject* span_abc;         // opentelemetry.trace.Span
  PyObject* invalid_span;
};
extern OtelApi otel;

/// False with an exception set when opentelemetry-api is not what we know.
bool load_otel_api();

/// The current Context; a new reference, or null with an exception set.
PyObject* current_context();
/// The span of a Context, or null; borrowed, no exception.
PyObject* span_of_context(PyObject* context);

/// 0 to 2 for a StatusCode, -1 for anything else.
int status_number(PyObject* status_code);
/// OTLP's number for a SpanKind; 1 (internal) for anything else.
uint8_t kind_number(PyObject* kind);

}  // namespace vedette::native
