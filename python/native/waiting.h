// vedette._native.TraceBuffer, and how spans wait in it: what ErrorAware does (sdk/trace_buffer.h).
#pragma once

#include "sdk/sampler.h"
#include "span.h"

namespace vedette::native {

struct TraceBufferObject {
  PyObject_HEAD std::shared_ptr<sdk::TraceBuffer> buffer;
  uint64_t threshold;       // of the trace ids that are sampled whatever happens
  PyObject* sampled_state;  // the TraceState that says so; null where it would be empty
};

extern PyTypeObject* trace_buffer_type;

bool add_trace_buffer_type(PyObject* module);

inline bool is_trace_buffer(void* sampler) {
  return Py_TYPE(static_cast<PyObject*>(sampler)) == trace_buffer_type;
}

/// Makes a span the local root of a trace that waits.
sdk::Decision start_waiting(SpanObject* span, const Parent& parent, void* traces);
/// Makes it part of its parent's trace, if that waits here; false if not.
bool join_waiting(SpanObject* span, const Parent& parent);
/// Recorded in any case; sampled as far as others are told.
sdk::Decision waiting_decision(const SpanObject* span);
/// It has ended.
void end_waiting(SpanObject* span, std::string_view name, std::string_view status_message);
/// It is thrown away, ended or not.
void stop_waiting(SpanObject* span);

}  // namespace vedette::native
