// Rows of several batches, in any order, as one new batch: the one way in which heads are
// compacted, frozen heads sorted, parts merged and rows left out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/log_batch.h"
#include "model/span_batch.h"

namespace vedette::store::engine {

struct RowRef {
  uint32_t source = 0;  // index of a batch
  uint32_t row = 0;
};

/// Strings, resources and scopes are merged; only those in use are taken over. No row may be named
/// twice. Columns that a source does not have (blocks read in part) are left empty.
model::SpanBatch gather(std::span<const model::SpanBatch* const> sources,
                        std::span<const RowRef> order);
model::LogBatch gather(std::span<const model::LogBatch* const> sources,
                       std::span<const RowRef> order);

/// All rows of all sources, one source after the other.
template <typename Batch>
std::vector<RowRef> all_rows(std::span<const Batch* const> sources) {
  std::vector<RowRef> order;
  for (uint32_t s = 0; s < sources.size(); ++s) {
    for (uint32_t r = 0; r < sources[s]->size(); ++r) order.push_back({s, r});
  }
  return order;
}

}  // namespace vedette::store::engine
