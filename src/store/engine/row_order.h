// The order of rows in parts: traces by their start, within a trace by time; rows without a trace
// stand alone.
#pragma once

#include <span>
#include <vector>

#include "store/engine/gather.h"

namespace vedette::store::engine {

/// Rows of one trace, as a range of an order.
struct TraceRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  int64_t start_ns = 0;
};

struct RowOrder {
  std::vector<RowRef> rows;
  std::vector<TraceRange> traces;  // ascending by start_ns
};

/// Spans that are there twice (same trace and span id) are taken once.
RowOrder order_rows(std::span<const model::SpanBatch* const> sources, std::span<const RowRef> rows);
RowOrder order_rows(std::span<const model::LogBatch* const> sources, std::span<const RowRef> rows);

}  // namespace vedette::store::engine
