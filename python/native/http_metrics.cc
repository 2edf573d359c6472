#include "http_metrics.h"

#include <time.h>

#include <map>

#include "asgi.h"
#include "asgi_scope.h"
#include "sdk/metric_sharing.h"

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

const std::vector<double> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0};
/// Semantic conventions, http.server.request.duration.
const std::vector<double> kServerBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                           0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};

std::shared_ptr<sdk::Metric> make(sdk::MetricType type, const char* name, const char* help,
                                  std::vector<std::string> labels, PyObject* registry,
                                  const std::vector<double>& bounds = {}) {
  sdk::MetricOptions options;
  options.type = type;
  options.name = name;
  options.help = help;
  options.labels = std::move(labels);
  options.created = false;
  options.mode = sdk::GaugeMode::kSum;  // over the workers that live
  options.live = true;
  options.bounds = bounds;
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
                                        "Request duration", {"method", "path"}, registry, kBounds));
  new (&self->in_progress) std::shared_ptr<sdk::Metric>(
      make(MetricType::kGauge, "http_requests_in_progress", "Requests currently being processed",
           {"method", "path"}, registry));
  new (&self->server_duration) std::shared_ptr<sdk::Metric>(
      make(MetricType::kHistogram, "http_server_request_duration_seconds",
           "Duration of HTTP server requests.",
           {"http_request_method", "http_response_status_code", "http_route", "url_scheme",
            "error_type"},
           registry, kServerBounds));
  new (&self->active) std::shared_ptr<sdk::Metric>(make(
      MetricType::kGauge, "http_server_active_requests", "Number of active HTTP server requests.",
      {"http_request_method", "url_scheme"}, registry));
  self->routes = new std::unordered_map<std::string, HttpMetricsObject::Route>;
  self->former = new std::unordered_map<std::string, HttpMetricsObject::Route>;
  self->live = nullptr;
  new (&self->pusher) Ref;
  all_metrics().push_back(self);
  return reinterpret_cast<PyObject*>(self);
}

void metrics_dealloc(PyObject* object) {
  HttpMetricsObject* self = as_metrics(object);
  std::erase(all_metrics(), self);
  delete self->routes;
  delete self->former;
  std::destroy_at(&self->requests);
  std::destroy_at(&self->duration);
  std::destroy_at(&self->in_progress);
  std::destroy_at(&self->server_duration);
  std::destroy_at(&self->active);
  std::destroy_at(&self->pusher);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

/// push_to(pusher)
PyObject* metrics_push_to(PyObject* object, PyObject* pusher) {
  HttpMetricsObject* self = as_metrics(object);
  self->pusher = Ref::borrow(pusher);
  for (auto& [key, route] : *self->routes) {
    std::vector<HttpMetricsObject::Outcome> made_without;  // ends after the list is whole again
    std::swap(made_without, route.outcomes);
  }
  return Py_NewRef(Py_None);
}

/// active() -> [(method, scheme)] of the requests in progress
PyObject* metrics_active(PyObject* object, PyObject*) {
  Ref found(PyList_New(0));
  for (RequestObject* one = as_metrics(object)->live; found && one; one = one->next) {
    const std::string_view method = method_name(one);
    const bool https = text_of(scope_item(one->scope, keys.scheme)) == "https";
    Ref pair(Py_BuildValue("(s#s)", method.data(), static_cast<Py_ssize_t>(method.size()),
                           https ? "https" : "http"));
    if (!pair || PyList_Append(found.get(), pair.get()) < 0) return nullptr;
  }
  return found.release();
}

PyMethodDef metrics_methods[] = {
    {"push_to", metrics_push_to, METH_O,
     "push_to(pusher): pusher(method, status, route, scheme, error) gives what takes durations."},
    {"active", metrics_active, METH_NOARGS, "(method, scheme) of each request in progress."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot metrics_slots[] = {
    {Py_tp_methods, metrics_methods},
    {Py_tp_new, reinterpret_cast<void*>(metrics_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(metrics_dealloc)},
    {0, nullptr},
};
PyType_Spec metrics_spec = {"vedette._native.HttpMetrics", sizeof(HttpMetricsObject), 0,
                            Py_TPFLAGS_DEFAULT, metrics_slots};

}  // namespace

namespace {

/// The series of one outcome, without exception looked up once.
HttpMetricsObject::Outcome find_series(HttpMetricsObject* self, const Served& served) {
  HttpMetricsObject::Outcome outcome{served.status, served.scheme == "https", nullptr, nullptr,
                                     Ref()};
  const std::string status = std::to_string(served.status);
  if (self->requests) {
    outcome.requests = self->requests->series({served.method, served.path, status});
  }
  const std::string_view route = served.is_template ? served.path : std::string_view();
  const std::string_view error = !served.exception.empty() ? served.exception
                                 : served.status >= 500    ? std::string_view(status)
                                                           : std::string_view();
  if (self->pusher) {
    const ErrorGuard guard;
    const Ref pusher = Ref::borrow(self->pusher.get());
    outcome.push = Ref(PyObject_CallFunction(
        pusher.get(), "s#is#ss#", served.method.data(),
        static_cast<Py_ssize_t>(served.method.size()), served.status, route.data(),
        static_cast<Py_ssize_t>(route.size()), outcome.https ? "https" : "http", error.data(),
        static_cast<Py_ssize_t>(error.size())));
    if (!outcome.push) PyErr_Clear();
  }
  if (self->server_duration) {
    outcome.server_duration = self->server_duration->series(
        {served.method, status, route, outcome.https ? "https" : "http", error});
  }
  return outcome;
}

void refresh_for_others(HttpMetricsObject* self);

void count(HttpMetricsObject* self, const HttpMetricsObject::Outcome& outcome, double seconds) {
  if (outcome.requests) outcome.requests->add(1);
  if (outcome.server_duration) self->server_duration->observe(*outcome.server_duration, seconds);
  if (outcome.push) {
    const ErrorGuard guard;
    const Ref push = Ref::borrow(outcome.push.get());  // it may be replaced meanwhile
    const Ref value(PyFloat_FromDouble(seconds));
    const Ref done(value ? PyObject_CallOneArg(push.get(), value.get()) : nullptr);
    if (!done) PyErr_Clear();
  }
}

}  // namespace

HttpMetricsObject::Route& count_request(HttpMetricsObject* self, const Served& served,
                                        double seconds) {
  refresh_for_others(self);
  // Unbounded paths cannot come here (they are route templates), but mind the map all the same.
  if (self->routes->size() > 4 * sdk::kSeriesMax) {
    std::swap(self->routes, self->former);
    self->routes->clear();
  }
  static std::string key;  // under the GIL: it keeps its memory
  key.assign(served.method).append(1, ' ').append(served.path);
  HttpMetricsObject::Route& route = (*self->routes)[key];
  if (self->duration) {
    if (!route.duration) route.duration = self->duration->series({served.method, served.path});
    self->duration->observe(*route.duration, seconds);
  }
  if (!served.exception.empty()) {
    count(self, find_series(self, served), seconds);
    return route;
  }
  for (const HttpMetricsObject::Outcome& known : route.outcomes) {
    if (known.status == served.status && known.https == (served.scheme == "https")) {
      count(self, known, seconds);
      return route;
    }
  }
  HttpMetricsObject::Outcome found = find_series(self, served);
  count(self, found, seconds);
  route.outcomes.push_back(std::move(found));
  return route;
}

namespace {

void refresh(HttpMetricsObject* self) {
  std::map<std::shared_ptr<sdk::Series>, double> counts;
  for (const auto& gauge : {self->in_progress, self->active}) {
    if (!gauge) continue;
    for (const auto& series : gauge->all_series()) counts[series] = 0;
  }
  for (RequestObject* request = self->live; request; request = request->next) {
    const std::string_view method = method_name(request);
    if (self->in_progress) {
      const std::string path = route_of(request);
      counts[self->in_progress->series({method, path.empty() ? kUnmatched : path})] += 1;
    }
    if (self->active) {
      const std::string_view scheme = text_of(scope_item(request->scope, keys.scheme));
      counts[self->active->series({method, scheme == "https" ? "https" : "http"})] += 1;
    }
  }
  for (const auto& [series, count] : counts) series->set(count);
}

/// Other workers cannot ask this one: they see what was true when a request ended, in this second
/// or the last, and at once when none is left.
void refresh_for_others(HttpMetricsObject* self) {
  if (!sdk::Sharing::has_others()) return;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (self->live && now.tv_sec == self->refreshed) return;
  self->refreshed = now.tv_sec;
  refresh(self);
}

}  // namespace

void refresh_in_progress() {
  for (HttpMetricsObject* self : all_metrics()) refresh(self);
}

bool add_http_metrics_type(PyObject* module) {
  http_metrics_type = add_type(module, &metrics_spec);
  return http_metrics_type != nullptr;
}

}  // namespace vedette::native
