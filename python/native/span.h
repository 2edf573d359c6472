// vedette._native.Span: opentelemetry.trace.Span, kept as OTLP bytes while it is recorded.
#pragma once

#include "python.h"
#include "sdk/span_record.h"
#include "sdk/trace_buffer.h"
#include "span_context.h"

namespace vedette::native {

struct TracerObject;
struct TraceBufferObject;
struct StartArguments;

struct SpanObject {
  PyObject_HEAD PyObject* weakrefs;
  TracerObject* tracer;
  PyObject* name;            // str
  PyObject* span_context;    // made when asked for
  PyObject* parent_context;  // likewise; null for a root
  PyObject* trace_state;     // null: empty
  PyObject* status_message;  // str or null
  sdk::SpanHead head;
  int64_t clock_offset;  // wall minus monotonic time at the start
  bool recording;        // false: not recorded, or ended
  bool ending;           // end() is under way: its time is fixed
  bool sampled;
  sdk::LocalTrace* local;     // the trace it waits with; null: it goes when it ends
  TraceBufferObject* traces;  // where; owned
  bool record_exception;
  bool set_status_on_exception;
  sdk::SpanRecord record;
};

extern PyTypeObject* span_type;

bool add_span_type(PyObject* module);

inline bool is_span(PyObject* object) {
  return object && Py_TYPE(object) == span_type;
}
inline SpanObject* as_span(PyObject* object) {
  return reinterpret_cast<SpanObject*>(object);
}
inline PyObject* as_object(SpanObject* span) {
  return reinterpret_cast<PyObject*>(span);
}

/// Reads the parent out of a Context (null: none). References stay with the context's span, except
/// `*kept`, which must outlive the Parent.
Parent parent_of(PyObject* context, Ref* kept);

/// A started span; null with an exception set when memory is short. `start_ns` 0: now. `context` is
/// what Python's samplers and processors are told; null: the current one.
SpanObject* start_span(TracerObject* tracer, PyObject* name, const Parent& parent, uint8_t kind,
                       int64_t start_ns, const StartArguments& given, PyObject* context = nullptr);

/// Ends and queues it. `end_ns` 0: now. Does nothing the second time.
void end_span(SpanObject* span, int64_t end_ns);

/// `time_ns` 0: now.
void add_event(SpanObject* span, std::string_view name, PyObject* attributes, int64_t time_ns);
void add_link(SpanObject* span, PyObject* context, PyObject* attributes);

/// The "exception" event. `escaped`: it left the span's scope.
void record_exception(SpanObject* span, PyObject* exception, PyObject* attributes, int64_t time_ns,
                      bool escaped);
/// Status ERROR with "Type: text", unless it is OK already.
void set_error(SpanObject* span, PyObject* exception);
void set_status(SpanObject* span, int code, PyObject* description);

/// "module.Type" of an exception, as error.type and exception.type have it.
std::string exception_type(PyObject* exception);

/// The formatted traceback of an exception; empty when it cannot be had.
std::string stack_trace(PyObject* exception);

/// One attribute, from a literal key.
void set_text(SpanObject* span, const sdk::AttributeKey& key, std::string_view value);
void set_int(SpanObject* span, const sdk::AttributeKey& key, int64_t value);

PyObject* span_context_of(SpanObject* span);

}  // namespace vedette::native
