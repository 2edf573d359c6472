#include "observed.h"

#include <structmember.h>

#include <map>

#include "awaiting.h"
#include "otel_api.h"

namespace vedette::native {

PyObject* Call::get(Py_ssize_t i, const char* name) const {
  if (i < count) return args[i];
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t k = 0; k < named; ++k) {
    if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, k), name) == 0) {
      return args[count + k];
    }
  }
  return nullptr;
}

namespace {

PyTypeObject* observed_type;
PyTypeObject* awaited_type;

/// One call that is being awaited.
struct AwaitedObject {
  PyObject_HEAD ObservedObject* observed;
  PyObject* arguments;  // a tuple; null once the call is over
  PyObject* keywords;
  PyObject* inner;  // the original's coroutine
  ClientSpan span;
  bool begun;
};
FreeList<AwaitedObject, 64> free_awaited;

ObservedObject* as_observed(PyObject* self) {
  return reinterpret_cast<ObservedObject*>(self);
}
AwaitedObject* as_awaited(PyObject* self) {
  return reinterpret_cast<AwaitedObject*>(self);
}

/// Ends the span with the exception that is being raised, which stays raised.
void finish_raised(ObservedObject* observed, ClientSpan* span) {
  if (!span->span) return;
  const Raised raised;
  observed->kind->failed(observed, span, raised.value());
  PyErr_Clear();
}

// ---- awaited calls
// -------------------------------------------------------------------------------

void end_call(AwaitedObject* call) {
  Py_CLEAR(call->inner);
  Py_CLEAR(call->arguments);
  Py_CLEAR(call->keywords);
}

bool begin_call(AwaitedObject* call) {
  call->begun = true;
  ObservedObject* observed = call->observed;
  const Py_ssize_t count = PyTuple_GET_SIZE(call->arguments);
  const Py_ssize_t named = call->keywords ? PyTuple_GET_SIZE(call->keywords) : 0;
  const Call given{&PyTuple_GET_ITEM(call->arguments, 0), count - named, call->keywords};
  if (!observed->kind->begin(observed, given, &call->span)) call->span.clear();
  PyErr_Clear();
  Ref inner = driven(Ref::borrow(call->inner), awaited_type,
                     "object %.100s can't be used in 'await' expression");
  if (!inner) return false;
  Py_XSETREF(call->inner, inner.release());
  return true;
}

void returned(AwaitedObject* call, PyObject* result) {
  if (call->span.span) call->observed->kind->finish(call->observed, &call->span, result);
  if (PyErr_Occurred()) PyErr_Clear();
  end_call(call);
}

void raised(AwaitedObject* call) {
  finish_raised(call->observed, &call->span);
  const ErrorGuard guard;
  end_call(call);
}

PySendResult awaited_am_send(PyObject* self, PyObject* argument, PyObject** result) {
  AwaitedObject* call = as_awaited(self);
  *result = nullptr;
  if (!call->inner) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    return PYGEN_ERROR;
  }
  if (!call->begun && !begin_call(call)) {
    raised(call);
    return PYGEN_ERROR;
  }
  const Ref kept = Ref::borrow(call->inner);
  const PySendResult outcome = PyIter_Send(kept.get(), argument, result);
  if (outcome == PYGEN_RETURN) {
    returned(call, *result);
  } else if (outcome == PYGEN_ERROR) {
    raised(call);
  }
  return outcome;
}

PyObject* awaited_send(PyObject* self, PyObject* argument) {
  PyObject* result;
  const PySendResult outcome = awaited_am_send(self, argument, &result);
  return outcome == PYGEN_RETURN ? raise_stop(result) : result;
}

PyObject* awaited_next(PyObject* self) {
  return awaited_send(self, Py_None);
}

PyObject* awaited_throw(PyObject* self, PyObject* args) {
  AwaitedObject* call = as_awaited(self);
  if (!call->inner) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    return nullptr;
  }
  // The original hears of it, whether it has begun or not.
  call->begun = true;
  const Ref inner = Ref::borrow(call->inner);
  Ref method(PyObject_GetAttrString(inner.get(), "throw"));
  PyObject* result = method ? PyObject_CallObject(method.get(), args) : nullptr;
  if (result) return result;
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
    raised(call);
    return nullptr;
  }
  const Raised stop;
  const Ref value(inner_attribute(stop.value(), "value"));
  returned(call, value.get());
  return nullptr;
}

PyObject* awaited_close(PyObject* self, PyObject*) {
  AwaitedObject* call = as_awaited(self);
  if (!call->inner) return none();
  call->begun = true;
  const Ref inner = Ref::borrow(call->inner);
  Ref closed(PyObject_CallMethod(inner.get(), "close", nullptr));
  if (!closed) {
    raised(call);
    return nullptr;
  }
  Ref gone(call->span.span ? PyObject_CallNoArgs(PyExc_GeneratorExit) : nullptr);
  if (gone) call->observed->kind->failed(call->observed, &call->span, gone.get());
  if (PyErr_Occurred()) PyErr_Clear();
  end_call(call);
  return none();
}

PyObject* awaited_await(PyObject* self) {
  return Py_NewRef(self);
}

/// The chain of awaits goes on behind us: Task.print_stack() and debuggers follow these.
PyObject* get_cr_await(PyObject* self, void*) {
  PyObject* inner = as_awaited(self)->inner;
  return Py_NewRef(inner ? inner : Py_None);
}
PyObject* get_of_inner(PyObject* self, void* name) {
  return inner_attribute(as_awaited(self)->inner, static_cast<const char*>(name));
}

int awaited_traverse(PyObject* self, visitproc visit, void* arg) {
  AwaitedObject* call = as_awaited(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(reinterpret_cast<PyObject*>(call->observed));
  Py_VISIT(call->arguments);
  Py_VISIT(call->inner);
  return 0;
}

int awaited_clear(PyObject* self) {
  end_call(as_awaited(self));
  return 0;
}

void awaited_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  AwaitedObject* call = as_awaited(self);
  if (call->span.span) {
    // Thrown away half done. Its context is not current any more, unless it is in this very code.
    const ErrorGuard guard;
    Ref current(current_context());
    if (!current || span_of_context(current.get()) != call->span.span) call->span.current.forget();
    call->span.text("error.type", "GeneratorExit");
    call->span.end("GeneratorExit");
  }
  end_call(call);
  call->span.clear();
  Py_DECREF(reinterpret_cast<PyObject*>(call->observed));
  PyTypeObject* type = Py_TYPE(self);
  if (!free_awaited.give(call)) PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyObject* call_awaited(ObservedObject* observed, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames) {
  Ref inner(PyObject_Vectorcall(observed->original, args, static_cast<size_t>(nargs), kwnames));
  if (!inner) return nullptr;
  const Py_ssize_t all = nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
  Ref arguments(PyTuple_New(all));
  if (!arguments) return nullptr;
  for (Py_ssize_t i = 0; i < all; ++i) PyTuple_SET_ITEM(arguments.get(), i, Py_NewRef(args[i]));
  AwaitedObject* call = free_awaited.take(awaited_type);
  if (!call) call = PyObject_GC_New(AwaitedObject, awaited_type);
  if (!call) return nullptr;
  call->observed = as_observed(Py_NewRef(reinterpret_cast<PyObject*>(observed)));
  call->arguments = arguments.release();
  call->keywords = Py_XNewRef(kwnames);
  call->inner = inner.release();
  new (&call->span) ClientSpan;
  call->begun = false;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(call));
  return reinterpret_cast<PyObject*>(call);
}

// ---- the function
// --------------------------------------------------------------------------------

PyObject* observed_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf,
                              PyObject* kwnames) {
  ObservedObject* observed = as_observed(self);
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (observed->awaits) return call_awaited(observed, args, nargs, kwnames);
  ClientSpan span;
  if (!observed->kind->begin(observed, {args, nargs, kwnames}, &span)) span.clear();
  if (PyErr_Occurred()) PyErr_Clear();
  PyObject* result =
      PyObject_Vectorcall(observed->original, args, static_cast<size_t>(nargs), kwnames);
  if (!result) {
    finish_raised(observed, &span);
  } else if (span.span) {
    observed->kind->finish(observed, &span, result);
    if (PyErr_Occurred()) PyErr_Clear();
  }
  return result;
}

PyObject* observed_bind(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

/// Everything else (__name__, __doc__, markers of others) is the original's.
PyObject* observed_getattr(PyObject* self, PyObject* name) {
  PyObject* value = PyObject_GenericGetAttr(self, name);
  if (value || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  PyErr_Clear();
  return PyObject_GetAttr(as_observed(self)->original, name);
}

Source* source_of(const std::string& library, const std::string& histogram) {
  static auto* sources = new std::map<std::string, Source>;
  return &sources->try_emplace(library, library, histogram).first->second;
}

/// Observed(kind, library, histogram, original, awaits, helper=None)
PyObject* observed_new(PyTypeObject* type, PyObject* args, PyObject*) {
  const char *kind, *library, *histogram;
  PyObject *original, *helper = Py_None;
  int awaits;
  if (!PyArg_ParseTuple(args, "sssOp|O", &kind, &library, &histogram, &original, &awaits,
                        &helper)) {
    return nullptr;
  }
  if (!load_client_spans()) return nullptr;
  const CallKind* found = http_kind(kind);
  if (!found) found = db_kind(kind);
  if (!found) {
    PyErr_Format(PyExc_ValueError, "unknown kind of calls: %s", kind);
    return nullptr;
  }
  Ref cache(PyDict_New());
  auto* self = cache ? as_observed(type->tp_alloc(type, 0)) : nullptr;
  if (!self) return nullptr;
  self->call = observed_vectorcall;
  self->kind = found;
  self->source = source_of(library, histogram);
  self->original = Py_NewRef(original);
  self->helper = Py_NewRef(helper);
  self->cache = cache.release();
  self->awaits = awaits != 0;
  return reinterpret_cast<PyObject*>(self);
}

int observed_traverse(PyObject* self, visitproc visit, void* arg) {
  ObservedObject* observed = as_observed(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(observed->original);
  Py_VISIT(observed->helper);
  Py_VISIT(observed->cache);
  return 0;
}

int observed_clear(PyObject* self) {
  ObservedObject* observed = as_observed(self);
  Py_CLEAR(observed->original);
  Py_CLEAR(observed->helper);
  Py_CLEAR(observed->cache);
  return 0;
}

void observed_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  observed_clear(self);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef awaited_methods[] = {
    {"send", awaited_send, METH_O, nullptr},
    {"throw", awaited_throw, METH_VARARGS, nullptr},
    {"close", awaited_close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef awaited_properties[] = {
    {"cr_await", get_cr_await, nullptr, nullptr, nullptr},
    {"cr_frame", get_of_inner, nullptr, nullptr, const_cast<char*>("cr_frame")},
    {"cr_code", get_of_inner, nullptr, nullptr, const_cast<char*>("cr_code")},
    {"cr_running", get_of_inner, nullptr, nullptr, const_cast<char*>("cr_running")},
    {"__name__", get_of_inner, nullptr, nullptr, const_cast<char*>("__name__")},
    {"__qualname__", get_of_inner, nullptr, nullptr, const_cast<char*>("__qualname__")},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot awaited_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(awaited_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(awaited_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(awaited_clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(awaited_next)},
    {Py_am_await, reinterpret_cast<void*>(awaited_await)},
    {Py_am_send, reinterpret_cast<void*>(awaited_am_send)},
    {Py_tp_methods, awaited_methods},
    {Py_tp_getset, awaited_properties},
    {0, nullptr},
};
PyType_Spec awaited_spec = {
    "vedette._native.AwaitedCall", sizeof(AwaitedObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, awaited_slots};

PyMemberDef observed_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ObservedObject, call), READONLY, nullptr},
    {"__wrapped__", T_OBJECT, offsetof(ObservedObject, original), READONLY, "The original."},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot observed_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(observed_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(observed_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(observed_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(observed_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(observed_bind)},
    {Py_tp_getattro, reinterpret_cast<void*>(observed_getattr)},
    {Py_tp_members, observed_members},
    {Py_tp_doc, const_cast<char*>("A function with a client span around each call.")},
    {0, nullptr},
};
PyType_Spec observed_spec = {"vedette._native.Observed", sizeof(ObservedObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                                 Py_TPFLAGS_METHOD_DESCRIPTOR,
                             observed_slots};

}  // namespace

bool add_observed_types(PyObject* module) {
  static PyMethodDef functions[] = {
      {"describe_sql", py_describe_sql, METH_VARARGS,
       "describe_sql(statement, keep_literals, mysql): (operation, collection, summary, text)"},
      {nullptr, nullptr, 0, nullptr},
  };
  if (PyModule_AddFunctions(module, functions) < 0) return false;
  awaited_type = add_type(module, &awaited_spec);
  observed_type = awaited_type ? add_type(module, &observed_spec) : nullptr;
  return observed_type != nullptr;
}

}  // namespace vedette::native
