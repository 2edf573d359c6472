#include "metrics.h"

#include <time.h>

#include <algorithm>
#include <vector>

#include "otel_api.h"
#include "span.h"

namespace vedette::native {

PyTypeObject* collector_type;

namespace {

using sdk::MetricType;

PyTypeObject* counter_type;
PyTypeObject* gauge_type;
PyTypeObject* histogram_type;
PyTypeObject* summary_type;

MetricObject* as_metric(PyObject* object) {
  return reinterpret_cast<MetricObject*>(object);
}

MetricType type_of(PyTypeObject* type) {
  if (PyType_IsSubtype(type, counter_type)) return MetricType::kCounter;
  if (PyType_IsSubtype(type, gauge_type)) return MetricType::kGauge;
  return PyType_IsSubtype(type, histogram_type) ? MetricType::kHistogram : MetricType::kSummary;
}

double wall_seconds() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// ---- life ---------------------------------------------------------------------------------------

MetricObject* alloc_metric(PyTypeObject* type) {
  auto* self = reinterpret_cast<MetricObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  new (&self->base.collector) std::shared_ptr<sdk::Collector>;
  new (&self->metric) std::shared_ptr<sdk::Metric>;
  new (&self->series) std::shared_ptr<sdk::Series>;
  return self;
}

PyObject* metric_new(PyTypeObject* type, PyObject*, PyObject*) {
  return reinterpret_cast<PyObject*>(alloc_metric(type));
}

void metric_dealloc(PyObject* object) {
  MetricObject* self = as_metric(object);
  if (!self->label_values) forget_gauge_functions(self->metric.get());
  std::destroy_at(&self->base.collector);
  std::destroy_at(&self->metric);
  std::destroy_at(&self->series);
  Py_XDECREF(self->children);
  Py_XDECREF(self->label_names);
  Py_XDECREF(self->label_values);
  Py_XDECREF(self->known_keywords);
  PyMem_Free(self->keyword_order);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

bool read_bounds(PyObject* buckets, std::vector<double>* out) {
  Ref items(PySequence_Fast(buckets, "buckets must be a sequence of numbers"));
  if (!items) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    const double bound = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items.get(), i));
    if (PyErr_Occurred()) return false;
    if (bound != Py_HUGE_VAL) out->push_back(bound);
  }
  return true;
}

/// _init(full_name, documentation, labelnames, unit, buckets, mode, live, series_limit)
PyObject* metric_init(PyObject* object, PyObject* args) {
  MetricObject* self = as_metric(object);
  PyObject *name, *help, *labels, *unit, *buckets;
  int mode, live;
  Py_ssize_t series_max;
  if (!PyArg_ParseTuple(args, "UOO!OOipn", &name, &help, &PyTuple_Type, &labels, &unit, &buckets,
                        &mode, &live, &series_max)) {
    return nullptr;
  }
  if (self->metric) {
    PyErr_SetString(PyExc_RuntimeError, "a metric is initialized once");
    return nullptr;
  }
  sdk::MetricOptions options;
  options.type = type_of(Py_TYPE(object));
  options.name = safe_str(name);
  options.help = safe_str(help);
  options.unit = safe_str(unit);
  options.mode = static_cast<sdk::GaugeMode>(mode);
  options.live = live != 0;
  options.series_max = static_cast<size_t>(std::max<Py_ssize_t>(series_max, 1));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(labels); ++i) {
    options.labels.push_back(safe_str(PyTuple_GET_ITEM(labels, i)));
  }
  if (options.type == MetricType::kHistogram && !read_bounds(buckets, &options.bounds)) {
    return nullptr;
  }
  auto metric = sdk::Metric::create(std::move(options));
  if (!metric.ok()) {
    PyErr_SetString(PyExc_ValueError, metric.error().message.c_str());
    return nullptr;
  }
  self->metric = std::move(*metric);
  self->base.collector = self->metric;
  self->label_names = Py_NewRef(labels);
  if (PyTuple_GET_SIZE(labels) == 0) {
    self->series = self->metric->series({});
  } else {
    self->children = PyDict_New();
  }
  return none();
}

// ---- labels -------------------------------------------------------------------------------------

PyObject* make_child(MetricObject* self, PyObject* const* values, Py_ssize_t count) {
  std::vector<std::string> texts;
  std::vector<std::string_view> views;
  texts.reserve(static_cast<size_t>(count));
  Ref kept(PyTuple_New(count));
  if (!kept) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    texts.push_back(safe_str(values[i]));
    PyObject* text =
        PyUnicode_CheckExact(values[i])
            ? Py_NewRef(values[i])
            : PyUnicode_DecodeUTF8(texts.back().data(),
                                   static_cast<Py_ssize_t>(texts.back().size()), "replace");
    if (!text) return nullptr;
    PyTuple_SET_ITEM(kept.get(), i, text);
  }
  for (const std::string& text : texts) views.push_back(text);
  MetricObject* child = alloc_metric(Py_TYPE(self));
  if (!child) return nullptr;
  child->base.collector = self->metric;
  child->metric = self->metric;
  child->series = self->metric->series(views);
  child->label_names = Py_NewRef(self->label_names);
  child->label_values = kept.release();
  return reinterpret_cast<PyObject*>(child);
}

/// The child for label values given as objects, in the metric's order.
PyObject* child_for(MetricObject* self, PyObject* const* values, Py_ssize_t count) {
  bool exact = true;
  for (Py_ssize_t i = 0; i < count; ++i) exact = exact && PyUnicode_CheckExact(values[i]);
  Ref key;
  if (exact) {
    if (count == 1) {
      key = Ref::borrow(values[0]);
    } else {
      key = Ref(PyTuple_New(count));
      if (!key) return nullptr;
      for (Py_ssize_t i = 0; i < count; ++i) {
        PyTuple_SET_ITEM(key.get(), i, Py_NewRef(values[i]));
      }
    }
    PyObject* known = PyDict_GetItemWithError(self->children, key.get());
    if (known) return Py_NewRef(known);
    if (PyErr_Occurred()) return nullptr;
  }
  Ref made(make_child(self, values, count));
  if (!made) return nullptr;
  // The dictionary is a cache of what the metric holds, and bounded like it.
  if (exact && PyDict_GET_SIZE(self->children) <
                   static_cast<Py_ssize_t>(self->metric->options().series_max)) {
    PyDict_SetItem(self->children, key.get(), made.get());
  }
  return made.release();
}

/// Learns in which order a call site names the labels.
bool learn_keywords(MetricObject* self, PyObject* kwnames) {
  const Py_ssize_t count = PyTuple_GET_SIZE(self->label_names);
  if (!self->keyword_order) {
    self->keyword_order = static_cast<int*>(PyMem_Malloc(sizeof(int) * static_cast<size_t>(count)));
    if (!self->keyword_order) return false;
  }
  for (Py_ssize_t label = 0; label < count; ++label) {
    PyObject* name = PyTuple_GET_ITEM(self->label_names, label);
    Py_ssize_t at = 0;
    while (at < count && PyUnicode_Compare(name, PyTuple_GET_ITEM(kwnames, at)) != 0) ++at;
    if (at == count) {
      Py_CLEAR(self->known_keywords);
      PyErr_SetString(PyExc_ValueError, "Incorrect label names");
      return false;
    }
    self->keyword_order[label] = static_cast<int>(at);
  }
  Py_XSETREF(self->known_keywords, Py_NewRef(kwnames));
  return true;
}

bool has_labels(MetricObject* self) {
  if (self->children) return true;
  if (self->label_values) {
    PyErr_Format(PyExc_ValueError,
                 "%S already has labels set (%S); can not chain calls to .labels()", self,
                 self->label_values);
  } else {
    PyErr_Format(PyExc_ValueError, "No label names were set when constructing %S", self);
  }
  return false;
}

PyObject* metric_labels(PyObject* object, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
  MetricObject* self = as_metric(object);
  if (!has_labels(self)) return nullptr;
  const Py_ssize_t count = PyTuple_GET_SIZE(self->label_names);
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  if (nargs && keywords) {
    PyErr_SetString(PyExc_ValueError, "Can't pass both *args and **kwargs");
    return nullptr;
  }
  if (nargs + keywords != count) {
    PyErr_SetString(PyExc_ValueError, keywords ? "Incorrect label names" : "Incorrect label count");
    return nullptr;
  }
  if (!keywords) return child_for(self, args, nargs);
  if (kwnames != self->known_keywords && !learn_keywords(self, kwnames)) return nullptr;
  PyObject* ordered[16];
  std::vector<PyObject*> many;
  PyObject** values = ordered;
  if (count > 16) {
    many.resize(static_cast<size_t>(count));
    values = many.data();
  }
  for (Py_ssize_t i = 0; i < count; ++i) values[i] = args[self->keyword_order[i]];
  return child_for(self, values, count);
}

PyObject* metric_remove(PyObject* object, PyObject* const* args, Py_ssize_t nargs) {
  MetricObject* self = as_metric(object);
  if (!has_labels(self)) return nullptr;
  if (nargs != PyTuple_GET_SIZE(self->label_names)) {
    PyErr_Format(PyExc_ValueError, "Incorrect label count (expected %zd, got %zd)",
                 PyTuple_GET_SIZE(self->label_names), nargs);
    return nullptr;
  }
  std::vector<std::string> texts;
  for (Py_ssize_t i = 0; i < nargs; ++i) texts.push_back(safe_str(args[i]));
  self->metric->remove(std::vector<std::string_view>(texts.begin(), texts.end()));
  PyDict_Clear(self->children);
  return none();
}

PyObject* metric_clear(PyObject* object, PyObject*) {
  MetricObject* self = as_metric(object);
  if (self->children) {
    self->metric->clear();
    PyDict_Clear(self->children);
  }
  return none();
}

/// _label_values(): those of each series, as tuples of str.
PyObject* metric_all_values(PyObject* object, PyObject*) {
  MetricObject* self = as_metric(object);
  Ref list(PyList_New(0));
  if (!list || !self->metric) return list.release();
  for (const auto& series : self->metric->all_series()) {
    const auto& values = series->labels().values();
    Ref tuple(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
    for (size_t i = 0; tuple && i < values.size(); ++i) {
      PyObject* text = PyUnicode_DecodeUTF8(values[i].data(),
                                            static_cast<Py_ssize_t>(values[i].size()), "replace");
      if (!text) return nullptr;
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), text);
    }
    if (!tuple || PyList_Append(list.get(), tuple.get()) < 0) return nullptr;
  }
  return list.release();
}

// ---- values -------------------------------------------------------------------------------------

sdk::Series* series_of(PyObject* object) {
  MetricObject* self = as_metric(object);
  if (!self->series) {
    constexpr const char* kTypes[] = {"counter", "gauge", "histogram", "summary"};
    PyErr_Format(PyExc_ValueError, "%s metric is missing label values",
                 kTypes[static_cast<int>(type_of(Py_TYPE(object)))]);
  }
  return self->series.get();
}

/// The number that inc(), dec(), set() and observe() take, and an exemplar where there may be one.
bool amount_of(const char* function, const char* name, PyObject* const* args, Py_ssize_t nargs,
               PyObject* kwnames, double* amount, bool required, PyObject** exemplar) {
  PyObject* given[2] = {nargs == 1 ? args[0] : nullptr, nullptr};
  if (nargs > 1 || kwnames || (!given[0] && required)) {
    const char* const names[] = {name, "exemplar"};
    const int count = exemplar ? 2 : 1;
    if (!bind({function, names, count, required ? 1 : 0, count}, args, nargs, kwnames, given)) {
      return false;
    }
    if (given[1] && given[1] != Py_None) *exemplar = given[1];
  }
  if (!given[0]) return true;
  *amount = PyFloat_CheckExact(given[0]) ? PyFloat_AS_DOUBLE(given[0]) : PyFloat_AsDouble(given[0]);
  return *amount != -1.0 || !PyErr_Occurred();
}

/// An exemplar the caller gave: a dict of str; ValueError when it is too long.
bool give_exemplar(sdk::Series& series, size_t index, double amount, PyObject* labels) {
  const int given = PyObject_IsTrue(labels);
  if (given <= 0) return given == 0;
  Ref module(PyImport_ImportModule("vedette.prometheus.validation"));
  Ref valid(module ? PyObject_CallMethod(module.get(), "_validate_exemplar", "O", labels)
                   : nullptr);
  Ref items(valid ? PyMapping_Items(labels) : nullptr);
  if (!items) return false;
  sdk::Exemplar exemplar;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PyList_GET_ITEM(items.get(), i);
    exemplar.labels.emplace_back(safe_str(PyTuple_GET_ITEM(pair, 0)),
                                 safe_str(PyTuple_GET_ITEM(pair, 1)));
  }
  exemplar.value = amount;
  exemplar.time = wall_seconds();
  series.set_exemplar(index, std::move(exemplar));
  return true;
}

bool exemplar_of(sdk::Series& series, size_t index, double amount, PyObject* given) {
  if (given) return give_exemplar(series, index, amount, given);
  take_exemplar(series, index, amount);
  return true;
}

#define METHOD(name) \
  PyObject* name(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames)

METHOD(counter_inc) {
  double amount = 1;
  PyObject* exemplar = nullptr;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("inc", "amount", args, nargs, kwnames, &amount, false, &exemplar)) {
    return nullptr;
  }
  if (amount < 0) {
    PyErr_SetString(PyExc_ValueError, "Counters can only be incremented by non-negative amounts.");
    return nullptr;
  }
  series->add(amount);
  return exemplar_of(*series, 0, amount, exemplar) ? none() : nullptr;
}

bool is_most_recent(PyObject* self, const char* method) {
  const auto& metric = as_metric(self)->metric;
  if (!metric || metric->options().mode != sdk::GaugeMode::kMostRecent) return false;
  PyErr_Format(PyExc_RuntimeError, "%s must not be used with the mostrecent mode", method);
  return true;
}

PyObject* change_gauge(PyObject* self, const char* method, double sign, PyObject* const* args,
                       Py_ssize_t nargs, PyObject* kwnames) {
  double amount = 1;
  if (is_most_recent(self, method)) return nullptr;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of(method, "amount", args, nargs, kwnames, &amount, false, nullptr)) {
    return nullptr;
  }
  series->add(sign * amount);
  return none();
}

METHOD(gauge_inc) {
  return change_gauge(self, "inc", 1, args, nargs, kwnames);
}
METHOD(gauge_dec) {
  return change_gauge(self, "dec", -1, args, nargs, kwnames);
}

void set_gauge(PyObject* self, sdk::Series& series, double value) {
  series.set(value);
  if (as_metric(self)->metric->options().mode == sdk::GaugeMode::kMostRecent) {
    series.set_time(wall_seconds());
  }
}

METHOD(gauge_set) {
  double value = 0;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("set", "value", args, nargs, kwnames, &value, true, nullptr)) {
    return nullptr;
  }
  set_gauge(self, *series, value);
  return none();
}

METHOD(histogram_observe) {
  double amount = 0;
  PyObject* exemplar = nullptr;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("observe", "amount", args, nargs, kwnames, &amount, true, &exemplar)) {
    return nullptr;
  }
  const size_t bucket = as_metric(self)->metric->bucket_of(amount);
  series->observe(amount, bucket);
  return exemplar_of(*series, bucket, amount, exemplar) ? none() : nullptr;
}

METHOD(summary_observe) {
  double amount = 0;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("observe", "amount", args, nargs, kwnames, &amount, true, nullptr)) {
    return nullptr;
  }
  series->observe(amount, 0);
  return none();
}

PyObject* counter_reset(PyObject* self, PyObject*) {
  sdk::Series* series = series_of(self);
  if (!series) return nullptr;
  series->set(0);
  series->set_time(wall_seconds());
  return none();
}

PyObject* gauge_set_to_current_time(PyObject* self, PyObject*) {
  sdk::Series* series = series_of(self);
  if (!series) return nullptr;
  set_gauge(self, *series, wall_seconds());
  return none();
}

METHOD(gauge_set_function) {
  static const char* const names[] = {"f"};
  PyObject* function = nullptr;
  if (!series_of(self) ||
      !bind({"set_function", names, 1, 1, 1}, args, nargs, kwnames, &function)) {
    return nullptr;
  }
  set_gauge_function(as_metric(self)->metric, as_metric(self)->series, function);
  return none();
}

/// _cell(index): one number of the series; -1: the sum or value, -2: the time it was made.
PyObject* metric_cell(PyObject* self, PyObject* index_object) {
  const long index = PyLong_AsLong(index_object);
  if (index == -1 && PyErr_Occurred()) return nullptr;
  sdk::Series* series = series_of(self);
  if (!series) return nullptr;
  const size_t cells = sdk::cells_of(as_metric(self)->metric->options());
  if (index == -2) return PyFloat_FromDouble(series->time());
  if (index < 0) return PyFloat_FromDouble(series->value());
  if (sdk::kCountCells + static_cast<size_t>(index) >= cells) {
    PyErr_SetString(PyExc_IndexError, "no such bucket");
    return nullptr;
  }
  return PyFloat_FromDouble(series->bucket(static_cast<size_t>(index)));
}

PyObject* metric_set_cell(PyObject* self, PyObject* value) {
  const double number = PyFloat_AsDouble(value);
  if (number == -1.0 && PyErr_Occurred()) return nullptr;
  sdk::Series* series = series_of(self);
  if (!series) return nullptr;
  series->set(number);
  return none();
}

// ---- the types ----------------------------------------------------------------------------------

PyObject* text_of(const std::string& text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

PyObject* metric_name(PyObject* object, void*) {
  const auto& metric = as_metric(object)->metric;
  return metric ? text_of(metric->options().name) : PyUnicode_New(0, 0);
}
PyObject* metric_documentation(PyObject* object, void*) {
  const auto& metric = as_metric(object)->metric;
  return metric ? text_of(metric->options().help) : PyUnicode_New(0, 0);
}
PyObject* metric_unit(PyObject* object, void*) {
  const auto& metric = as_metric(object)->metric;
  return metric ? text_of(metric->options().unit) : PyUnicode_New(0, 0);
}
PyObject* metric_label_names(PyObject* object, void*) {
  PyObject* names = as_metric(object)->label_names;
  return names ? Py_NewRef(names) : PyTuple_New(0);
}
PyObject* metric_label_values(PyObject* object, void*) {
  PyObject* values = as_metric(object)->label_values;
  return values ? Py_NewRef(values) : PyTuple_New(0);
}
PyObject* metric_bounds(PyObject* object, void*) {
  Ref list(PyList_New(0));
  const auto& metric = as_metric(object)->metric;
  if (!metric || !list) return list.release();
  for (double bound : metric->options().bounds) {
    Ref number(PyFloat_FromDouble(bound));
    if (!number || PyList_Append(list.get(), number.get()) < 0) return nullptr;
  }
  Ref last(PyFloat_FromDouble(Py_HUGE_VAL));
  return last && PyList_Append(list.get(), last.get()) == 0 ? list.release() : nullptr;
}

/// Processes of the service that do not have the metric show it too.
PyObject* metric_show_everyone(PyObject* object, PyObject*) {
  if (const auto& metric = as_metric(object)->metric) metric->show_everyone();
  return none();
}

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))
constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;

PyObject* metric_own_methods(PyObject* type, PyObject*);

#define COMMON_METHODS                                                                          \
  {"labels", FAST(metric_labels), kFast,                                                        \
   "labels($self, /, *labelvalues, **labelkwargs)\n--\n\nThe series with these label values."}, \
      {"remove", FAST(metric_remove), METH_FASTCALL,                                            \
       "remove($self, /, *labelvalues)\n--\n\nForgets one series."},                            \
      {"clear", metric_clear, METH_NOARGS, "clear($self, /)\n--\n\nForgets every series."},     \
      {"_init", metric_init, METH_VARARGS, nullptr},                                            \
      {"_own_methods", metric_own_methods, METH_NOARGS | METH_CLASS, nullptr},                  \
      {"_label_values", metric_all_values, METH_NOARGS, nullptr},                               \
      {"_cell", metric_cell, METH_O, nullptr}, {"_set_cell", metric_set_cell, METH_O, nullptr}, \
      {"_show_everyone", metric_show_everyone, METH_NOARGS, nullptr}, {                         \
    nullptr, nullptr, 0, nullptr                                                                \
  }

PyMethodDef counter_methods[] = {
    {"inc", FAST(counter_inc), kFast, "inc($self, /, amount=1, exemplar=None)\n--\n\nCounts."},
    {"reset", counter_reset, METH_NOARGS, "reset($self, /)\n--\n\nBack to 0."},
    COMMON_METHODS,
};
PyMethodDef gauge_methods[] = {
    {"inc", FAST(gauge_inc), kFast, "inc($self, /, amount=1)\n--\n\nUp."},
    {"dec", FAST(gauge_dec), kFast, "dec($self, /, amount=1)\n--\n\nDown."},
    {"set", FAST(gauge_set), kFast, "set($self, /, value)\n--\n\nThe value from now on."},
    {"set_to_current_time", gauge_set_to_current_time, METH_NOARGS,
     "set_to_current_time($self, /)\n--\n\nSets the seconds since 1970."},
    {"set_function", FAST(gauge_set_function), kFast,
     "set_function($self, /, f)\n--\n\nThe value is asked for at each exposition."},
    COMMON_METHODS,
};
PyMethodDef histogram_methods[] = {
    {"observe", FAST(histogram_observe), kFast,
     "observe($self, /, amount, exemplar=None)\n--\n\nCounts an observation."},
    COMMON_METHODS,
};
PyMethodDef summary_methods[] = {
    {"observe", FAST(summary_observe), kFast,
     "observe($self, /, amount)\n--\n\nCounts an observation."},
    COMMON_METHODS,
};
PyGetSetDef metric_properties[] = {
    {"_name", metric_name, nullptr, nullptr, nullptr},
    {"_documentation", metric_documentation, nullptr, nullptr, nullptr},
    {"_unit", metric_unit, nullptr, nullptr, nullptr},
    {"_labelnames", metric_label_names, nullptr, nullptr, nullptr},
    {"_labelvalues", metric_label_values, nullptr, nullptr, nullptr},
    {"_upper_bounds", metric_bounds, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

/// _own_methods(): the class itself gets the methods that record. CPython specialises a call where
/// the method belongs to the very class of the object, and not where it is inherited.
PyObject* metric_own_methods(PyObject* object, PyObject*) {
  auto* type = reinterpret_cast<PyTypeObject*>(object);
  PyMethodDef* const tables[] = {counter_methods, gauge_methods, histogram_methods,
                                 summary_methods};
  PyTypeObject* const bases[] = {counter_type, gauge_type, histogram_type, summary_type};
  for (int i = 0; i < 4; ++i) {
    if (!PyType_IsSubtype(type, bases[i])) continue;
    for (PyMethodDef* method = tables[i]; method->ml_name; ++method) {
      if (method->ml_flags != kFast) continue;
      Ref own(PyDescr_NewMethod(type, method));
      if (!own || PyObject_SetAttrString(object, method->ml_name, own.get()) < 0) return nullptr;
    }
  }
  return none();
}

#define METRIC_TYPE(lower, Upper)                                                          \
  PyType_Slot lower##_slots[] = {{Py_tp_new, reinterpret_cast<void*>(metric_new)},         \
                                 {Py_tp_dealloc, reinterpret_cast<void*>(metric_dealloc)}, \
                                 {Py_tp_methods, lower##_methods},                         \
                                 {Py_tp_getset, metric_properties},                        \
                                 {0, nullptr}};                                            \
  PyType_Spec lower##_spec = {"vedette._native." #Upper, sizeof(MetricObject), 0,          \
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, lower##_slots};
METRIC_TYPE(counter, Counter)
METRIC_TYPE(gauge, Gauge)
METRIC_TYPE(histogram, Histogram)
METRIC_TYPE(summary, Summary)

void collector_dealloc(PyObject* self) {
  std::destroy_at(&reinterpret_cast<CollectorObject*>(self)->collector);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot collector_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(collector_dealloc)},
    {0, nullptr},
};
PyType_Spec collector_spec = {
    "vedette._native.Collector", sizeof(CollectorObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, collector_slots};

}  // namespace

void take_exemplar(sdk::Series& series, size_t index, double amount) {
  timespec time{};
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (!series.exemplar_due(index, time.tv_sec)) return;
  const ErrorGuard guard;
  Ref context(current_context());
  PyObject* found = context ? span_of_context(context.get()) : nullptr;
  if (!context) PyErr_Clear();
  if (!is_span(found) || !as_span(found)->sampled) return;
  const sdk::SpanHead& head = as_span(found)->head;
  series.set_exemplar(index,
                      sdk::span_exemplar(head.trace_id, head.span_id, amount, wall_seconds()));
}

bool register_metric(PyObject* registry, std::shared_ptr<sdk::Metric> metric) {
  Ref module(PyImport_ImportModule("vedette.prometheus.metrics"));
  constexpr const char* kTypes[] = {"Counter", "Gauge", "Histogram", "Summary"};
  Ref type(module ? PyObject_GetAttrString(module.get(),
                                           kTypes[static_cast<size_t>(metric->options().type)])
                  : nullptr);
  if (!type) {
    PyErr_Clear();
    return false;
  }
  MetricObject* self = alloc_metric(reinterpret_cast<PyTypeObject*>(type.get()));
  Ref owner(reinterpret_cast<PyObject*>(self));
  if (!self) return false;
  const auto& labels = metric->options().labels;
  self->label_names = PyTuple_New(static_cast<Py_ssize_t>(labels.size()));
  for (size_t i = 0; i < labels.size(); ++i) {
    PyTuple_SET_ITEM(self->label_names, static_cast<Py_ssize_t>(i), text_of(labels[i]));
  }
  if (labels.empty()) {
    self->series = metric->series({});
  } else {
    self->children = PyDict_New();
  }
  self->metric = std::move(metric);
  self->base.collector = self->metric;
  Ref done(PyObject_CallMethod(registry, "register", "O", self));
  if (!done) PyErr_Clear();
  return static_cast<bool>(done);
}

bool add_metric_types(PyObject* module) {
  collector_type = add_type(module, &collector_spec);
  if (!collector_type) return false;
  PyObject* base = reinterpret_cast<PyObject*>(collector_type);
  counter_type = add_type(module, &counter_spec, base);
  gauge_type = counter_type ? add_type(module, &gauge_spec, base) : nullptr;
  histogram_type = gauge_type ? add_type(module, &histogram_spec, base) : nullptr;
  summary_type = histogram_type ? add_type(module, &summary_spec, base) : nullptr;
  return summary_type && add_scrape_functions(module);
}

}  // namespace vedette::native
