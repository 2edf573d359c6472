#include "awaiting.h"

namespace vedette::native {

Ref driven(Ref awaitable, PyTypeObject* own, const char* complaint) {
  PyTypeObject* type = Py_TYPE(awaitable.get());
  if (PyCoro_CheckExact(awaitable.get()) || type == own) return awaitable;
  if (type->tp_as_async && type->tp_as_async->am_await) {
    return Ref(type->tp_as_async->am_await(awaitable.get()));
  }
  PyErr_Format(PyExc_TypeError, complaint, type->tp_name);
  return Ref();
}

PyObject* raise_stop(PyObject* value) {
  const Ref owned(value);
  if (value == Py_None) {
    PyErr_SetNone(PyExc_StopIteration);
  } else if (const Ref stop{PyObject_CallOneArg(PyExc_StopIteration, value)}) {
    PyErr_SetObject(PyExc_StopIteration, stop.get());
  }
  return nullptr;
}

Raised::Raised() {
  PyErr_Fetch(&type_, &value_, &traceback_);
  PyErr_NormalizeException(&type_, &value_, &traceback_);
  if (traceback_ && value_) PyException_SetTraceback(value_, traceback_);
}

Raised::~Raised() {
  PyErr_Restore(type_, value_, traceback_);
}

PyObject* inner_attribute(PyObject* inner, const char* name) {
  PyObject* value = PyObject_GetAttrString(inner ? inner : Py_None, name);
  if (value) return value;
  PyErr_Clear();
  return none();
}

}  // namespace vedette::native
