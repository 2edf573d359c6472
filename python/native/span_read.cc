#include "span_read.h"

#include "span.h"
#include "span_items.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {
namespace {

PyObject* get_name(PyObject* self, void*) {
  return Py_NewRef(as_span(self)->name);
}
PyObject* get_context(PyObject* self, void*) {
  return span_context_of(as_span(self));
}
PyObject* get_kind(PyObject* self, void*) {
  return Py_NewRef(otel.span_kinds[as_span(self)->head.kind - 1]);
}
PyObject* get_parent(PyObject* self, void*) {
  SpanObject* span = as_span(self);
  if (!span->head.parent_id) return none();
  if (!span->parent_context) {
    // Only what the parent was sampled as is not kept; a child is seldom sampled otherwise.
    span->parent_context =
        make_span_context(span->head.trace_id, span->head.parent_id, span->head.parent_remote,
                          span->head.trace_flags, span->trace_state);
  }
  return Py_XNewRef(span->parent_context);
}
PyObject* get_status(PyObject* self, void*) {
  SpanObject* span = as_span(self);
  return PyObject_CallFunctionObjArgs(otel.status_type, otel.status_codes[span->head.status],
                                      span->status_message, nullptr);
}
PyObject* get_start_time(PyObject* self, void*) {
  const int64_t start = as_span(self)->head.start_ns;
  return start ? PyLong_FromLongLong(start) : none();
}
PyObject* get_end_time(PyObject* self, void*) {
  const int64_t end = as_span(self)->head.end_ns;
  return end ? PyLong_FromLongLong(end) : none();
}
PyObject* get_attributes(PyObject* self, void*) {
  Ref attributes(read_attributes(as_span(self)->record));
  return attributes ? PyDictProxy_New(attributes.get()) : nullptr;
}
PyObject* get_events(PyObject* self, void*) {
  return call_face("events", self);
}
PyObject* get_links(PyObject* self, void*) {
  return call_face("links", self);
}
PyObject* get_dropped_attributes(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(as_span(self)->record.dropped_attributes());
}
PyObject* get_dropped_events(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(as_span(self)->record.dropped_events());
}
PyObject* get_dropped_links(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(as_span(self)->record.dropped_links());
}
PyObject* get_resource(PyObject* self, void*) {
  return Py_NewRef(as_span(self)->tracer->provider->python_resource);
}
PyObject* get_scope(PyObject* self, void*) {
  return Py_NewRef(as_span(self)->tracer->scope);
}
PyObject* get_info(PyObject* self, void*) {
  return call_face("instrumentation_info", self);
}

PyObject* py_raw_events(PyObject* self, PyObject*) {
  return read_events(as_span(self)->record);
}
PyObject* py_raw_links(PyObject* self, PyObject*) {
  return read_links(as_span(self)->record);
}
PyObject* py_readable_span(PyObject* self, PyObject*) {
  return call_face("snapshot", self);
}
PyObject* py_to_json(PyObject* self, PyObject* args, PyObject* kwargs) {
  Ref readable(call_face("snapshot", self));
  Ref method(readable ? PyObject_GetAttrString(readable.get(), "to_json") : nullptr);
  return method ? PyObject_Call(method.get(), args, kwargs) : nullptr;
}

}  // namespace

PyGetSetDef span_properties[] = {
    {"name", get_name, nullptr, nullptr, nullptr},
    {"context", get_context, nullptr, nullptr, nullptr},
    {"kind", get_kind, nullptr, nullptr, nullptr},
    {"parent", get_parent, nullptr, nullptr, nullptr},
    {"status", get_status, nullptr, nullptr, nullptr},
    {"start_time", get_start_time, nullptr, nullptr, nullptr},
    {"end_time", get_end_time, nullptr, nullptr, nullptr},
    {"attributes", get_attributes, nullptr, "A copy of the attributes.", nullptr},
    {"events", get_events, nullptr, "A copy of the events.", nullptr},
    {"links", get_links, nullptr, "A copy of the links.", nullptr},
    {"dropped_attributes", get_dropped_attributes, nullptr, nullptr, nullptr},
    {"dropped_events", get_dropped_events, nullptr, nullptr, nullptr},
    {"dropped_links", get_dropped_links, nullptr, nullptr, nullptr},
    {"resource", get_resource, nullptr, nullptr, nullptr},
    {"instrumentation_scope", get_scope, nullptr, nullptr, nullptr},
    {"instrumentation_info", get_info, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef span_reading_methods[] = {
    {"_raw_events", py_raw_events, METH_NOARGS, nullptr},
    {"_raw_links", py_raw_links, METH_NOARGS, nullptr},
    {"_readable_span", py_readable_span, METH_NOARGS,
     "A ReadableSpan: the span as it is now, kept."},
    {"to_json", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(py_to_json)),
     METH_VARARGS | METH_KEYWORDS, "to_json(indent=4)"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace vedette::native
