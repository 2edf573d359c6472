// Loki's query API, as Grafana's Loki data source calls it: /loki/api/v1/{query_range, query,
// labels, label/<n>/values, series}. Shapes: grafana.com/docs/loki, "Loki HTTP API".
#pragma once

#include "base/clock.h"
#include "net/server.h"
#include "store/store.h"

namespace vedette::api {

class Runner;

/// `store` and `clock` must outlive the router.
void serve_loki_api(net::Router& router, Runner& runner, store::Store& store,
                    const base::Clock& clock);

struct LokiRequest {
  const net::Parameters& parameters;
  int64_t now_ns = 0;
  /// Structured metadata apart from the stream's labels (X-Loki-Response-Encoding-Flags:
  /// categorize-labels).
  bool categorize_labels = false;
};

// The handlers. Thread-safe.
Result<std::string> loki_query_range(store::Store& store, const LokiRequest& request,
                                     const store::ReadContext& context);
Result<std::string> loki_query(const LokiRequest& request);
Result<std::string> loki_labels(store::Store& store, const LokiRequest& request,
                                const store::ReadContext& context);
Result<std::string> loki_label_values(store::Store& store, const std::string& label,
                                      const LokiRequest& request,
                                      const store::ReadContext& context);
Result<std::string> loki_series(store::Store& store, const LokiRequest& request,
                                const store::ReadContext& context);

}  // namespace vedette::api
