// Gathers from the store what a verdict is made of: requests and calls counted from spans (every
// span is there, so the counts are exact), latency and services without spans from RED metrics,
// `up` of scrape targets.
#pragma once

#include <string>
#include <vector>

#include "api/verdict.h"
#include "base/result.h"
#include "store/store.h"

namespace vedette::api {

/// Signs of all services, or of the one named, at a moment.
Result<std::vector<ServiceSigns>> gather_signs(store::Store& store, const std::string& service,
                                               int64_t now_ns, const store::ReadContext& context);

}  // namespace vedette::api
