#include <algorithm>
#include <cmath>

#include "exporter.h"
#include "meter.h"
#include "sdk/source_table.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {

PyTypeObject* stream_type;

namespace {

PyTypeObject* reader_type;

struct ReaderObject {
  PyObject_HEAD std::shared_ptr<sdk::MetricReader> reader;
  std::unique_ptr<sdk::MetricTicker> ticker;
  uint32_t number;
};

ReaderObject* as_reader(PyObject* self) {
  return reinterpret_cast<ReaderObject*>(self);
}
StreamObject* as_stream(PyObject* self) {
  return reinterpret_cast<StreamObject*>(self);
}

bool read_aggregation(std::string_view text, sdk::Aggregation* out) {
  constexpr std::pair<std::string_view, sdk::Aggregation> kNames[] = {
      {"drop", sdk::Aggregation::kDrop},
      {"sum", sdk::Aggregation::kSum},
      {"last_value", sdk::Aggregation::kLastValue},
      {"histogram", sdk::Aggregation::kHistogram},
      {"exponential", sdk::Aggregation::kExponential},
  };
  for (const auto& [name, aggregation] : kNames) {
    if (name == text) {
      *out = aggregation;
      return true;
    }
  }
  PyErr_SetString(PyExc_ValueError, "unknown aggregation");
  return false;
}

bool read_bounds(PyObject* bounds, std::vector<double>* out) {
  Ref items(PySequence_Fast(bounds, "bounds must be a sequence"));
  if (!items) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    out->push_back(PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items.get(), i)));
  }
  return !PyErr_Occurred();
}

std::set<std::string> read_keys(PyObject* keys) {
  std::set<std::string> out;
  each(keys, 10'000, [&](PyObject* key) {
    if (PyUnicode_Check(key)) out.emplace(Utf8(key).view());
    return true;
  });
  return out;
}

/// MetricStream(reader, name, description, unit, aggregation, …)
PyObject* stream_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"reader",         "name",      "description",   "unit",
                                "aggregation",    "monotonic", "asynchronous",  "delta",
                                "record_min_max", "bounds",    "max_size",      "max_scale",
                                "cardinality",    "keys",      "excluded_keys", "reservoir_builder",
                                nullptr};
  PyObject *reader, *name, *description, *unit;
  const char* aggregation;
  int monotonic = 0, asynchronous = 0, delta = 0, min_max = 1, max_size = 160, max_scale = 20;
  PyObject *bounds = nullptr, *keys = Py_None, *excluded = nullptr, *builder = Py_None;
  Py_ssize_t cardinality = sdk::kCardinalityMax;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!UUUs|ppppOiinOOO", const_cast<char**>(names),
                                   reader_type, &reader, &name, &description, &unit, &aggregation,
                                   &monotonic, &asynchronous, &delta, &min_max, &bounds, &max_size,
                                   &max_scale, &cardinality, &keys, &excluded, &builder)) {
    return nullptr;
  }
  sdk::StreamOptions options;
  if (!read_aggregation(aggregation, &options.aggregation)) return nullptr;
  if (bounds && !read_bounds(bounds, &options.bounds)) return nullptr;
  options.name = Utf8(name).view();
  options.description = Utf8(description).view();
  options.unit = Utf8(unit).view();
  options.monotonic = monotonic != 0;
  options.asynchronous = asynchronous != 0;
  options.delta = delta != 0;
  options.record_min_max = min_max != 0;
  options.max_size = static_cast<uint32_t>(std::clamp(max_size, 2, 16384));
  options.max_scale = std::clamp(max_scale, -10, 20);
  options.cardinality_max = static_cast<size_t>(std::max<Py_ssize_t>(cardinality, 1));
  options.exemplars = builder == Py_None;
  if (keys != Py_None) options.keys = read_keys(keys);
  if (excluded) options.excluded_keys = read_keys(excluded);
  auto* self = PyObject_New(StreamObject, stream_type);
  if (!self) return nullptr;
  new (&self->stream) std::shared_ptr(std::make_shared<sdk::MetricStream>(std::move(options)));
  new (&self->exposure) std::unique_ptr<Exposure>();
  self->reader = as_reader(reader)->number;
  self->reservoir_builder = Py_NewRef(builder);
  return reinterpret_cast<PyObject*>(self);
}

void stream_dealloc(PyObject* self) {
  std::destroy_at(&as_stream(self)->stream);
  std::destroy_at(&as_stream(self)->exposure);
  Py_DECREF(as_stream(self)->reservoir_builder);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyObject* reader_new(PyTypeObject*, PyObject*, PyObject*) {
  static uint32_t count = 0;
  auto* self = PyObject_New(ReaderObject, reader_type);
  if (!self) return nullptr;
  new (&self->reader) std::shared_ptr(std::make_shared<sdk::MetricReader>());
  new (&self->ticker) std::unique_ptr<sdk::MetricTicker>();
  self->number = ++count;
  return reinterpret_cast<PyObject*>(self);
}

/// Ends the thread without holding the interpreter's lock while it ends.
void stop_ticker(ReaderObject* self) {
  const std::unique_ptr<sdk::MetricTicker> ticker = std::move(self->ticker);
  if (!ticker) return;
  Py_BEGIN_ALLOW_THREADS;
  ticker->stop();
  Py_END_ALLOW_THREADS;
}

void reader_dealloc(PyObject* self) {
  stop_ticker(as_reader(self));
  std::destroy_at(&as_reader(self)->ticker);
  std::destroy_at(&as_reader(self)->reader);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

/// add(stream, resource attributes, resource schema url, scope name, version, schema url,
/// attributes)
PyObject* reader_add(PyObject* self, PyObject* args) {
  PyObject *stream, *resource, *url, *name, *version, *scope_url, *attributes;
  if (!PyArg_ParseTuple(args, "O!OOOOOO", stream_type, &stream, &resource, &url, &name, &version,
                        &scope_url, &attributes)) {
    return nullptr;
  }
  const auto text = [](PyObject* object) {
    return object == Py_None ? std::string() : safe_str(object);
  };
  const uint32_t source =
      sdk::SourceTable::instance().intern(encode_resource(resource), text(url),
                                          encode_scope(name, version, attributes), text(scope_url));
  as_reader(self)->reader->add(as_stream(stream)->stream, source);
  return none();
}

PyObject* number_object(const sdk::Number& number) {
  return number.whole ? PyLong_FromLongLong(number.integer) : PyFloat_FromDouble(number.real);
}

/// Messages of one repeated field, one after the other, as a dict.
PyObject* attributes_object(std::string_view fields) {
  Ref dict(PyDict_New());
  size_t at = 1;  // the tag of a field below 16 is one byte
  while (dict && at < fields.size()) {
    size_t length = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(fields[at++]);
      length |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    add_key_value(dict.get(), fields.substr(at, length));
    at += length + 1;
  }
  return dict.release();
}

PyObject* exemplar_object(const sdk::PointExemplar& exemplar) {
  Ref attributes(attributes_object(exemplar.attributes));
  Ref span_id =
      exemplar.trace_id.valid() ? Ref(PyLong_FromUnsignedLongLong(exemplar.span_id)) : Ref(none());
  Ref trace_id(none());
  if (exemplar.trace_id.valid()) {
    Ref high(PyLong_FromUnsignedLongLong(exemplar.trace_id.high));
    Ref low(PyLong_FromUnsignedLongLong(exemplar.trace_id.low));
    Ref bits(PyLong_FromLong(64));
    Ref shifted(PyNumber_Lshift(high.get(), bits.get()));
    trace_id = Ref(shifted ? PyNumber_Or(shifted.get(), low.get()) : nullptr);
  }
  if (!attributes || !span_id || !trace_id) return nullptr;
  return Py_BuildValue("(NNKNN)", attributes.release(), number_object(exemplar.value),
                       static_cast<unsigned long long>(exemplar.time), span_id.release(),
                       trace_id.release());
}

PyObject* counts_object(const std::vector<uint64_t>& counts) {
  Ref tuple(PyTuple_New(static_cast<Py_ssize_t>(counts.size())));
  for (size_t i = 0; tuple && i < counts.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i),
                     PyLong_FromUnsignedLongLong(counts[i]));
  }
  return tuple.release();
}

/// (attributes, start, time, value, count, min, max, buckets, scale, zero count, (offset, counts),
/// (offset, counts), exemplars, reservoir)
PyObject* point_object(const sdk::Point& point) {
  Ref exemplars(PyList_New(0));
  for (const sdk::PointExemplar& exemplar : point.exemplars) {
    Ref item(exemplar_object(exemplar));
    if (!item || PyList_Append(exemplars.get(), item.get()) < 0) return nullptr;
  }
  auto* reservoir = static_cast<PyObject*>(point.extension.get());
  return Py_BuildValue(
      "(NKKNKNNNiK(iN)(iN)NO)", attributes_object(point.attributes),
      static_cast<unsigned long long>(point.start), static_cast<unsigned long long>(point.time),
      number_object(point.value), static_cast<unsigned long long>(point.count),
      number_object(point.min), number_object(point.max), counts_object(point.buckets), point.scale,
      static_cast<unsigned long long>(point.zero_count), point.positive.offset,
      counts_object(point.positive.counts), point.negative.offset,
      counts_object(point.negative.counts), exemplars.release(), reservoir ? reservoir : Py_None);
}

/// collect(numbers of streams that are not wanted) -> [(number of the stream, [point, …]), …]
PyObject* reader_collect(PyObject* self, PyObject* unwanted) {
  std::set<const void*> skipped;
  each(unwanted, SIZE_MAX, [&](PyObject* number) {
    skipped.insert(PyLong_AsVoidPtr(number));
    return true;
  });
  if (PyErr_Occurred()) return nullptr;
  std::vector<std::pair<const sdk::MetricStream*, std::vector<sdk::Point>>> taken;
  const auto reader = as_reader(self)->reader;
  Py_BEGIN_ALLOW_THREADS;
  reader->collect([&](const sdk::MetricStream& stream, uint32_t, std::vector<sdk::Point>& points) {
    if (!skipped.contains(&stream)) taken.emplace_back(&stream, std::move(points));
  });
  Py_END_ALLOW_THREADS;
  Ref all(PyList_New(0));
  for (const auto& [stream, points] : taken) {
    Ref list(PyList_New(0));
    for (const sdk::Point& point : points) {
      Ref item(point_object(point));
      if (!list || !item || PyList_Append(list.get(), item.get()) < 0) return nullptr;
    }
    Ref pair(Py_BuildValue("(NO)", PyLong_FromVoidPtr(const_cast<sdk::MetricStream*>(stream)),
                           list.get()));
    if (!all || !pair || PyList_Append(all.get(), pair.get()) < 0) return nullptr;
  }
  return all.release();
}

bool read_sink(PyObject* lane, Py_ssize_t points_max, sdk::MetricSink* out) {
  if (Py_TYPE(lane) != lane_type) {
    PyErr_SetString(PyExc_TypeError, "a Lane is wanted");
    return false;
  }
  const auto* object = reinterpret_cast<LaneObject*>(lane);
  *out = {object->thread, object->lane, static_cast<size_t>(std::max<Py_ssize_t>(points_max, 0))};
  return true;
}

/// send(lane, points_max) -> everything fitted the queue
PyObject* reader_send(PyObject* self, PyObject* args) {
  PyObject* lane;
  Py_ssize_t points_max;
  sdk::MetricSink sink;
  if (!PyArg_ParseTuple(args, "On", &lane, &points_max) || !read_sink(lane, points_max, &sink)) {
    return nullptr;
  }
  const auto reader = as_reader(self)->reader;
  bool fits;
  Py_BEGIN_ALLOW_THREADS;
  fits = reader->collect_into(sink);
  Py_END_ALLOW_THREADS;
  return PyBool_FromLong(fits);
}

/// start(lane, points_max, interval_ms)
PyObject* reader_start(PyObject* self, PyObject* args) {
  PyObject* lane;
  Py_ssize_t points_max;
  double interval;
  sdk::MetricSink sink;
  if (!PyArg_ParseTuple(args, "Ond", &lane, &points_max, &interval) ||
      !read_sink(lane, points_max, &sink)) {
    return nullptr;
  }
  stop_ticker(as_reader(self));
  const auto milliseconds = static_cast<int64_t>(std::clamp(interval, 1.0, 1e12));
  as_reader(self)->ticker = std::make_unique<sdk::MetricTicker>(
      as_reader(self)->reader, sink, std::chrono::milliseconds(milliseconds));
  return none();
}

PyObject* reader_publish(PyObject* self, PyObject*) {
  as_reader(self)->reader->publish();
  return none();
}

PyObject* reader_clear(PyObject* self, PyObject*) {
  as_reader(self)->reader->clear();
  return none();
}

PyObject* reader_stop(PyObject* self, PyObject*) {
  stop_ticker(as_reader(self));
  return none();
}

PyObject* reader_abandon(PyObject* self, PyObject*) {
  if (as_reader(self)->ticker) as_reader(self)->ticker->abandon();
  as_reader(self)->ticker.reset();
  return none();
}

PyObject* stream_key(PyObject* self, void*) {
  return PyLong_FromVoidPtr(as_stream(self)->stream.get());
}

PyObject* reader_number(PyObject* self, void*) {
  return PyLong_FromUnsignedLong(as_reader(self)->number);
}

PyMethodDef stream_methods[] = {
    {"expose", stream_expose, METH_VARARGS,
     "expose(families, kind, name, help, unit, everyone, fixed, escaped): what it records is "
     "counted "
     "there."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef stream_properties[] = {
    {"key", stream_key, nullptr, "What MetricReader.collect() names it by.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot stream_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(stream_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(stream_dealloc)},
    {Py_tp_methods, stream_methods},
    {Py_tp_getset, stream_properties},
    {0, nullptr},
};
PyType_Spec stream_spec = {"vedette._native.MetricStream", sizeof(StreamObject), 0,
                           Py_TPFLAGS_DEFAULT, stream_slots};

PyMethodDef reader_methods[] = {
    {"add", reader_add, METH_VARARGS, "Collects this stream, too."},
    {"collect", reader_collect, METH_O, "What there is to report, as Python values."},
    {"send", reader_send, METH_VARARGS, "Collects into a lane; False: it is full."},
    {"start", reader_start, METH_VARARGS, "Sends periodically, on a native thread."},
    {"publish", reader_publish, METH_NOARGS, "Shows what callbacks have said."},
    {"clear", reader_clear, METH_NOARGS, "Forgets all streams."},
    {"stop", reader_stop, METH_NOARGS, "Ends the native thread."},
    {"abandon", reader_abandon, METH_NOARGS, "In a forked child: the thread is the parent's."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef reader_properties[] = {
    {"number", reader_number, nullptr, "What Instrument._observe() names it by.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot reader_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(reader_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(reader_dealloc)},
    {Py_tp_methods, reader_methods},
    {Py_tp_getset, reader_properties},
    {0, nullptr},
};
PyType_Spec reader_spec = {"vedette._native.MetricReader", sizeof(ReaderObject), 0,
                           Py_TPFLAGS_DEFAULT, reader_slots};

}  // namespace

bool add_metric_reader_types(PyObject* module) {
  reader_type = add_type(module, &reader_spec);
  stream_type = reader_type ? add_type(module, &stream_spec) : nullptr;
  return stream_type != nullptr;
}

}  // namespace vedette::native
