// The server's own figures in Prometheus's text format, for GET /metrics.
#pragma once

#include <string>
#include <string_view>

#include "api/runner.h"
#include "ingest/stats.h"
#include "net/server.h"
#include "store/store.h"

namespace vedette::app {

struct SelfFigures {
  store::StoreStats store;
  ingest::IngestStats ingest;
  net::ServerStats net;
  api::RunnerStats queries;
  int64_t started_ns = 0;
};

std::string render_self_metrics(const SelfFigures& figures);

}  // namespace vedette::app
