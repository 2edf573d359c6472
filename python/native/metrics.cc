#include "metrics.h"

#include "http_metrics.h"

namespace vedette::native {

PyTypeObject* registry_type;

namespace {

using sdk::MetricType;

PyTypeObject* counter_type;
PyTypeObject* gauge_type;
PyTypeObject* histogram_type;

MetricObject* as_metric(PyObject* object) {
  return reinterpret_cast<MetricObject*>(object);
}
RegistryObject* as_registry(PyObject* object) {
  return reinterpret_cast<RegistryObject*>(object);
}

MetricType type_of(PyTypeObject* type) {
  if (PyType_IsSubtype(type, counter_type)) return MetricType::kCounter;
  return PyType_IsSubtype(type, gauge_type) ? MetricType::kGauge : MetricType::kHistogram;
}

MetricObject* new_metric(PyTypeObject* type) {
  auto* self = reinterpret_cast<MetricObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  new (&self->metric) std::shared_ptr<sdk::Metric>;
  new (&self->series) std::shared_ptr<sdk::Series>;
  return self;
}

void metric_dealloc(PyObject* object) {
  MetricObject* self = as_metric(object);
  std::destroy_at(&self->metric);
  std::destroy_at(&self->series);
  Py_XDECREF(self->children);
  Py_XDECREF(self->label_names);
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
    out->push_back(bound);
  }
  if (!out->empty() && std::isinf(out->back())) out->pop_back();
  if (out->empty()) PyErr_SetString(PyExc_ValueError, "Must have at least two buckets");
  return !PyErr_Occurred();
}

std::string full_name(MetricType type, const char* name, const char* space, const char* subsystem,
                      const std::string& unit) {
  std::string full;
  if (*space) full.append(space) += '_';
  if (*subsystem) full.append(subsystem) += '_';
  full += name;
  if (type == MetricType::kCounter && full.ends_with("_total")) full.resize(full.size() - 6);
  if (!unit.empty() && !full.ends_with('_' + unit)) full.append("_").append(unit);
  return full;
}

const double kUsualBuckets[] = {.005, .01, .025, .05, .075, .1,  .25,
                                .5,   .75, 1.,   2.5, 5.,   7.5, 10.};

/// Counter(name, documentation, labelnames=(), namespace="", subsystem="", unit="", registry=…)
PyObject* metric_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"name", "documentation", "labelnames", "namespace",    "subsystem",
                                "unit", "registry",      "buckets",    "series_limit", nullptr};
  const char *name, *help, *space = "", *subsystem = "", *unit = "";
  PyObject *labels = nullptr, *registry = nullptr, *buckets = nullptr;
  Py_ssize_t series_max = static_cast<Py_ssize_t>(sdk::kSeriesMax);
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "ss|OsssOO$n", const_cast<char**>(names), &name,
                                   &help, &labels, &space, &subsystem, &unit, &registry, &buckets,
                                   &series_max)) {
    return nullptr;
  }
  sdk::MetricOptions options;
  options.type = type_of(type);
  options.name = full_name(options.type, name, space, subsystem, unit);
  options.help = help;
  options.series_max = static_cast<size_t>(std::max<Py_ssize_t>(series_max, 1));
  if (labels && PyUnicode_Check(labels)) {
    PyErr_SetString(PyExc_TypeError, "labelnames must be a sequence of names, not a string");
    return nullptr;
  }
  Ref label_names(labels && labels != Py_None ? PySequence_Tuple(labels) : PyTuple_New(0));
  if (!label_names) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(label_names.get()); ++i) {
    options.labels.push_back(safe_str(PyTuple_GET_ITEM(label_names.get(), i)));
  }
  if (options.type == MetricType::kHistogram) {
    if (!buckets) {
      options.bounds.assign(std::begin(kUsualBuckets), std::end(kUsualBuckets));
    } else if (!read_bounds(buckets, &options.bounds)) {
      return nullptr;
    }
  } else if (buckets) {
    PyErr_SetString(PyExc_TypeError, "only a Histogram has buckets");
    return nullptr;
  }
  auto metric = sdk::Metric::create(std::move(options));
  Status status = metric.status();
  if (status.ok() && registry && registry != Py_None) {
    if (!PyObject_TypeCheck(registry, registry_type)) {
      PyErr_SetString(PyExc_TypeError, "registry must be a vedette.prometheus.CollectorRegistry");
      return nullptr;
    }
    status = as_registry(registry)->registry->add(*metric);
  }
  if (!status.ok()) {
    PyErr_SetString(PyExc_ValueError, status.error().message.c_str());
    return nullptr;
  }
  MetricObject* self = new_metric(type);
  if (!self) return nullptr;
  self->metric = std::move(*metric);
  self->label_names = label_names.release();
  if (PyTuple_GET_SIZE(self->label_names) == 0) {
    self->series = self->metric->series({});
  } else {
    self->children = PyDict_New();
  }
  return reinterpret_cast<PyObject*>(self);
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
  std::vector<std::string> texts;
  std::vector<std::string_view> views;
  texts.reserve(static_cast<size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) texts.push_back(safe_str(values[i]));
  for (const std::string& text : texts) views.push_back(text);
  Ref made(reinterpret_cast<PyObject*>(new_metric(Py_TYPE(self))));
  if (!made) return nullptr;
  MetricObject* child = as_metric(made.get());
  child->metric = self->metric;
  child->series = self->metric->series(views);
  child->label_names = PyTuple_New(0);
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

PyObject* metric_labels(PyObject* object, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
  MetricObject* self = as_metric(object);
  const Py_ssize_t count = PyTuple_GET_SIZE(self->label_names);
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  if (!self->children) {
    PyErr_Format(PyExc_ValueError, "No label names were set when constructing %s",
                 self->metric->options().name.c_str());
    return nullptr;
  }
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
  if (!self->children || nargs != PyTuple_GET_SIZE(self->label_names)) {
    PyErr_SetString(PyExc_ValueError, "Incorrect label count");
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

sdk::Series* series_of(PyObject* object) {
  MetricObject* self = as_metric(object);
  if (!self->series) {
    constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
    PyErr_Format(PyExc_ValueError, "%s metric is missing label values",
                 kTypes[static_cast<int>(self->metric->options().type)]);
  }
  return self->series.get();
}

/// The one number that inc(), dec(), set() and observe() take.
bool amount_of(const char* function, const char* name, PyObject* const* args, Py_ssize_t nargs,
               PyObject* kwnames, double* amount, bool required) {
  PyObject* given = nargs == 1 ? args[0] : nullptr;
  if (nargs > 1 || kwnames || (!given && required)) {
    const char* const names[] = {name};
    if (!bind({function, names, 1, required ? 1 : 0, 1}, args, nargs, kwnames, &given)) {
      return false;
    }
  }
  if (!given) return true;
  *amount = PyFloat_CheckExact(given) ? PyFloat_AS_DOUBLE(given) : PyFloat_AsDouble(given);
  return *amount != -1.0 || !PyErr_Occurred();
}

#define METHOD(name) \
  PyObject* name(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames)

METHOD(counter_inc) {
  double amount = 1;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("inc", "amount", args, nargs, kwnames, &amount, false)) return nullptr;
  if (amount < 0) {
    PyErr_SetString(PyExc_ValueError, "Counters can only be incremented by non-negative amounts.");
    return nullptr;
  }
  series->add(amount);
  return none();
}

METHOD(gauge_inc) {
  double amount = 1;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("inc", "amount", args, nargs, kwnames, &amount, false)) return nullptr;
  series->add(amount);
  return none();
}

METHOD(gauge_dec) {
  double amount = 1;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("dec", "amount", args, nargs, kwnames, &amount, false)) return nullptr;
  series->add(-amount);
  return none();
}

METHOD(gauge_set) {
  double value = 0;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("set", "value", args, nargs, kwnames, &value, true)) return nullptr;
  series->set(value);
  return none();
}

METHOD(histogram_observe) {
  double amount = 0;
  sdk::Series* series = series_of(self);
  if (!series || !amount_of("observe", "amount", args, nargs, kwnames, &amount, true)) {
    return nullptr;
  }
  as_metric(self)->metric->observe(*series, amount);
  return none();
}

PyObject* metric_reset(PyObject* self, PyObject*) {
  if (sdk::Series* series = series_of(self)) {
    series->set(0);
    return none();
  }
  return nullptr;
}

PyObject* metric_value(PyObject* self, PyObject*) {
  const sdk::Series* series = series_of(self);
  return series ? PyFloat_FromDouble(series->value()) : nullptr;
}

/// The Python helpers: timers and counters of exceptions, as context managers and decorators.
PyObject* helper(const char* name, PyObject* self, PyObject* argument) {
  Ref module(PyImport_ImportModule("vedette._metric_helpers"));
  Ref type(module ? PyObject_GetAttrString(module.get(), name) : nullptr);
  return type ? PyObject_CallFunctionObjArgs(type.get(), self, argument, nullptr) : nullptr;
}

PyObject* histogram_time(PyObject* self, PyObject*) {
  return series_of(self) ? helper("Timer", self, nullptr) : nullptr;
}
PyObject* gauge_time(PyObject* self, PyObject*) {
  return series_of(self) ? helper("GaugeTimer", self, nullptr) : nullptr;
}
PyObject* gauge_track_inprogress(PyObject* self, PyObject*) {
  return series_of(self) ? helper("InProgress", self, nullptr) : nullptr;
}
PyObject* gauge_set_to_current_time(PyObject* self, PyObject*) {
  sdk::Series* series = series_of(self);
  if (!series) return nullptr;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  series->set(static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9);
  return none();
}
METHOD(counter_count_exceptions) {
  static const char* const names[] = {"exception"};
  PyObject* exception = nullptr;
  if (!series_of(self) ||
      !bind({"count_exceptions", names, 1, 0, 1}, args, nargs, kwnames, &exception)) {
    return nullptr;
  }
  return helper("ExceptionCounter", self, exception);
}

PyObject* metric_name(PyObject* self, void*) {
  return PyUnicode_FromString(as_metric(self)->metric->options().name.c_str());
}
PyObject* metric_documentation(PyObject* self, void*) {
  return PyUnicode_FromString(as_metric(self)->metric->options().help.c_str());
}

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))
constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;

#define COMMON_METHODS                                                                        \
  {"labels", FAST(metric_labels), kFast, "labels(*values) or labels(**values): one series."}, \
      {"remove", FAST(metric_remove), METH_FASTCALL, "remove(*values): forgets one series."}, \
      {"clear", metric_clear, METH_NOARGS, "Forgets every series."}, {                        \
    nullptr, nullptr, 0, nullptr                                                              \
  }

PyMethodDef counter_methods[] = {
    {"inc", FAST(counter_inc), kFast, "inc(amount=1)"},
    {"reset", metric_reset, METH_NOARGS, "Back to 0."},
    {"get", metric_value, METH_NOARGS, "The value now."},
    {"count_exceptions", FAST(counter_count_exceptions), kFast,
     "count_exceptions(exception=Exception): a context manager and decorator."},
    COMMON_METHODS,
};
PyMethodDef gauge_methods[] = {
    {"inc", FAST(gauge_inc), kFast, "inc(amount=1)"},
    {"dec", FAST(gauge_dec), kFast, "dec(amount=1)"},
    {"set", FAST(gauge_set), kFast, "set(value)"},
    {"get", metric_value, METH_NOARGS, "The value now."},
    {"set_to_current_time", gauge_set_to_current_time, METH_NOARGS, nullptr},
    {"time", gauge_time, METH_NOARGS, "Sets the seconds a block or function took."},
    {"track_inprogress", gauge_track_inprogress, METH_NOARGS,
     "Counts how often a block or function runs right now."},
    COMMON_METHODS,
};
PyMethodDef histogram_methods[] = {
    {"observe", FAST(histogram_observe), kFast, "observe(amount)"},
    {"time", histogram_time, METH_NOARGS, "Observes the seconds a block or function took."},
    COMMON_METHODS,
};
PyGetSetDef metric_properties[] = {
    {"_name", metric_name, nullptr, nullptr, nullptr},
    {"_documentation", metric_documentation, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

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

// ---- registry
// ------------------------------------------------------------------------------------

/// CollectorRegistry(process=False)
PyObject* registry_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"process", nullptr};
  int process = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p", const_cast<char**>(names), &process)) {
    return nullptr;
  }
  auto* self = reinterpret_cast<RegistryObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  new (&self->registry) std::shared_ptr<sdk::Registry>(std::make_shared<sdk::Registry>());
  self->process = process != 0;
  return reinterpret_cast<PyObject*>(self);
}

void registry_dealloc(PyObject* self) {
  std::destroy_at(&as_registry(self)->registry);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

bool is_metric(PyObject* object) {
  return PyObject_TypeCheck(object, counter_type) || PyObject_TypeCheck(object, gauge_type) ||
         PyObject_TypeCheck(object, histogram_type);
}

PyObject* registry_add(PyObject* self, PyObject* metric) {
  if (!is_metric(metric)) {
    PyErr_SetString(PyExc_TypeError, "not a metric of vedette.prometheus");
    return nullptr;
  }
  const Status status = as_registry(self)->registry->add(as_metric(metric)->metric);
  if (status.ok()) return none();
  PyErr_SetString(PyExc_ValueError, status.error().message.c_str());
  return nullptr;
}

PyObject* registry_remove(PyObject* self, PyObject* metric) {
  if (is_metric(metric)) as_registry(self)->registry->remove(as_metric(metric)->metric.get());
  return none();
}

PyObject* registry_render(PyObject* object, PyObject*) {
  const RegistryObject* self = as_registry(object);
  refresh_in_progress();
  const sdk::Registry::Snapshot snapshot = self->registry->snapshot();
  std::string out;
  Py_BEGIN_ALLOW_THREADS;
  if (self->process) sdk::render_process_metrics(out);
  sdk::Registry::render(snapshot, out);
  Py_END_ALLOW_THREADS;
  return PyBytes_FromStringAndSize(out.data(), static_cast<Py_ssize_t>(out.size()));
}

PyMethodDef registry_methods[] = {
    {"_add", registry_add, METH_O, nullptr},
    {"_remove", registry_remove, METH_O, nullptr},
    {"_render", registry_render, METH_NOARGS, "The metrics as Prometheus text, without the GIL."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot registry_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(registry_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(registry_dealloc)},
    {Py_tp_methods, registry_methods},
    {0, nullptr},
};
PyType_Spec registry_spec = {"vedette._native.Registry", sizeof(RegistryObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, registry_slots};

}  // namespace

bool add_metric_types(PyObject* module) {
  registry_type = add_type(module, &registry_spec);
  counter_type = registry_type ? add_type(module, &counter_spec) : nullptr;
  gauge_type = counter_type ? add_type(module, &gauge_spec) : nullptr;
  histogram_type = gauge_type ? add_type(module, &histogram_spec) : nullptr;
  return histogram_type != nullptr;
}

}  // namespace vedette::native
