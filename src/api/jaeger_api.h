// Jaeger's REST API, as its UI and Grafana's Jaeger data source call it: /jaeger/api/{services,
// operations, traces}. Shapes: jaeger's model/json/model.go.
#pragma once

#include "base/clock.h"
#include "net/server.h"
#include "store/store.h"

namespace vedette::api {

class Runner;

/// `store` and `clock` must outlive the router.
void serve_jaeger_api(net::Router& router, Runner& runner, store::Store& store,
                      const base::Clock& clock);

// The handlers. Thread-safe.
net::HttpResponse jaeger_services(store::Store& store, const store::ReadContext& context);
/// Names of a service's operations; with `with_kind` as objects of name and spanKind.
net::HttpResponse jaeger_operations(store::Store& store, std::string_view service,
                                    std::string_view kind, bool with_kind,
                                    const store::ReadContext& context);
net::HttpResponse jaeger_traces(store::Store& store, const net::Parameters& p, int64_t now_ns,
                                const store::ReadContext& context);
net::HttpResponse jaeger_trace(store::Store& store, std::string_view trace_id,
                               const store::ReadContext& context);
net::HttpResponse jaeger_error(const Error& error);

}  // namespace vedette::api
