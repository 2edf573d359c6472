// The server put together: store, ingest, listeners and APIs, from start to graceful stop.
#pragma once

#include "app/config.h"
#include "base/result.h"

namespace vedette::app {

/// Runs until SIGTERM or SIGINT. Call it from the main thread before any other thread exists. The
/// error says why the server could not start, or what was lost while it stopped.
Status serve(const Config& config);

}  // namespace vedette::app
