// Finding traces: the newest that have a span meeting all conditions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace vedette::api {

/// Where a page ended: the newest matching span of its last trace, and the trace. Pages go on
/// strictly after.
struct TraceCursor {
  int64_t time_ns = 0;
  model::TraceId trace_id;

  static Result<TraceCursor> parse(std::string_view text);
  std::string to_string() const;
};

struct TraceSearch {
  store::TimeRange range;
  std::vector<store::Predicate> where;
  size_t limit = 20;
  std::optional<TraceCursor> after;
};

struct FoundTraces {
  std::vector<store::TraceSummary> traces;  // by their newest matching span, newest first
  std::optional<TraceCursor> next;          // nothing: no more
};

/// Stops reading as soon as older blocks can't change the page.
Result<FoundTraces> search_traces(store::Store& store, const TraceSearch& search,
                                  const store::ReadContext& context);

}  // namespace vedette::api
