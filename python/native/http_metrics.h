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
/// http_requests_in_progress{method,path}. The last is computed when it is read: which route a
/// request takes is known only after it has begun.
struct HttpMetricsObject {
  PyObject_HEAD std::shared_ptr<sdk::Metric> requests;
  std::shared_ptr<sdk::Metric> duration;
  std::shared_ptr<sdk::Metric> in_progress;
  struct Route {
    std::shared_ptr<sdk::Series> duration;
    std::vector<std::pair<int, std::shared_ptr<sdk::Series>>> by_status;
  };
  std::unordered_map<std::string, Route>* routes;  // by method and path
  RequestObject* live;                             // a list of the requests in progress
};

extern PyTypeObject* http_metrics_type;

bool add_http_metrics_type(PyObject* module);

void count_request(HttpMetricsObject* metrics, std::string_view method, std::string_view path,
                   int status, double seconds);

/// Sets http_requests_in_progress of every HttpMetrics to what is true now.
void refresh_in_progress();

}  // namespace vedette::native
