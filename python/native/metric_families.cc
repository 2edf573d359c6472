// vedette._native.MetricFamilies: metrics whose series have different labels, and how the streams
// of meters count in them.
#include <algorithm>

#include "meter.h"
#include "metrics.h"
#include "values.h"
#include "wire/prometheus_names.h"

namespace vedette::native {
namespace {

using sdk::GaugeMode;
using sdk::MetricType;

PyTypeObject* families_type;

const std::shared_ptr<sdk::Collector>& collector_of(PyObject* self) {
  return reinterpret_cast<CollectorObject*>(self)->collector;
}
std::shared_ptr<sdk::MetricFamilies> families_of(PyObject* self) {
  return std::static_pointer_cast<sdk::MetricFamilies>(collector_of(self));
}

/// What a family is, and how the values of several processes become one: counts are added up, a
/// sum that shrinks holds for the living, a value that is set is shown for each of them; a fact or
/// a state is true if it is for any of the living.
bool read_kind(std::string_view text, sdk::MetricOptions* out) {
  struct Kind {
    std::string_view name;
    MetricType type;
    GaugeMode mode;
  };
  constexpr Kind kKinds[] = {
      {"counter", MetricType::kCounter, GaugeMode::kAll},
      {"plain_counter", MetricType::kPlainCounter, GaugeMode::kAll},
      {"histogram", MetricType::kHistogram, GaugeMode::kAll},
      {"sum", MetricType::kGauge, GaugeMode::kSum},
      {"gauge", MetricType::kGauge, GaugeMode::kAll},
      {"info", MetricType::kInfo, GaugeMode::kMax},
      {"stateset", MetricType::kStateSet, GaugeMode::kMax},
  };
  for (const Kind& kind : kKinds) {
    if (kind.name != text) continue;
    out->type = kind.type;
    out->mode = kind.mode;
    out->live = sdk::is_set(kind.type);
    return true;
  }
  PyErr_SetString(PyExc_ValueError, "unknown kind of metric");
  return false;
}

/// (kind, name, help, unit, everyone) of a family, and labels.
bool read_family(const char* kind, PyObject* name, PyObject* help, PyObject* unit, int everyone,
                 sdk::MetricOptions* out) {
  if (!read_kind(kind, out)) return false;
  out->name = Utf8(name).view();
  out->help = Utf8(help).view();
  out->unit = Utf8(unit).view();
  out->created = false;
  out->everyone = everyone != 0;
  out->series_max = SIZE_MAX;  // whoever records has a limit
  return true;
}

sdk::LabelPairs read_labels(PyObject* dict) {
  sdk::LabelPairs labels;
  each_item(dict, [&](PyObject* key, PyObject* value) {
    labels.emplace_back(safe_str(key), safe_str(value));
  });
  return labels;
}

std::vector<std::string> texts_of(const sdk::LabelPairs& labels) {
  std::vector<std::string> values;
  for (const auto& [name, value] : labels) values.push_back(value);
  return values;
}

std::string label_text(PyObject* value) {
  if (PyBool_Check(value)) return value == Py_True ? "true" : "false";
  return safe_str(value);
}

/// Keys that become the same label share it, their values joined; fixed labels win.
sdk::LabelPairs labels_of(const Exposure& exposure, const std::vector<Pair>& pairs) {
  sdk::LabelPairs labels;
  const auto find = [&](const std::string& name) {
    return std::find_if(labels.begin(), labels.end(),
                        [&](const auto& label) { return label.first == name; });
  };
  for (const auto& [key, value] : pairs) {
    std::string name(exposure.escaped ? wire::prometheus_label_name(key) : key);
    if (const auto known = find(name); known != labels.end()) {
      known->second.append(1, ';').append(label_text(value.get()));
    } else {
      labels.emplace_back(std::move(name), label_text(value.get()));
    }
  }
  for (const auto& [name, value] : exposure.fixed) {
    if (const auto known = find(name); known != labels.end()) {
      known->second = value;
    } else {
      labels.emplace_back(name, value);
    }
  }
  return labels;
}

PyObject* families_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  new (&reinterpret_cast<CollectorObject*>(self)->collector)
      std::shared_ptr<sdk::Collector>(std::make_shared<sdk::MetricFamilies>());
  return self;
}

PyObject* families_names(PyObject* self, PyObject*) {
  Ref list(PyList_New(0));
  for (const std::string& name : families_of(self)->names()) {
    Ref text(PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), "replace"));
    if (!list || !text || PyList_Append(list.get(), text.get()) < 0) return nullptr;
  }
  return list.release();
}

PyObject* families_hide(PyObject* self, PyObject* names) {
  std::set<std::string> hidden;
  each(names, SIZE_MAX, [&](PyObject* name) {
    hidden.insert(safe_str(name));
    return true;
  });
  if (PyErr_Occurred()) return nullptr;
  families_of(self)->hide(std::move(hidden));
  return none();
}

/// declare(kind, name, help, unit, everyone)
PyObject* families_declare(PyObject* self, PyObject* args) {
  const char* kind;
  PyObject *name, *help, *unit;
  int everyone;
  sdk::MetricOptions options;
  if (!PyArg_ParseTuple(args, "sUUUp", &kind, &name, &help, &unit, &everyone) ||
      !read_family(kind, name, help, unit, everyone, &options)) {
    return nullptr;
  }
  families_of(self)->declare(options);
  return none();
}

/// set(kind, name, help, unit, everyone, labels, value); None: forgets the series
PyObject* families_set(PyObject* self, PyObject* args) {
  const char* kind;
  PyObject *name, *help, *unit, *labels, *value;
  int everyone;
  sdk::MetricOptions options;
  if (!PyArg_ParseTuple(args, "sUUUpO!O", &kind, &name, &help, &unit, &everyone, &PyDict_Type,
                        &labels, &value) ||
      !read_family(kind, name, help, unit, everyone, &options)) {
    return nullptr;
  }
  const double number = value == Py_None ? 0 : PyFloat_AsDouble(value);
  if (PyErr_Occurred()) return nullptr;
  const sdk::LabelPairs pairs = read_labels(labels);
  const auto metric = families_of(self)->metric(options, pairs);
  if (!metric) {
    PyErr_SetString(PyExc_ValueError, "a label is there twice");
    return nullptr;
  }
  const std::vector<std::string> texts = texts_of(pairs);
  const std::vector<std::string_view> values(texts.begin(), texts.end());
  if (value == Py_None) {
    metric->remove(values);
  } else {
    metric->series(values)->set(number);
  }
  return none();
}

PyMethodDef families_methods[] = {
    {"names", families_names, METH_NOARGS, "The families there are."},
    {"hide", families_hide, METH_O, "Families that are not to be shown; all others are."},
    {"declare", families_declare, METH_VARARGS,
     "declare(kind, name, help, unit, everyone): shows the family even without series."},
    {"set", families_set, METH_VARARGS,
     "set(kind, name, help, unit, everyone, labels, value): sets a series; None: forgets it."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot families_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(families_new)},
    {Py_tp_methods, families_methods},
    {0, nullptr},
};
PyType_Spec families_spec = {"vedette._native.MetricFamilies", sizeof(CollectorObject), 0,
                             Py_TPFLAGS_DEFAULT, families_slots};

}  // namespace

PyObject* stream_expose(PyObject* self, PyObject* args) {
  const char* kind;
  PyObject *families, *name, *help, *unit, *fixed;
  int everyone, escaped;
  auto exposure = std::make_unique<Exposure>();
  if (!PyArg_ParseTuple(args, "O!sUUUpO!p", families_type, &families, &kind, &name, &help, &unit,
                        &everyone, &PyDict_Type, &fixed, &escaped) ||
      !read_family(kind, name, help, unit, everyone, &exposure->options)) {
    return nullptr;
  }
  auto* stream = reinterpret_cast<StreamObject*>(self);
  exposure->options.bounds = stream->stream->options().bounds;
  exposure->families = families_of(families);
  exposure->fixed = read_labels(fixed);
  exposure->escaped = escaped != 0;
  stream->exposure = std::move(exposure);
  return none();
}

void expose_cell(const StreamObject& stream, sdk::MetricCell& cell,
                 const std::vector<Pair>& pairs) {
  const Exposure& exposure = *stream.exposure;
  const sdk::LabelPairs labels = labels_of(exposure, pairs);
  sdk::Exposed exposed{exposure.families->metric(exposure.options, labels), texts_of(labels), {}};
  if (!exposed.metric) return;
  if (!stream.stream->options().asynchronous) {
    const std::vector<std::string_view> values(exposed.values.begin(), exposed.values.end());
    exposed.series = exposed.metric->series(values);
  }
  cell.expose(std::move(exposed));
}

bool add_metric_families_type(PyObject* module) {
  families_type = add_type(module, &families_spec, reinterpret_cast<PyObject*>(collector_type));
  return families_type != nullptr;
}

}  // namespace vedette::native
