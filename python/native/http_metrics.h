// RED metrics of served requests, and the requests that are being served right now.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "metrics.h"
#include "python.h"
#include "sdk/metrics.h"

namespace vedette::native {

struct RequestObject;

/// http_requests_total{method,path,status}, http_request_duration_seconds{method,path} and
/// http_requests_in_progress{method,path}; beside them OpenTelemetry's http.server.request.duration
/// and http.server.active_requests (semantic conventions 1.x, HTTP metrics), as the registry names
/// them. What is in progress is computed when it is read: which route a request takes is known only
/// after it has begun. What http.server.request.duration is told goes to OpenTelemetry's meters as
/// well once push_to() has said how.
struct HttpMetricsObject {
  PyObject_HEAD std::shared_ptr<sdk::Metric> requests;
  std::shared_ptr<sdk::Metric> duration;
  std::shared_ptr<sdk::Metric> in_progress;
  std::shared_ptr<sdk::Metric> server_duration;
  std::shared_ptr<sdk::Metric> active;
  struct Outcome {
    int status;
    bool https;
    std::shared_ptr<sdk::Series> requests;
    std::shared_ptr<sdk::Series> server_duration;
    Ref push;  // called with the seconds, if there is anything
  };
  struct Route {
    std::shared_ptr<sdk::Series> duration;
    Ref span_name;                  // of its requests; made by who needs it
    std::vector<Outcome> outcomes;  // of requests that ended without an exception
  };
  std::unordered_map<std::string, Route>* routes;  // by method and path
  std::unordered_map<std::string, Route>* former;  // `push` may let other threads in
  int64_t refreshed;                               // the second in which the gauges were last set
  RequestObject* live;                             // a list of the requests in progress
  Ref pusher;  // (method, status, route, scheme, error) -> what an outcome's `push` is
};

extern PyTypeObject* http_metrics_type;

bool add_http_metrics_type(PyObject* module);

struct Served {
  std::string_view method;
  std::string_view path;  // a template, or what stands for one
  std::string_view scheme;
  std::string_view exception;  // its type, or empty
  int status;
  bool is_template;
};
/// The route, too, until the next call.
HttpMetricsObject::Route& count_request(HttpMetricsObject* metrics, const Served& served,
                                        double seconds);

/// Sets what is in progress of every HttpMetrics to what is true now.
void refresh_in_progress();

}  // namespace vedette::native
