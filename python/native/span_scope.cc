#include "span_scope.h"

#include "current_span.h"
#include "span.h"

namespace vedette::native {
namespace {

struct ScopeObject {
  PyObject_HEAD TracerObject* tracer;
  StartArguments arguments;
  PyObject* span;
  CurrentSpan current;
};

constexpr int kArguments = sizeof(StartArguments) / sizeof(PyObject*);
static_assert(kArguments == 9);

PyTypeObject* scope_type;
FreeList<ScopeObject, 64> free_scopes;

PyObject** fields(StartArguments& arguments) {
  return &arguments.name;
}

void scope_dealloc(PyObject* self) {
  auto* scope = reinterpret_cast<ScopeObject*>(self);
  for (int i = 0; i < kArguments; ++i) Py_XDECREF(fields(scope->arguments)[i]);
  Py_XDECREF(scope->span);
  scope->current.forget();
  Py_DECREF(reinterpret_cast<PyObject*>(scope->tracer));
  PyTypeObject* type = Py_TYPE(self);
  if (!free_scopes.give(scope)) PyObject_Free(self);
  Py_DECREF(type);
}

bool truth(PyObject* value, bool otherwise) {
  if (!value) return otherwise;
  const int result = PyObject_IsTrue(value);
  if (result < 0) PyErr_Clear();
  return result < 0 ? otherwise : result > 0;
}

PyObject* scope_enter(PyObject* self, PyObject*) {
  auto* scope = reinterpret_cast<ScopeObject*>(self);
  if (scope->current.entered()) {
    PyErr_SetString(PyExc_RuntimeError, "start_as_current_span(): entered twice");
    return nullptr;
  }
  Ref current(current_context());
  if (!current) return nullptr;
  PyObject* given = scope->arguments.context;
  Ref span(start_from_arguments(scope->tracer, scope->arguments,
                                given && given != Py_None ? given : current.get()));
  if (!span) return nullptr;
  if (!scope->current.enter(current.get(), span.get())) return PyErr_NoMemory();
  Py_XSETREF(scope->span, Py_NewRef(span.get()));
  return span.release();
}

PyObject* scope_exit(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  auto* scope = reinterpret_cast<ScopeObject*>(self);
  if (!scope->current.entered()) Py_RETURN_FALSE;
  scope->current.leave();
  SpanObject* span = as_span(scope->span);
  PyObject* exception = nargs > 1 ? args[1] : Py_None;
  if (exception != Py_None && span->recording &&
      PyType_IsSubtype(Py_TYPE(exception), reinterpret_cast<PyTypeObject*>(PyExc_Exception))) {
    if (span->record_exception) record_exception(span, exception, nullptr, 0, false);
    if (span->set_status_on_exception) set_error(span, exception);
  }
  if (truth(scope->arguments.end_on_exit, true)) end_span(span, 0);
  Py_RETURN_FALSE;
}

/// A fresh scope with the same arguments, for each call of a decorated function.
PyObject* scope_again(PyObject* self, PyObject*) {
  auto* scope = reinterpret_cast<ScopeObject*>(self);
  return make_scope(scope->tracer, scope->arguments);
}

PyObject* scope_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  Ref module(PyImport_ImportModule("vedette._decorators"));
  Ref decorate(module ? PyObject_GetAttrString(module.get(), "decorate") : nullptr);
  Ref again(decorate ? PyObject_GetAttrString(self, "_again") : nullptr);
  if (!again) return nullptr;
  PyObject* function = nullptr;
  if (kwargs && PyDict_GET_SIZE(kwargs)) {
    PyErr_SetString(PyExc_TypeError, "a span decorates one function");
    return nullptr;
  }
  if (!PyArg_ParseTuple(args, "O", &function)) return nullptr;
  return PyObject_CallFunctionObjArgs(decorate.get(), again.get(), function, nullptr);
}

PyMethodDef scope_methods[] = {
    {"__enter__", scope_enter, METH_NOARGS, nullptr},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(scope_exit)),
     METH_FASTCALL, nullptr},
    {"_again", scope_again, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot scope_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(scope_dealloc)},
    {Py_tp_call, reinterpret_cast<void*>(scope_call)},
    {Py_tp_methods, scope_methods},
    {Py_tp_doc, const_cast<char*>("Starts a span and makes it current, as a context manager or a "
                                  "decorator.")},
    {0, nullptr},
};
PyType_Spec scope_spec = {"vedette._native.SpanScope", sizeof(ScopeObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, scope_slots};

}  // namespace

PyObject* make_scope(TracerObject* tracer, const StartArguments& arguments) {
  ScopeObject* scope = free_scopes.take(scope_type);
  if (!scope) scope = PyObject_New(ScopeObject, scope_type);
  if (!scope) return nullptr;
  scope->tracer = reinterpret_cast<TracerObject*>(Py_NewRef(reinterpret_cast<PyObject*>(tracer)));
  scope->arguments = arguments;
  for (int i = 0; i < kArguments; ++i) Py_XINCREF(fields(scope->arguments)[i]);
  scope->span = nullptr;
  scope->current = {};
  return reinterpret_cast<PyObject*>(scope);
}

bool add_scope_type(PyObject* module) {
  scope_type = add_type(module, &scope_spec);
  return scope_type != nullptr;
}

}  // namespace vedette::native
