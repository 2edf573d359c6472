// OTLP over HTTP (POST /v1/traces, /v1/logs, /v1/metrics) and gRPC (the three Export methods), as
// the OTLP specification has them (opentelemetry-proto, docs/specification.md).
#pragma once

#include "ingest/pipeline.h"
#include "net/server.h"

namespace vedette::ingest {

/// Adds the six routes. The pipeline must outlive the server that uses the router.
void add_otlp_endpoints(net::Router& router, Pipeline& pipeline);

}  // namespace vedette::ingest
