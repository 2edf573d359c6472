#include "otel_api.h"

namespace vedette::native {

OtelApi otel;

namespace {

PyObject* attribute(PyObject* object, const char* name) {
  return object ? PyObject_GetAttrString(object, name) : nullptr;
}

bool load_context() {
  Ref module(PyImport_ImportModule("opentelemetry.context"));
  Ref contextvars(PyImport_ImportModule("opentelemetry.context.contextvars_context"));
  if (!module || !contextvars) return false;
  otel.context = reinterpret_cast<PyTypeObject*>(attribute(module.get(), "Context"));
  otel.attach = attribute(module.get(), "attach");
  otel.detach = attribute(module.get(), "detach");
  otel.get_current = attribute(module.get(), "get_current");
  Ref runtime(attribute(module.get(), "_RUNTIME_CONTEXT"));
  Ref usual(attribute(contextvars.get(), "ContextVarsRuntimeContext"));
  if (PyErr_Occurred()) return false;
  if (reinterpret_cast<PyObject*>(Py_TYPE(runtime.get())) == usual.get()) {
    otel.context_var = attribute(runtime.get(), "_current_context");
    if (otel.context_var && !PyContextVar_CheckExact(otel.context_var)) {
      Py_CLEAR(otel.context_var);
    }
    PyErr_Clear();
  }
  if (!PyType_IsSubtype(otel.context, &PyDict_Type)) {
    PyErr_SetString(PyExc_ImportError, "opentelemetry.context.Context is not a dict");
    return false;
  }
  return true;
}

bool load_enums(PyObject* trace) {
  Ref codes(attribute(trace, "StatusCode"));
  const char* const code_names[] = {"UNSET", "OK", "ERROR"};
  for (int i = 0; i < 3; ++i) otel.status_codes[i] = attribute(codes.get(), code_names[i]);
  Ref kinds(attribute(trace, "SpanKind"));
  const char* const kind_names[] = {"INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};
  for (int i = 0; i < 5; ++i) otel.span_kinds[i] = attribute(kinds.get(), kind_names[i]);
  Ref flags(attribute(trace, "TraceFlags"));
  for (int i = 0; i < 4 && flags; ++i) {
    otel.trace_flags[i] = PyObject_CallFunction(flags.get(), "i", i);
  }
  return !PyErr_Occurred();
}

}  // namespace

bool load_otel_api() {
  if (!load_context()) return false;
  Ref trace(PyImport_ImportModule("opentelemetry.trace"));
  Ref propagation(PyImport_ImportModule("opentelemetry.trace.propagation"));
  if (!trace || !propagation) return false;
  otel.span_key = attribute(propagation.get(), "_SPAN_KEY");
  otel.span_context = reinterpret_cast<PyTypeObject*>(attribute(trace.get(), "SpanContext"));
  otel.default_trace_state = attribute(trace.get(), "DEFAULT_TRACE_STATE");
  otel.trace_state_type = attribute(trace.get(), "TraceState");
  otel.status_type = attribute(trace.get(), "Status");
  otel.span_abc = attribute(trace.get(), "Span");
  otel.invalid_span = attribute(trace.get(), "INVALID_SPAN");
  if (PyErr_Occurred() || !load_enums(trace.get())) return false;
  if (!PyType_IsSubtype(otel.span_context, &PyTuple_Type)) {
    PyErr_SetString(PyExc_ImportError, "opentelemetry.trace.SpanContext is not a tuple");
    return false;
  }
  return true;
}

PyObject* current_context() {
  if (otel.context_var) {
    PyObject* context = nullptr;
    if (PyContextVar_Get(otel.context_var, nullptr, &context) < 0) return nullptr;
    if (context) return context;
  }
  return PyObject_CallNoArgs(otel.get_current);
}

PyObject* span_of_context(PyObject* context) {
  if (!context || !PyDict_Check(context)) return nullptr;
  PyObject* span = PyDict_GetItemWithError(context, otel.span_key);
  if (!span && PyErr_Occurred()) PyErr_Clear();
  return span;
}

int status_number(PyObject* status_code) {
  for (int i = 0; i < 3; ++i) {
    if (status_code == otel.status_codes[i]) return i;
  }
  return -1;
}

uint8_t kind_number(PyObject* kind) {
  for (uint8_t i = 0; i < 5; ++i) {
    if (kind == otel.span_kinds[i]) return static_cast<uint8_t>(i + 1);
  }
  return 1;
}

}  // namespace vedette::native
