// Prometheus's query API: /api/v1/{query, query_range, series, labels, label/<n>/values, metadata,
// query_exemplars, format_query, status/buildinfo}. Shapes, error types and texts:
// prometheus.io/docs, "HTTP API", and Prometheus 3.5.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "net/server.h"
#include "query/promql/query.h"
#include "store/store.h"

namespace vedette::api {

class Runner;

/// `store` and `clock` must outlive the router.
void serve_prometheus_api(net::Router& router, Runner& runner, store::Store& store,
                          const base::Clock& clock, const promql::QueryOptions& options = {});

struct PrometheusRequest {
  const net::Parameters& parameters;
  store::Store& store;
  const store::ReadContext& context;
  const promql::QueryOptions& options;
  int64_t now_ns = 0;
};

/// What goes into the envelope of a success.
struct PrometheusAnswer {
  std::string data;  // JSON
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

/// {"status":"error",…} with Prometheus's error type and HTTP status.
net::HttpResponse prometheus_error(const Error& error);

// The handlers. Thread-safe.
using PrometheusResult = Result<PrometheusAnswer>;
PrometheusResult prometheus_query(const PrometheusRequest& request);
PrometheusResult prometheus_query_range(const PrometheusRequest& request);
PrometheusResult prometheus_format_query(const PrometheusRequest& request);
PrometheusResult prometheus_series(const PrometheusRequest& request);
PrometheusResult prometheus_labels(const PrometheusRequest& request);
PrometheusResult prometheus_label_values(const PrometheusRequest& request,
                                         const std::string& label);
PrometheusResult prometheus_metadata(const PrometheusRequest& request);
PrometheusResult prometheus_exemplars(const PrometheusRequest& request);
PrometheusResult prometheus_buildinfo(const PrometheusRequest& request);

}  // namespace vedette::api
