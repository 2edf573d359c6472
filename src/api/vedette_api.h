// Vedette's own HTTP API, /vedette/v1 (docs/api.md, sections 1 to 3). Each handler is a plain
// function of the request's parameters; where it runs and for how long is the runner's affair.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/server.h"
#include "store/store.h"

namespace vedette::api {

class Runner;

struct ScrapeTargetState {
  std::string job;
  std::string instance;
  std::string url;
  std::string health;  // up, down, unknown
  int64_t last_scrape_ns = 0;
  int64_t last_duration_ns = 0;
  std::string last_error;
  uint64_t samples = 0;
};

/// What does not change while the server runs, for /vedette/v1/status.
struct ServerFacts {
  std::string version;
  int64_t started_ns = 0;
  std::string data_dir;
  std::optional<int64_t> retention_ns;
  std::string durability;
  std::vector<std::pair<std::string, std::string>> listeners;  // what it serves, address as bound
};

/// Everything the handlers need. Outlives them.
struct VedetteApi {
  store::Store& store;
  const base::Clock& clock;
  std::function<std::vector<ScrapeTargetState>()> targets;
  std::function<ServerFacts()> facts;
};

/// Registers every path of the API.
void serve_vedette_api(net::Router& router, Runner& runner, const VedetteApi& api);

// The handlers. Thread-safe.
using Answer = Result<std::string>;
Answer list_services(const VedetteApi& api, const net::Parameters& p,
                     const store::ReadContext& context);
Answer list_operations(const VedetteApi& api, const net::Parameters& p,
                       const store::ReadContext& context);
Answer list_fields(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context);
Answer list_values(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context);
Answer find_traces(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context);
Answer trace_histogram(const VedetteApi& api, const net::Parameters& p,
                       const store::ReadContext& context);
Answer show_trace(const VedetteApi& api, std::string_view trace_id,
                  const store::ReadContext& context);
Answer find_logs(const VedetteApi& api, const net::Parameters& p,
                 const store::ReadContext& context);
Answer log_histogram(const VedetteApi& api, const net::Parameters& p,
                     const store::ReadContext& context);
Answer show_verdict(const VedetteApi& api, const net::Parameters& p,
                    const store::ReadContext& context);
Answer list_targets(const VedetteApi& api, const net::Parameters& p,
                    const store::ReadContext& context);
Answer show_status(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context);

}  // namespace vedette::api
