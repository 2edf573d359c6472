// Everything metrics say, as text or as Python objects; and what happens around fork().
#include <vector>

#include "http_metrics.h"
#include "metrics.h"
#include "sdk/metric_collection.h"
#include "sdk/metric_sharing.h"

namespace vedette::native {
namespace {

struct GaugeFunction {
  const sdk::Metric* metric;
  std::shared_ptr<sdk::Series> series;
  PyObject* function;
};

std::vector<GaugeFunction>& gauge_functions() {
  static auto* all = new std::vector<GaugeFunction>;
  return *all;
}

bool is_among(const sdk::Metric* metric, PyObject* const* collectors, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (PyObject_TypeCheck(collectors[i], collector_type) &&
        reinterpret_cast<CollectorObject*>(collectors[i])->collector.get() == metric) {
      return true;
    }
  }
  return false;
}

/// Asks the functions of these gauges. One that raises gives NaN.
void ask_gauges(PyObject* const* collectors, Py_ssize_t count) {
  auto& all = gauge_functions();
  for (size_t i = all.size(); i-- > 0;) {
    if (all[i].series.use_count() > 1) continue;  // else nobody can see it any more
    Ref gone(all[i].function);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::vector<std::pair<std::shared_ptr<sdk::Series>, Ref>> asked;
  for (const GaugeFunction& one : all) {
    if (!is_among(one.metric, collectors, count)) continue;
    asked.emplace_back(one.series, Ref::borrow(one.function));
  }
  const ErrorGuard guard;
  for (const auto& [series, function] : asked) {
    Ref answer(PyObject_CallNoArgs(function.get()));
    const double value = answer ? PyFloat_AsDouble(answer.get()) : -1;
    series->set(PyErr_Occurred() ? Py_NAN : value);
    PyErr_Clear();
  }
}

/// A Collector, or "process": the process itself.
bool add_collector(sdk::Scrape& scrape, PyObject* object) {
  if (PyUnicode_Check(object)) {
    scrape.add(sdk::process_metrics());
    return true;
  }
  if (!PyObject_TypeCheck(object, collector_type)) {
    PyErr_SetString(PyExc_TypeError, "not a native collector");
    return false;
  }
  const auto& collector = reinterpret_cast<CollectorObject*>(object)->collector;
  if (collector) scrape.add(collector->begin());
  return true;
}

bool add_group(sdk::Scrape& scrape, PyObject* collectors) {
  Ref all(PySequence_Fast(collectors, "collectors must be a sequence"));
  if (!all) return false;
  ask_gauges(PySequence_Fast_ITEMS(all.get()), PySequence_Fast_GET_SIZE(all.get()));
  scrape.begin_group();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(all.get()); ++i) {
    if (!add_collector(scrape, PySequence_Fast_GET_ITEM(all.get(), i))) return false;
  }
  return true;
}

/// render(groups, openmetrics, escaping, foreign) -> list of bytes: one a group, and one of the
/// metrics that only other processes have (0: none, 1: all, 2: all but what meters count)
PyObject* render(PyObject*, PyObject* args) {
  PyObject* given;
  int openmetrics, escaping, foreign;
  if (!PyArg_ParseTuple(args, "O!pii", &PyList_Type, &given, &openmetrics, &escaping, &foreign)) {
    return nullptr;
  }
  refresh_in_progress();
  sdk::Scrape scrape;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(given); ++i) {
    if (!add_group(scrape, PyList_GET_ITEM(given, i))) return nullptr;
  }
  std::vector<std::string> texts(scrape.groups() + 1);
  Py_BEGIN_ALLOW_THREADS;
  scrape.read_others();
  for (size_t i = 0; i < texts.size(); ++i) {
    sdk::TextWriter writer(texts[i], openmetrics ? sdk::Format::kOpenMetrics : sdk::Format::kText,
                           static_cast<sdk::Escaping>(escaping));
    if (i < scrape.groups()) {
      scrape.collect(i, writer);
    } else if (foreign) {
      scrape.collect_foreign(writer, foreign == 1);
    }
    writer.finish();
  }
  Py_END_ALLOW_THREADS;
  Ref list(PyList_New(0));
  for (const std::string& text : texts) {
    Ref bytes(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
    if (!list || !bytes || PyList_Append(list.get(), bytes.get()) < 0) return nullptr;
  }
  return list.release();
}

PyObject* text_of(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

/// Families as (name, help, type, unit, [(suffix, labels, value, exemplar or None), …]).
class ObjectSink : public sdk::SampleSink {
 public:
  explicit ObjectSink(PyObject* list) : list_(list) {}
  bool failed() const { return failed_; }

  void family(const sdk::Family& family) override {
    samples_ = PyList_New(0);
    Ref entry(samples_ ? Py_BuildValue("(NNNNN)", text_of(family.name), text_of(family.help),
                                       text_of(sdk::type_name(family.type)), text_of(family.unit),
                                       samples_)
                       : nullptr);
    if (!entry || PyList_Append(list_, entry.get()) < 0) failed_ = true;
  }

  void sample(const sdk::Sample& sample) override {
    if (failed_) return;
    Ref labels(PyDict_New());
    const auto& names = sample.labels->names().names();
    for (size_t i = 0; labels && i < sample.labels->values().size(); ++i) {
      put(labels.get(), names[i], sample.labels->values()[i]);
    }
    if (labels && !sample.extra_name.empty()) {
      put(labels.get(), sample.extra_name, sample.extra_value);
    }
    Ref exemplar(sample.exemplar ? exemplar_of(*sample.exemplar) : none());
    Ref entry(labels && exemplar ? Py_BuildValue("(NOdO)", text_of(sample.suffix), labels.get(),
                                                 sample.value, exemplar.get())
                                 : nullptr);
    if (!entry || PyList_Append(samples_, entry.get()) < 0) failed_ = true;
  }

 private:
  static void put(PyObject* dict, std::string_view name, std::string_view value) {
    Ref key(text_of(name)), text(text_of(value));
    if (key && text) PyDict_SetItem(dict, key.get(), text.get());
  }
  static PyObject* exemplar_of(const sdk::Exemplar& exemplar) {
    Ref labels(PyDict_New());
    if (!labels) return nullptr;
    for (const auto& [name, value] : exemplar.labels) put(labels.get(), name, value);
    return Py_BuildValue("(Odd)", labels.get(), exemplar.value, exemplar.time);
  }

  PyObject* const list_;
  PyObject* samples_ = nullptr;  // of the family; owned by list_
  bool failed_ = false;
};

/// collect(collectors) -> families
PyObject* collect(PyObject*, PyObject* collectors) {
  refresh_in_progress();
  sdk::Scrape scrape;
  if (!add_group(scrape, collectors)) return nullptr;
  Ref list(PyList_New(0));
  if (!list) return nullptr;
  ObjectSink sink(list.get());
  scrape.read_others();
  scrape.collect(0, sink);
  if (!sink.failed()) return list.release();
  if (!PyErr_Occurred()) PyErr_NoMemory();
  return nullptr;
}

PyObject* set_created(PyObject*, PyObject* shown) {
  sdk::show_created(PyObject_IsTrue(shown) > 0);
  return none();
}

/// number(value) -> str, as the exposition has it
PyObject* number(PyObject*, PyObject* value) {
  const double amount = PyFloat_AsDouble(value);
  if (amount == -1.0 && PyErr_Occurred()) return nullptr;
  std::string out;
  sdk::append_number(out, amount);
  return text_of(out);
}

PyObject* before_fork(PyObject*, PyObject*) {
  sdk::Sharing::before_fork();
  return none();
}
PyObject* after_fork_in_child(PyObject*, PyObject*) {
  sdk::Sharing::after_fork_in_child();
  return none();
}

PyMethodDef functions[] = {
    {"metrics_render", render, METH_VARARGS, "The metrics as text; rendered without the GIL."},
    {"metrics_collect", collect, METH_O, "The metrics as tuples."},
    {"metrics_show_created", set_created, METH_O, nullptr},
    {"metrics_number", number, METH_O, nullptr},
    {"metrics_before_fork", before_fork, METH_NOARGS, nullptr},
    {"metrics_after_fork_in_child", after_fork_in_child, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void set_gauge_function(std::shared_ptr<sdk::Metric> metric, std::shared_ptr<sdk::Series> series,
                        PyObject* function) {
  for (GaugeFunction& one : gauge_functions()) {
    if (one.series == series) {
      Py_SETREF(one.function, Py_NewRef(function));
      return;
    }
  }
  gauge_functions().push_back({metric.get(), std::move(series), Py_NewRef(function)});
}

void forget_gauge_functions(const sdk::Metric* metric) {
  auto& all = gauge_functions();
  for (size_t i = all.size(); i-- > 0;) {
    if (all[i].metric != metric) continue;
    PyObject* function = all[i].function;
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    Py_DECREF(function);
  }
}

bool add_scrape_functions(PyObject* module) {
  return PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace vedette::native
