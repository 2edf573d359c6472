// Traces and logs of a made-up FastAPI shop, as OTLP requests of up to 512 records: two services,
// several pods, some seven spans and five log records a trace, random ids, order and user ids that
// never repeat, 2 % of traces with an error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vedette::bench {

struct Load {
  std::vector<std::string> requests;  // bodies
  uint64_t records = 0;
  uint64_t raw_bytes = 0;
};

struct ShopLoads {
  Load spans;  // ExportTraceServiceRequest
  Load logs;   // ExportLogsServiceRequest
};

/// `traces` traces that begin within the half hour before `end_ns`.
ShopLoads make_shop(uint64_t traces, int64_t end_ns, uint64_t seed);

}  // namespace vedette::bench
