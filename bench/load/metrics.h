// Series as a fleet of FastAPI pods exposes them, scraped every 15 s, as remote-write 1.0 requests
// of 2,500 samples.
#pragma once

#include <cstdint>

#include "bench/load/shop.h"

namespace vedette::bench {

/// About `series` series, every 15 s over `hours` up to `end_ms`; requests in time order.
Load make_metrics(uint64_t series, double hours, int64_t end_ms, uint64_t seed);

}  // namespace vedette::bench
