// opentelemetry-api's SpanContext, read and made without running its Python code.
#pragma once

#include "otel_api.h"
#include "python.h"
#include "sdk/span_record.h"

namespace vedette::native {

struct SpanObject;

/// What a new span takes from its parent.
struct Parent {
  sdk::TraceId trace_id;
  uint64_t span_id = 0;
  uint8_t trace_flags = 0;
  bool remote = false;
  PyObject* span_context = nullptr;  // a SpanContext, when there is one already; borrowed
  PyObject* trace_state = nullptr;   // a TraceState that is not empty; borrowed
  const SpanObject* span = nullptr;  // when it is one of ours; borrowed
  bool valid() const { return trace_id.valid() && span_id; }
};

/// Reads a SpanContext; leaves the parent invalid when it is none.
void read_span_context(PyObject* context, Parent* parent);

PyObject* make_span_context(const sdk::TraceId& trace_id, uint64_t span_id, bool remote,
                            uint8_t flags, PyObject* trace_state);

/// An int of at most 128 bits; 0 for anything else, no exception.
sdk::TraceId trace_id_of(PyObject* number);
PyObject* trace_id_number(const sdk::TraceId& id);
/// The low 64 bits of an int; 0 for anything else, no exception.
uint64_t span_id_of(PyObject* number);

/// The W3C header of a TraceState, in UTF-8; empty for null, for an empty one, and when it fails.
std::string trace_state_header(PyObject* trace_state);

}  // namespace vedette::native
