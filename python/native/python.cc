#include "python.h"

#include <set>

namespace vedette::native {

bool bind(const Signature& s, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
          PyObject** out) {
  if (nargs > s.positional) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments (%zd given)",
                 s.function, s.positional, nargs);
    return false;
  }
  for (int i = 0; i < s.count; ++i) out[i] = i < nargs ? args[i] : nullptr;
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t k = 0; k < keywords; ++k) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, k);
    int at = 0;
    while (at < s.count && PyUnicode_CompareWithASCIIString(name, s.names[at]) != 0) ++at;
    if (at == s.count) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", s.function,
                   name);
      return false;
    }
    if (out[at]) {
      PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", s.function, name);
      return false;
    }
    out[at] = args[nargs + k];
  }
  for (int i = 0; i < s.required; ++i) {
    if (!out[i]) {
      PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", s.function, s.names[i]);
      return false;
    }
  }
  return true;
}

void Utf8::encode(PyObject* str) {
  Py_ssize_t size = 0;
  if (const char* text = PyUnicode_AsUTF8AndSize(str, &size)) {
    view_ = {text, static_cast<size_t>(size)};
    return;
  }
  PyErr_Clear();
  encoded_ = Ref(PyUnicode_AsEncodedString(str, "utf-8", "replace"));
  if (encoded_) {
    view_ = {PyBytes_AS_STRING(encoded_.get()),
             static_cast<size_t>(PyBytes_GET_SIZE(encoded_.get()))};
  } else {
    PyErr_Clear();
  }
}

std::string safe_str(PyObject* object) {
  Ref text(PyUnicode_Check(object) ? Py_NewRef(object) : PyObject_Str(object));
  if (!text) {
    PyErr_Clear();
    return std::string("<") + Py_TYPE(object)->tp_name + " str() failed>";
  }
  return std::string(Utf8(text.get()).view());
}

void warn_once(const char* message) {
  static auto* said = new std::set<std::string>;
  if (!said->insert(message).second) return;
  const ErrorGuard guard;
  Ref logging(PyImport_ImportModule("logging"));
  Ref logger(logging ? PyObject_CallMethod(logging.get(), "getLogger", "s", "vedette") : nullptr);
  Ref done(logger ? PyObject_CallMethod(logger.get(), "warning", "s", message) : nullptr);
  if (!done) PyErr_Clear();
}

PyObject* call_face(const char* function, PyObject* object) {
  static PyObject* module = PyImport_ImportModule("vedette.sdk.trace._readable");
  if (!module) {
    module = PyImport_ImportModule("vedette.sdk.trace._readable");
    if (!module) return nullptr;
  }
  return PyObject_CallMethod(module, function, "O", object);
}

void report_exception(const char* what) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  if (!type) return;
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback && value) PyException_SetTraceback(value, traceback);
  const Ref type_kept(type), value_kept(value), traceback_kept(traceback);
  // Ctrl-C belongs to the application: it comes again as soon as its own code runs.
  if (PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt)) PyErr_SetInterrupt();
  Ref logging(PyImport_ImportModule("logging"));
  Ref logger(logging ? PyObject_CallMethod(logging.get(), "getLogger", "s", "vedette") : nullptr);
  Ref error(logger ? PyObject_GetAttrString(logger.get(), "error") : nullptr);
  Ref arguments(Py_BuildValue("(s)", what));
  Ref keywords(Py_BuildValue("{sO}", "exc_info", value ? value : Py_None));
  Ref done(error && arguments && keywords
               ? PyObject_Call(error.get(), arguments.get(), keywords.get())
               : nullptr);
  PyErr_Clear();
}

Ref field(PyObject* object, const char* name) {
  Ref value(object ? PyObject_GetAttrString(object, name) : nullptr);
  if (!value) PyErr_Clear();
  return value;
}

bool is_false(PyObject* value) {
  if (!value) return false;
  const int truth = PyObject_IsTrue(value);
  if (truth < 0) PyErr_Clear();
  return truth == 0;
}

PyTypeObject* add_type(PyObject* module, PyType_Spec* spec, PyObject* bases) {
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, spec, bases));
  if (type && PyModule_AddType(module, type) < 0) Py_CLEAR(type);
  return type;
}

}  // namespace vedette::native
