// POST /api/v1/write: Prometheus remote write 1.0 (specification "Prometheus Remote-Write 1.0").
#pragma once

#include "ingest/pipeline.h"
#include "net/server.h"

namespace vedette::ingest {

/// The pipeline must outlive the server that uses the router.
void add_remote_write_endpoint(net::Router& router, Pipeline& pipeline);

}  // namespace vedette::ingest
