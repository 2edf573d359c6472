// OpenTelemetry's names as Prometheus's, for the exposition of meters.
#include "meter.h"
#include "wire/prometheus_names.h"

namespace vedette::native {
namespace {

PyObject* as_text(const std::string& text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

using Naming = std::string (*)(std::string_view, std::string_view, wire::NameSuffix);

PyObject* name_of(PyObject* args, Naming naming) {
  PyObject *name, *unit;
  int monotonic_sum, ratio;
  if (!PyArg_ParseTuple(args, "UUpp", &name, &unit, &monotonic_sum, &ratio)) return nullptr;
  const auto suffix = monotonic_sum ? wire::NameSuffix::kTotal
                      : ratio       ? wire::NameSuffix::kRatio
                                    : wire::NameSuffix::kNone;
  return as_text(naming(Utf8(name).view(), Utf8(unit).view(), suffix));
}

/// prometheus_name(name, unit, monotonic_sum, ratio) -> str, empty when nothing of it can be kept
PyObject* prometheus_name(PyObject*, PyObject* args) {
  return name_of(args, wire::prometheus_metric_name);
}

/// prometheus_utf8_name(name, unit, monotonic_sum, ratio) -> str
PyObject* prometheus_utf8_name(PyObject*, PyObject* args) {
  return name_of(args, wire::prometheus_utf8_name);
}

PyObject* prometheus_label(PyObject*, PyObject* key) {
  return as_text(wire::prometheus_label_name(safe_str(key)));
}

PyMethodDef module_functions[] = {
    {"prometheus_name", prometheus_name, METH_VARARGS,
     "prometheus_name(name, unit, monotonic_sum, ratio) -> the metric's name"},
    {"prometheus_utf8_name", prometheus_utf8_name, METH_VARARGS,
     "prometheus_name() that keeps all characters"},
    {"prometheus_label", prometheus_label, METH_O, "The label's name of an attribute key."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_prometheus_name_functions(PyObject* module) {
  return PyModule_AddFunctions(module, module_functions) == 0;
}

}  // namespace vedette::native
