#include "http_metrics.h"

#include "asgi.h"

namespace vedette::native {

PyTypeObject* http_metrics_type;

namespace {

HttpMetricsObject* as_metrics(PyObject* self) {
  return reinterpret_cast<HttpMetricsObject*>(self);
}

std::vector<HttpMetricsObject*>& all_metrics() {
  static auto* all = new std::vector<HttpMetricsObject*>;
  return *all;
}

std::shared_ptr<sdk::Metric> make(sdk::MetricType type, const char* name, const char* help,
                                  std::vector<std::string> labels, PyObject* registry) {
  sdk::MetricOptions options;
  options.type = type;
  options.name = name;
  options.help = help;
  options.labels = std::move(labels);
  options.created = false;
  if (type == sdk::MetricType::kHistogram) {
    options.bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0};
  }
  auto metric = sdk::Metric::create(std::move(options));
  // An application that has a metric of this name counts for itself: then we do not.
  if (!metric.ok() || !register_metric(registry, *metric)) return nullptr;
  return *metric;
}

/// HttpMetrics(registry)
PyObject* metrics_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* registry;
  if (!PyArg_ParseTuple(args, "O", &registry)) return nullptr;
  auto* self = reinterpret_cast<HttpMetricsObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  using sdk::MetricType;
  new (&self->requests)
      std::shared_ptr<sdk::Metric>(make(MetricType::kCounter, "http_requests", "Total requests",
                                        {"method", "path", "status"}, registry));
  new (&self->duration)
      std::shared_ptr<sdk::Metric>(make(MetricType::kHistogram, "http_request_duration_seconds",
                                        "Request duration", {"method", "path"}, registry));
  new (&self->in_progress) std::shared_ptr<sdk::Metric>(
      make(MetricType::kGauge, "http_requests_in_progress", "Requests currently being processed",
           {"method", "path"}, registry));
  self->routes = new std::unordered_map<std::string, HttpMetricsObject::Route>;
  self->live = nullptr;
  all_metrics().push_back(self);
  return reinterpret_cast<PyObject*>(self);
}

void metrics_dealloc(PyObject* object) {
  HttpMetricsObject* self = as_metrics(object);
  std::erase(all_metrics(), self);
  delete self->routes;
  std::destroy_at(&self->requests);
  std::destroy_at(&self->duration);
  std::destroy_at(&self->in_progress);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyType_Slot metrics_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(metrics_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(metrics_dealloc)},
    {0, nullptr},
};
PyType_Spec metrics_spec = {"vedette._native.HttpMetrics", sizeof(HttpMetricsObject), 0,
                            Py_TPFLAGS_DEFAULT, metrics_slots};

}  // namespace

void count_request(HttpMetricsObject* self, std::string_view method, std::string_view path,
                   int status, double seconds) {
  // Unbounded paths cannot come here (they are route templates), but mind the map all the same.
  if (self->routes->size() > 4 * sdk::kSeriesMax) self->routes->clear();
  std::string key;
  key.reserve(method.size() + path.size() + 1);
  key.append(method).append(1, ' ').append(path);
  HttpMetricsObject::Route& route = (*self->routes)[key];
  if (self->duration) {
    if (!route.duration) route.duration = self->duration->series({method, path});
    self->duration->observe(*route.duration, seconds);
  }
  if (!self->requests) return;
  for (const auto& [known, series] : route.by_status) {
    if (known == status) return series->add(1);
  }
  auto series = self->requests->series({method, path, std::to_string(status)});
  series->add(1);
  route.by_status.emplace_back(status, std::move(series));
}

void refresh_in_progress() {
  for (HttpMetricsObject* self : all_metrics()) {
    if (!self->in_progress) continue;
    for (const auto& series : self->in_progress->all_series()) series->set(0);
    for (RequestObject* request = self->live; request; request = request->next) {
      const std::string path = route_of(request);
      self->in_progress->series({method_name(request), path.empty() ? kUnmatched : path})->add(1);
    }
  }
}

bool add_http_metrics_type(PyObject* module) {
  http_metrics_type = add_type(module, &metrics_spec);
  return http_metrics_type != nullptr;
}

}  // namespace vedette::native
