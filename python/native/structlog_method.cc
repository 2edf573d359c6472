#include "structlog_method.h"

#include <structmember.h>

namespace vedette::native {
namespace {

struct MethodObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* name;      // of the logger's method, and what processors get
  PyObject* original;  // structlog's own
};

PyTypeObject* method_type;

MethodObject* as_method(PyObject* self) {
  return reinterpret_cast<MethodObject*>(self);
}

/// What structlog has, and the names of its attributes.
struct Structlog {
  PyObject *context, *processors, *logger, *event, *name;
  PyObject *merge_contextvars, *drop_event;

  bool load() {
    if (drop_event) return true;
    const std::pair<PyObject**, const char*> all[] = {{&context, "_context"},
                                                      {&processors, "_processors"},
                                                      {&logger, "_logger"},
                                                      {&event, "event"},
                                                      {&name, "name"}};
    for (const auto& [to, text] : all) {
      *to = PyUnicode_InternFromString(text);
      if (!*to) return false;
    }
    const Ref variables(PyImport_ImportModule("structlog.contextvars"));
    const Ref module(variables ? PyImport_ImportModule("structlog") : nullptr);
    if (!module) return false;
    merge_contextvars = PyObject_GetAttrString(variables.get(), "merge_contextvars");
    drop_event = merge_contextvars ? PyObject_GetAttrString(module.get(), "DropEvent") : nullptr;
    return drop_event != nullptr;
  }
};
Structlog structlog;

// ---- the chain
// -----------------------------------------------------------------------------------

/// structlog.contextvars.merge_contextvars(_, _, event). False with an exception set.
bool merge_contextvars(PyObject* event) {
  constexpr std::string_view kPrefix = "structlog_";
  const Ref context(PyContext_CopyCurrent());
  const Ref variables(context ? PyObject_GetIter(context.get()) : nullptr);
  if (!variables) return false;
  while (const Ref variable = Ref(PyIter_Next(variables.get()))) {
    const Ref name(PyObject_GetAttr(variable.get(), structlog.name));
    if (!name) return false;
    if (!PyUnicode_Check(name.get()) || !Utf8(name.get()).view().starts_with(kPrefix)) continue;
    const Ref value(PyObject_GetItem(context.get(), variable.get()));
    if (!value) return false;
    if (value.get() == Py_Ellipsis) continue;  // unbound
    const Ref key(PyUnicode_Substring(name.get(), kPrefix.size(), PY_SSIZE_T_MAX));
    if (!key || !PyDict_SetDefault(event, key.get(), value.get())) return false;
  }
  return !PyErr_Occurred();
}

/// Null with the exception set that a processor raised.
Ref run_chain(PyObject* processors, PyObject* logger, PyObject* name, Ref event) {
  for (Py_ssize_t i = 0; event && i < PyList_GET_SIZE(processors); ++i) {
    const Ref processor = Ref::borrow(PyList_GET_ITEM(processors, i));
    if (processor.get() == structlog.merge_contextvars && PyDict_CheckExact(event.get())) {
      if (!merge_contextvars(event.get())) return Ref();
      continue;
    }
    PyObject* const given[] = {logger, name, event.get()};
    event = Ref(PyObject_Vectorcall(processor.get(), given, 3, nullptr));
  }
  return event;
}

/// What the last processor made becomes the arguments of the logger's method.
PyObject* hand_over(PyObject* logger, PyObject* name, PyObject* made) {
  if (PyUnicode_Check(made) || PyBytes_Check(made) || PyByteArray_Check(made)) {
    PyObject* const given[] = {logger, made};
    return PyObject_VectorcallMethod(name, given, 2, nullptr);
  }
  Ref arguments, keywords;
  if (PyTuple_Check(made) && PyTuple_GET_SIZE(made) == 2) {
    arguments = Ref(PySequence_Tuple(PyTuple_GET_ITEM(made, 0)));
    keywords = Ref(arguments ? PyDict_New() : nullptr);
    if (!keywords || PyDict_Update(keywords.get(), PyTuple_GET_ITEM(made, 1)) < 0) return nullptr;
  } else if (PyDict_Check(made)) {
    arguments = Ref(PyTuple_New(0));
    keywords = Ref::borrow(made);
  } else {
    PyErr_SetString(PyExc_ValueError,
                    "Last processor didn't return an appropriate value.  Valid return values are "
                    "a dict, a tuple of (args, kwargs), bytes, or a str.");
    return nullptr;
  }
  const Ref method(arguments ? PyObject_GetAttr(logger, name) : nullptr);
  return method ? PyObject_Call(method.get(), arguments.get(), keywords.get()) : nullptr;
}

/// The bound logger's context with the event and its keywords; null, without an exception, where
/// structlog's own code is to decide.
Ref make_event(PyObject* bound, PyObject* event, PyObject* const* values, PyObject* kwnames) {
  const Ref context(PyObject_GetAttr(bound, structlog.context));
  if (!context || !PyDict_CheckExact(context.get())) {
    PyErr_Clear();
    return Ref();
  }
  Ref made(PyDict_Copy(context.get()));
  const Py_ssize_t count = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t i = 0; made && i < count; ++i) {
    PyObject* key = PyTuple_GET_ITEM(kwnames, i);
    const bool twice = PyUnicode_CompareWithASCIIString(key, "event") == 0;
    if (twice || PyDict_SetItem(made.get(), key, values[i]) < 0) made = Ref();
  }
  if (made && event != Py_None && PyDict_SetItem(made.get(), structlog.event, event) < 0) {
    made = Ref();
  }
  PyErr_Clear();
  return made;
}

/// method(bound_logger, event, *arguments, **keywords)
PyObject* method_call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const MethodObject* method = as_method(self);
  const auto by_structlog = [&] {
    return PyObject_Vectorcall(method->original, args,
                               static_cast<size_t>(PyVectorcall_NARGS(nargsf)), kwnames);
  };
  if (PyVectorcall_NARGS(nargsf) != 2) return by_structlog();  // to be interpolated, or wrong
  const Ref processors(PyObject_GetAttr(args[0], structlog.processors));
  const Ref logger(processors ? PyObject_GetAttr(args[0], structlog.logger) : nullptr);
  if (!logger || !PyList_CheckExact(processors.get())) {
    PyErr_Clear();
    return by_structlog();
  }
  Ref event = make_event(args[0], args[1], args + 2, kwnames);
  if (!event) return by_structlog();
  const Ref name = Ref::borrow(method->name);
  const Ref made = run_chain(processors.get(), logger.get(), name.get(), std::move(event));
  PyObject* result = made ? hand_over(logger.get(), name.get(), made.get()) : nullptr;
  if (result || !PyErr_ExceptionMatches(structlog.drop_event)) return result;
  PyErr_Clear();
  return none();
}

// ---- the type
// ------------------------------------------------------------------------------------

PyObject* method_bind(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

/// Everything else (__name__, __doc__) is structlog's.
PyObject* method_getattr(PyObject* self, PyObject* name) {
  PyObject* value = PyObject_GenericGetAttr(self, name);
  if (value || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  PyErr_Clear();
  return PyObject_GetAttr(as_method(self)->original, name);
}

/// LogMethod(name, original)
PyObject* method_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *name, *original;
  if (!PyArg_ParseTuple(args, "UO", &name, &original) || !structlog.load()) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_method(self)->call = method_call;
  as_method(self)->name = Py_NewRef(name);
  PyUnicode_InternInPlace(&as_method(self)->name);
  as_method(self)->original = Py_NewRef(original);
  return self;
}

int method_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_method(self)->original);
  return 0;
}

int method_clear(PyObject* self) {
  Py_CLEAR(as_method(self)->original);
  return 0;
}

void method_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  method_clear(self);
  Py_XDECREF(as_method(self)->name);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef method_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(MethodObject, call), READONLY, nullptr},
    {"__wrapped__", T_OBJECT, offsetof(MethodObject, original), READONLY, "structlog's own."},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot method_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(method_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(method_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(method_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(method_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(method_bind)},
    {Py_tp_getattro, reinterpret_cast<void*>(method_getattr)},
    {Py_tp_members, method_members},
    {Py_tp_doc, const_cast<char*>("A method of a structlog bound logger; runs its processors.")},
    {0, nullptr},
};
PyType_Spec method_spec = {"vedette._native.LogMethod", sizeof(MethodObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                               Py_TPFLAGS_METHOD_DESCRIPTOR,
                           method_slots};

}  // namespace

bool add_structlog_method_type(PyObject* module) {
  method_type = add_type(module, &method_spec);
  return method_type != nullptr;
}

}  // namespace vedette::native
