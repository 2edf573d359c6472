// MetricsData, ours or of whoever has its attributes, as OTLP bytes: for readers and exporters that
// meet in Python.
#include <cmath>

#include "exporter.h"
#include "meter.h"
#include "sdk/metric_encoder.h"
#include "sdk/otlp_fields.h"
#include "sdk/source_table.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {
namespace {

using sdk::Aggregation;

std::string text_field(PyObject* object, const char* name) {
  const Ref value = field(object, name);
  return value && value.get() != Py_None ? safe_str(value.get()) : std::string();
}

uint64_t unsigned_of(PyObject* value) {
  const uint64_t number = value && PyLong_Check(value) ? PyLong_AsUnsignedLongLong(value) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return number;
}

uint64_t unsigned_field(PyObject* object, const char* name) {
  return unsigned_of(field(object, name).get());
}

int32_t int_field(PyObject* object, const char* name) {
  const Ref value = field(object, name);
  const long number = value ? PyLong_AsLong(value.get()) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return static_cast<int32_t>(number);
}

sdk::Number number_field(PyObject* object, const char* name) {
  sdk::Number number;
  const Ref value = field(object, name);
  if (value && !read_number(value.get(), &number) && PyFloat_Check(value.get())) {
    number = sdk::Number::of(PyFloat_AS_DOUBLE(value.get()));
  }
  return number;
}

std::string attributes_of(PyObject* owner, const char* name, uint32_t number) {
  const Ref mapping = field(owner, name);
  sdk::ProtoBuffer out;
  write_attributes(out, number, mapping.get(), sdk::kUnlimited, sdk::kUnlimited);
  return std::string(out.view());
}

std::vector<uint64_t> counts_of(PyObject* counts) {
  std::vector<uint64_t> out;
  each(counts, 100'000, [&](PyObject* item) {
    out.push_back(unsigned_of(item));
    return true;
  });
  return out;
}

sdk::ExponentialBuckets buckets_of(const Ref& buckets) {
  sdk::ExponentialBuckets out;
  if (!buckets) return out;
  out.offset = int_field(buckets.get(), "offset");
  const Ref counts = field(buckets.get(), "bucket_counts");
  if (counts) out.counts = counts_of(counts.get());
  return out;
}

sdk::PointExemplar exemplar_of(PyObject* object) {
  sdk::PointExemplar out;
  out.attributes = attributes_of(object, "filtered_attributes", sdk::otlp::Exemplar::kAttributes);
  out.time = unsigned_field(object, "time_unix_nano");
  out.value = number_field(object, "value");
  out.span_id = unsigned_field(object, "span_id");
  const Ref trace_id = field(object, "trace_id");
  if (trace_id && PyLong_Check(trace_id.get())) {
    Ref bits(PyLong_FromLong(64));
    Ref high(PyNumber_Rshift(trace_id.get(), bits.get()));
    out.trace_id = {unsigned_of(high.get()), PyLong_AsUnsignedLongLongMask(trace_id.get())};
    if (PyErr_Occurred()) PyErr_Clear();
  }
  return out;
}

sdk::Point point_of(PyObject* object, Aggregation aggregation) {
  sdk::Point out;
  out.attributes = attributes_of(object, "attributes", sdk::attributes_field(aggregation));
  out.start = unsigned_field(object, "start_time_unix_nano");
  out.time = unsigned_field(object, "time_unix_nano");
  const bool histogram =
      aggregation == Aggregation::kHistogram || aggregation == Aggregation::kExponential;
  out.value = number_field(object, histogram ? "sum" : "value");
  if (const Ref exemplars = field(object, "exemplars")) {
    each(exemplars.get(), 10'000, [&](PyObject* item) {
      out.exemplars.push_back(exemplar_of(item));
      return true;
    });
  }
  if (!histogram) return out;
  out.count = unsigned_field(object, "count");
  out.min = number_field(object, "min");
  out.max = number_field(object, "max");
  if (aggregation == Aggregation::kHistogram) {
    if (const Ref counts = field(object, "bucket_counts")) out.buckets = counts_of(counts.get());
    return out;
  }
  out.scale = int_field(object, "scale");
  out.zero_count = unsigned_field(object, "zero_count");
  out.positive = buckets_of(field(object, "positive"));
  out.negative = buckets_of(field(object, "negative"));
  return out;
}

/// By what a point has: a class of the same name may be anybody's.
Aggregation aggregation_of(PyObject* data, PyObject* point) {
  if (field(point, "explicit_bounds")) return Aggregation::kHistogram;
  if (field(point, "scale")) return Aggregation::kExponential;
  return field(data, "is_monotonic") ? Aggregation::kSum : Aggregation::kLastValue;
}

/// Where metrics come from, encoded.
struct Origin {
  std::string resource;
  std::string resource_schema_url;
  std::string scope;
  std::string scope_schema_url;
};

template <typename Visit>
void walk(const Ref& list, Visit visit) {
  if (!list) return;
  each(list.get(), SIZE_MAX, [&](PyObject* item) {
    visit(item);
    return true;
  });
}

std::vector<double> bounds_of(PyObject* point) {
  std::vector<double> bounds;
  walk(field(point, "explicit_bounds"),
       [&](PyObject* bound) { bounds.push_back(PyFloat_AsDouble(bound)); });
  return bounds;
}

/// Calls emit(encoded, points) for each Metric message, of at most `points_max` points (0: any
/// number).
template <typename Emit>
void encode_one(PyObject* metric, size_t points_max, Emit emit) {
  const Ref data = field(metric, "data");
  const std::string name = text_field(metric, "name");
  const std::string description = text_field(metric, "description");
  const std::string unit = text_field(metric, "unit");
  sdk::MetricHead head{name, description, unit};
  if (const Ref monotonic = field(data.get(), "is_monotonic")) {
    head.monotonic = PyObject_IsTrue(monotonic.get()) == 1;
  }
  head.temporality = int_field(data.get(), "aggregation_temporality");
  std::vector<sdk::Point> points;
  std::vector<double> bounds;
  sdk::ProtoBuffer encoded;
  const auto flush = [&] {
    if (points.empty()) return;
    encoded.clear();
    encode_metric(encoded, head, points);
    emit(encoded, points.size());
    points.clear();
  };
  walk(field(data.get(), "data_points"), [&](PyObject* item) {
    if (points.empty()) {
      head.aggregation = aggregation_of(data.get(), item);
      bounds = bounds_of(item);
      head.bounds = bounds;
    }
    points.push_back(point_of(item, head.aggregation));
    const sdk::Point& last = points.back();
    head.min_max = std::isfinite(last.min.as_double()) && std::isfinite(last.max.as_double());
    if (points.size() == points_max) flush();
  });
  flush();
}

/// Calls emit(origin, metric) for each metric.
template <typename Emit>
void each_metric(PyObject* metrics_data, Emit emit) {
  const auto or_none = [](const Ref& ref) { return ref ? ref.get() : Py_None; };
  walk(field(metrics_data, "resource_metrics"), [&](PyObject* group) {
    const Ref resource = field(group, "resource");
    const Ref attributes = field(resource.get(), "attributes");
    Origin origin{
        encode_resource(or_none(attributes)), text_field(resource.get(), "schema_url"), {}, {}};
    walk(field(group, "scope_metrics"), [&](PyObject* scoped) {
      const Ref scope = field(scoped, "scope");
      const Ref name = field(scope.get(), "name"), version = field(scope.get(), "version");
      const Ref more = field(scope.get(), "attributes");
      origin.scope = encode_scope(or_none(name), or_none(version), or_none(more));
      origin.scope_schema_url = text_field(scope.get(), "schema_url");
      walk(field(scoped, "metrics"), [&](PyObject* metric) { emit(origin, metric); });
    });
  });
  PyErr_Clear();
}

/// queue_metrics(lane, metrics_data, points_max) -> everything fitted the queue
PyObject* queue_metrics(PyObject*, PyObject* args) {
  PyObject *lane, *metrics_data;
  Py_ssize_t points_max;
  if (!PyArg_ParseTuple(args, "O!On", lane_type, &lane, &metrics_data, &points_max)) return nullptr;
  const auto* from = reinterpret_cast<LaneObject*>(lane);
  const sdk::MetricSink sink{from->thread, from->lane,
                             static_cast<size_t>(std::max<Py_ssize_t>(points_max, 0))};
  bool fits = true;
  each_metric(metrics_data, [&](const Origin& origin, PyObject* metric) {
    const uint32_t source = sdk::SourceTable::instance().intern(
        origin.resource, origin.resource_schema_url, origin.scope, origin.scope_schema_url);
    encode_one(metric, sink.points_max, [&](sdk::ProtoBuffer& encoded, size_t points) {
      fits = queue_metric(sink, source, encoded, points) && fits;
    });
  });
  return PyBool_FromLong(fits);
}

/// encode_metrics(metrics_data) -> bytes, an ExportMetricsServiceRequest
PyObject* encode_metrics(PyObject*, PyObject* metrics_data) {
  namespace otlp = sdk::otlp;
  sdk::ProtoBuffer out;
  each_metric(metrics_data, [&](const Origin& origin, PyObject* metric) {
    encode_one(metric, 0, [&](sdk::ProtoBuffer& encoded, size_t) {
      const size_t group = out.begin_message(otlp::Request::kResourceGroups);
      out.bytes_field(otlp::ResourceGroup::kResource, origin.resource);
      const size_t scope = out.begin_message(otlp::ResourceGroup::kScopes);
      out.bytes_field(otlp::ScopeGroup::kScope, origin.scope);
      out.bytes_field(otlp::ScopeGroup::kItems, encoded.view());
      if (!origin.scope_schema_url.empty()) {
        out.bytes_field(otlp::ScopeGroup::kSchemaUrl, origin.scope_schema_url);
      }
      out.end_message(scope);
      if (!origin.resource_schema_url.empty()) {
        out.bytes_field(otlp::ResourceGroup::kSchemaUrl, origin.resource_schema_url);
      }
      out.end_message(group);
    });
  });
  return PyBytes_FromStringAndSize(out.data(), static_cast<Py_ssize_t>(out.size()));
}

PyMethodDef module_functions[] = {
    {"queue_metrics", queue_metrics, METH_VARARGS,
     "queue_metrics(lane, metrics_data, points_max) -> everything fitted the queue"},
    {"encode_metrics", encode_metrics, METH_O, "MetricsData as an ExportMetricsServiceRequest."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_metric_data_functions(PyObject* module) {
  return PyModule_AddFunctions(module, module_functions) == 0;
}

}  // namespace vedette::native
