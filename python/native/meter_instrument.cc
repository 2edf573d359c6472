#include <algorithm>
#include <cmath>

#include "meter.h"
#include "otel_api.h"
#include "sdk/otlp_fields.h"
#include "span.h"
#include "values.h"

namespace vedette::native {
namespace {

PyTypeObject* instrument_type;

struct InstrumentObject {
  PyObject_HEAD Instrument* core;
};

Instrument& core_of(PyObject* self) {
  return *reinterpret_cast<InstrumentObject*>(self)->core;
}

/// Says through Python's logging, never raising, what is wrong with a measurement.
void warn(const Instrument& instrument, const char* format, PyObject* value) {
  const ErrorGuard guard;
  static PyObject* logger = [] {
    Ref logging(PyImport_ImportModule("logging"));
    return logging ? PyObject_CallMethod(logging.get(), "getLogger", "s", "vedette.sdk.metrics")
                   : nullptr;
  }();
  if (logger) {
    Ref said(PyObject_CallMethod(logger, "warning", "sOO", format, value ? value : Py_None,
                                 instrument.name ? instrument.name : Py_None));
  }
  PyErr_Clear();
}

/// The usable items of any mapping, sorted by key. What raises on the way ends it.
std::vector<Pair> items_of(PyObject* mapping) {
  std::vector<Pair> pairs;
  if (!mapping || mapping == Py_None) return pairs;
  Ref items(PyDict_CheckExact(mapping) ? PyDict_Items(mapping) : PyMapping_Items(mapping));
  for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PyList_GET_ITEM(items.get(), i);
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) continue;
    PyObject* key = PyTuple_GET_ITEM(pair, 0);
    if (!PyUnicode_Check(key) || PyUnicode_GET_LENGTH(key) == 0) {
      warn_once("an attribute key is not a non-empty string; the attribute is dropped");
      continue;
    }
    pairs.push_back({std::string(Utf8(key).view()), Ref::borrow(PyTuple_GET_ITEM(pair, 1))});
  }
  PyErr_Clear();
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.key < b.key; });
  return pairs;
}

void add_reservoir(const StreamObject& stream, sdk::MetricCell& cell) {
  Ref reservoir(PyObject_CallNoArgs(stream.reservoir_builder));
  if (!reservoir) return PyErr_Clear();
  cell.extension = std::shared_ptr<void>(reservoir.release(), [](void* object) {
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(static_cast<PyObject*>(object));
    PyGILState_Release(state);
  });
}

void expose_made(const StreamObject& stream, const sdk::MetricStream::Resolved& found,
                 const std::vector<Pair>& pairs) {
  std::vector<Pair> kept;
  if (found.overflow) {
    kept.push_back({"otel.metric.overflow", Ref::borrow(Py_True)});
  } else {
    for (const auto& [key, value] : pairs) {
      if (stream.stream->keeps(key)) kept.push_back({key, Ref::borrow(value.get())});
    }
  }
  expose_cell(stream, *found.cell, kept);
}

Target make_target(const StreamObject& stream, const std::vector<Pair>& pairs) {
  Target target;
  sdk::ProtoBuffer kept, dropped;
  const uint32_t field = sdk::attributes_field(stream.stream->options().aggregation);
  for (const auto& [key, value] : pairs) {
    const bool keep = stream.stream->keeps(key);
    write_attribute(keep ? kept : dropped, keep ? field : sdk::otlp::Exemplar::kAttributes, key,
                    value.get(), sdk::kUnlimited);
  }
  target.found = stream.stream->resolve(std::string(kept.view()));
  target.dropped = dropped.view();
  if (target.found.made && stream.exposure) expose_made(stream, target.found, pairs);
  if (target.found.made && stream.reservoir_builder != Py_None) {
    add_reservoir(stream, *target.found.cell);
  }
  return target;
}

std::unique_ptr<Series> make_series(const Instrument& instrument, PyObject* attributes) {
  auto series = std::make_unique<Series>();
  const std::vector<Pair> pairs = items_of(attributes);
  for (size_t i = 0; i < instrument.streams.size(); ++i) {
    series->targets.push_back(make_target(*instrument.streams[i], pairs));
  }
  return series;
}

/// The series of these attributes; `*once` owns one that cannot be kept.
Series* series_of(Instrument& instrument, PyObject* attributes, std::unique_ptr<Series>* once) {
  if (!attributes || attributes == Py_None ||
      (PyDict_CheckExact(attributes) && PyDict_GET_SIZE(attributes) == 0)) {
    if (!instrument.empty) instrument.empty = make_series(instrument, nullptr);
    return instrument.empty.get();
  }
  if (!simple_attributes(attributes)) {
    if (!PyMapping_Check(attributes) || PyUnicode_Check(attributes)) {
      warn(instrument, "attributes %r of %s are no mapping; they are left out", attributes);
      attributes = nullptr;
    }
    *once = make_series(instrument, attributes);
    return once->get();
  }
  size_t hash;
  if (Series* known = instrument.series.find(attributes, &hash)) return known;
  if (instrument.series.size() >= instrument.series_max) instrument.series.clear();
  auto series = make_series(instrument, attributes);
  series->hash = hash;
  PyObject *key, *value;
  Py_ssize_t at = 0;
  while (PyDict_Next(attributes, &at, &key, &value)) {
    series->items.push_back(Ref::borrow(key));
    series->items.push_back(Ref::borrow(value));
  }
  return instrument.series.insert(std::move(series));
}

struct Measurement {
  PyObject* value;
  PyObject* attributes;
  PyObject* context;
  sdk::Number number;
};

/// Where a measurement was made, when it may become an exemplar.
bool measured_in(const Instrument& instrument, const Measurement& m, sdk::Measured* out) {
  if (instrument.exemplars == ExemplarMode::kOff) return false;
  Ref current = m.context && m.context != Py_None ? Ref::borrow(m.context) : Ref(current_context());
  if (!current) {
    PyErr_Clear();
    return instrument.exemplars == ExemplarMode::kOn;
  }
  if (instrument.exemplars == ExemplarMode::kPython) {
    Ref yes(PyObject_CallMethod(instrument.exemplar_filter, "should_sample", "OKOO", m.value,
                                static_cast<unsigned long long>(sdk::unix_now()),
                                m.attributes ? m.attributes : Py_None, current.get()));
    const int taken = yes ? PyObject_IsTrue(yes.get()) : 0;
    if (taken <= 0) {
      PyErr_Clear();
      return false;
    }
  }
  Ref kept;
  const Parent span = parent_of(current.get(), &kept);
  if (instrument.exemplars == ExemplarMode::kTraceBased &&
      !(span.valid() && span.trace_flags & 1)) {
    return false;
  }
  if (span.valid()) {
    out->trace_id = span.trace_id;
    out->span_id = span.span_id;
  }
  return true;
}

/// A number that a cell refused because it is not active: its stream says where it goes now.
void record_anew(const StreamObject& stream, Target& target, sdk::Number number,
                 const sdk::Measured* measured) {
  for (int tries = 0; tries < 3; ++tries) {
    target.found = stream.stream->resolve(target.found.cell->attributes());
    if (target.found.made && stream.reservoir_builder != Py_None) {
      add_reservoir(stream, *target.found.cell);
    }
    if (target.found.cell->record(number, measured)) return;
  }
}

/// In a cycle gone by this was counted in the overflow; in this one there may be room.
bool outdated(const Target& target, const StreamObject& stream) {
  return target.found.overflow && target.found.cycle != stream.stream->cycle();
}

void offer_all(const std::vector<std::shared_ptr<void>>& reservoirs, const Measurement& m) {
  Ref current = m.context && m.context != Py_None ? Ref::borrow(m.context) : Ref(current_context());
  for (const auto& reservoir : reservoirs) {
    Ref done(PyObject_CallMethod(static_cast<PyObject*>(reservoir.get()), "offer", "OKOO", m.value,
                                 static_cast<unsigned long long>(sdk::unix_now()),
                                 m.attributes ? m.attributes : Py_None,
                                 current ? current.get() : Py_None));
    if (!done) PyErr_Clear();
  }
}

/// `reader` 0: into the streams of all readers.
void record(Instrument& instrument, const Measurement& m, uint32_t reader) {
  // Whatever may run Python code comes before the series is looked up, or after it was used.
  sdk::Measured measured;
  const bool sampled = measured_in(instrument, m, &measured);
  std::unique_ptr<Series> once;
  Series* series = series_of(instrument, m.attributes, &once);
  std::vector<std::shared_ptr<void>> reservoirs;
  for (size_t i = 0; i < series->targets.size(); ++i) {
    const StreamObject& stream = *instrument.streams[i];
    if (reader && stream.reader != reader) continue;
    Target& target = series->targets[i];
    if (outdated(target, stream)) target = make_target(stream, items_of(m.attributes));
    measured.attributes = &target.dropped;
    if (!target.found.cell->record(m.number, sampled ? &measured : nullptr)) {
      record_anew(stream, target, m.number, sampled ? &measured : nullptr);
    }
    if (sampled && target.found.cell->extension) {
      reservoirs.push_back(target.found.cell->extension);
    }
  }
  if (!reservoirs.empty()) offer_all(reservoirs, m);
}

bool read_arguments(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, PyObject** out) {
  static const char* const names[] = {"amount", "attributes", "context"};
  static constexpr Signature signature = {"measurement", names, 3, 1, 3};
  if (!kwnames && nargs >= 1 && nargs <= 3) {
    for (Py_ssize_t i = 0; i < nargs; ++i) out[i] = args[i];
    return true;
  }
  return bind(signature, args, nargs, kwnames, out);
}

/// add(), record() and set() alike.
PyObject* instrument_record(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                            PyObject* kwnames) {
  Instrument& instrument = core_of(self);
  PyObject* given[3] = {};
  if (!read_arguments(args, nargs, kwnames, given)) return nullptr;
  if (!instrument.enabled || instrument.streams.empty()) return none();
  Measurement m{given[0], given[1], given[2], {}};
  if (!read_number(m.value, &m.number)) {
    warn(instrument, "%r is not a finite number; the measurement of %s is ignored", m.value);
    return none();
  }
  if (instrument.non_negative && m.number.as_double() < 0) {
    warn(instrument, "%r is negative; the measurement of %s is ignored", m.value);
    return none();
  }
  record(instrument, m, 0);
  return none();
}

/// _observe(reader, value, attributes, context)
PyObject* instrument_observe(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  Instrument& instrument = core_of(self);
  if (nargs != 4) {
    PyErr_SetString(PyExc_TypeError, "_observe(reader, value, attributes, context)");
    return nullptr;
  }
  const auto reader = static_cast<uint32_t>(PyLong_AsUnsignedLong(args[0]));
  if (PyErr_Occurred()) return nullptr;
  Measurement m{args[1], args[2], args[3], {}};
  if (!read_number(m.value, &m.number)) {
    warn(instrument, "%r is not a finite number; the observation of %s is ignored", m.value);
    return none();
  }
  if (instrument.enabled) record(instrument, m, reader);
  return none();
}

void forget_series(Instrument& instrument) {
  instrument.series.clear();
  instrument.empty.reset();
  instrument.series_max = 256;
  for (const StreamObject* stream : instrument.streams) {
    instrument.series_max += 2 * stream->stream->options().cardinality_max;
  }
}

/// _configure(name, non_negative, exemplars, filter)
PyObject* instrument_configure(PyObject* self, PyObject* args) {
  PyObject *name, *filter;
  const char* mode;
  int non_negative;
  if (!PyArg_ParseTuple(args, "OpsO", &name, &non_negative, &mode, &filter)) return nullptr;
  Instrument& instrument = core_of(self);
  const std::string_view text(mode);
  instrument.exemplars = text == "always_off"  ? ExemplarMode::kOff
                         : text == "always_on" ? ExemplarMode::kOn
                         : text == "python"    ? ExemplarMode::kPython
                                               : ExemplarMode::kTraceBased;
  instrument.non_negative = non_negative != 0;
  Py_XSETREF(instrument.name, Py_NewRef(name));
  Py_XSETREF(instrument.exemplar_filter, Py_NewRef(filter));
  return none();
}

PyObject* instrument_enable(PyObject* self, PyObject* enabled) {
  core_of(self).enabled = PyObject_IsTrue(enabled) == 1;
  return none();
}

PyObject* instrument_add_stream(PyObject* self, PyObject* stream) {
  if (Py_TYPE(stream) != stream_type) {
    PyErr_SetString(PyExc_TypeError, "a MetricStream is wanted");
    return nullptr;
  }
  Instrument& instrument = core_of(self);
  instrument.streams.push_back(reinterpret_cast<StreamObject*>(Py_NewRef(stream)));
  forget_series(instrument);
  return none();
}

/// _remove_streams(reader): those of one reader.
PyObject* instrument_remove_streams(PyObject* self, PyObject* number) {
  Instrument& instrument = core_of(self);
  const auto reader = static_cast<uint32_t>(PyLong_AsUnsignedLong(number));
  if (PyErr_Occurred()) return nullptr;
  std::vector<Ref> gone;
  std::erase_if(instrument.streams, [&](StreamObject* stream) {
    if (stream->reader != reader) return false;
    gone.emplace_back(reinterpret_cast<PyObject*>(stream));
    return true;
  });
  forget_series(instrument);
  return none();
}

PyObject* instrument_new(PyTypeObject* type, PyObject*, PyObject*) {
  auto* self = reinterpret_cast<InstrumentObject*>(type->tp_alloc(type, 0));
  if (self) self->core = new Instrument;
  return reinterpret_cast<PyObject*>(self);
}

int instrument_init(PyObject*, PyObject*, PyObject*) {
  return 0;
}

void instrument_dealloc(PyObject* self) {
  Instrument* core = reinterpret_cast<InstrumentObject*>(self)->core;
  core->series.clear();
  core->empty.reset();
  for (StreamObject* stream : core->streams) Py_DECREF(stream);
  Py_CLEAR(core->name);
  Py_CLEAR(core->exemplar_filter);
  delete core;
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

template <typename Function>
PyCFunction method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

constexpr int kFast = METH_FASTCALL | METH_KEYWORDS;
PyMethodDef instrument_methods[] = {
    {"_observe", method(instrument_observe), METH_FASTCALL, "What a callback said."},
    {"_configure", instrument_configure, METH_VARARGS,
     "_configure(name, non_negative, exemplars, filter)"},
    {"_enable", instrument_enable, METH_O, "False: nothing is recorded."},
    {"_add_stream", instrument_add_stream, METH_O, "Records into this stream, too."},
    {"_remove_streams", instrument_remove_streams, METH_O, "No longer into those of this reader."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot instrument_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(instrument_new)},
    {Py_tp_init, reinterpret_cast<void*>(instrument_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(instrument_dealloc)},
    {Py_tp_methods, instrument_methods},
    {0, nullptr},
};
PyType_Spec instrument_spec = {"vedette._native.Instrument", sizeof(InstrumentObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, instrument_slots};

PyMethodDef adder_methods[] = {
    {"add", method(instrument_record), kFast,
     "add($self, amount, attributes=None, context=None)\n--\n\nAdds to the sum of these "
     "attributes."},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef recorder_methods[] = {
    {"record", method(instrument_record), kFast,
     "record($self, amount, attributes=None, context=None)\n--\n\nRecords one value of a "
     "distribution."},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef setter_methods[] = {
    {"set", method(instrument_record), kFast,
     "set($self, amount, attributes=None, context=None)\n--\n\nSets the current value."},
    {nullptr, nullptr, 0, nullptr},
};

PyTypeObject* add_recording_type(PyObject* module, const char* name, PyMethodDef* methods) {
  PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};
  PyType_Spec spec = {name, sizeof(InstrumentObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                      slots};
  return add_type(module, &spec, reinterpret_cast<PyObject*>(instrument_type));
}

}  // namespace

bool read_number(PyObject* value, sdk::Number* out) {
  if (PyFloat_Check(value)) {
    *out = sdk::Number::of(PyFloat_AS_DOUBLE(value));
    return std::isfinite(out->real);
  }
  Ref whole;
  if (!PyLong_Check(value) && PyIndex_Check(value)) {
    whole = Ref(PyNumber_Index(value));
    if (whole) value = whole.get();
    PyErr_Clear();
  }
  if (PyLong_Check(value)) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (!overflow) {
      *out = sdk::Number::of(static_cast<int64_t>(number));
      return true;
    }
  } else if (PyUnicode_Check(value) || PyBytes_Check(value)) {
    return false;
  }
  const double real = PyFloat_AsDouble(value);
  if (real == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return false;
  }
  *out = sdk::Number::of(real);
  return std::isfinite(real);
}

bool add_instrument_types(PyObject* module) {
  instrument_type = add_type(module, &instrument_spec);
  return instrument_type && add_recording_type(module, "vedette._native.Adder", adder_methods) &&
         add_recording_type(module, "vedette._native.Recorder", recorder_methods) &&
         add_recording_type(module, "vedette._native.Setter", setter_methods);
}

}  // namespace vedette::native
