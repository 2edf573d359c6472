#include "masking.h"

#include "sdk/secrets.h"

namespace vedette::native {

PyObject* configure_masking(PyObject*, PyObject* args) {
  int enabled;
  PyObject *keys, *patterns;
  if (!PyArg_ParseTuple(args, "pO!O!", &enabled, &PyTuple_Type, &keys, &PyTuple_Type, &patterns)) {
    return nullptr;
  }
  sdk::SecretOptions options;
  options.enabled = enabled != 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keys); ++i) {
    options.keys.push_back(safe_str(PyTuple_GET_ITEM(keys, i)));
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(patterns); ++i) {
    options.patterns.push_back(safe_str(PyTuple_GET_ITEM(patterns, i)));
  }
  if (const Status status = sdk::configure_secrets(std::move(options)); !status.ok()) {
    PyErr_SetString(PyExc_ValueError, status.error().message.c_str());
    return nullptr;
  }
  return none();
}

}  // namespace vedette::native
