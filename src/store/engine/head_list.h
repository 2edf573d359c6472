// The head of a table of rows: an immutable list of immutable batches, newest first. The writer
// adds a node in front; whoever holds a node sees what was there when it was taken, without a lock.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "model/log_batch.h"
#include "model/span_batch.h"

namespace vedette::store::engine {

/// The time by which rows are found.
inline const std::vector<int64_t>& row_times(const model::SpanBatch& b) {
  return b.start_ns;
}
inline const std::vector<int64_t>& row_times(const model::LogBatch& b) {
  return b.time_ns;
}

template <typename Batch>
struct HeadNode {
  HeadNode(std::shared_ptr<const Batch> b, std::shared_ptr<const HeadNode> n)
      : batch(std::move(b)), next(std::move(n)) {
    const auto [min, max] = std::minmax_element(row_times(*batch).begin(), row_times(*batch).end());
    min_ns = *min;
    max_ns = *max;
    total_bytes = batch->bytes() + (next ? next->total_bytes : 0);
    total_rows = batch->size() + (next ? next->total_rows : 0);
  }
  ~HeadNode() {
    // One by one, as the default would recurse once per node: a node that dies within leaves the
    // next one to the outermost. (Not by use_count(): it does not order what other threads read.)
    static thread_local std::shared_ptr<const HeadNode>* left = nullptr;
    if (left) {
      *left = std::move(next);
      return;
    }
    while (next) {
      std::shared_ptr<const HeadNode> after;
      left = &after;
      next.reset();
      next = std::move(after);
    }
    left = nullptr;
  }

  std::shared_ptr<const Batch> batch;  // never empty
  int64_t min_ns;
  int64_t max_ns;
  size_t total_bytes;  // of this node and all older ones
  size_t total_rows;
  std::shared_ptr<const HeadNode> next;  // older
};

template <typename Batch>
using HeadList = std::shared_ptr<const HeadNode<Batch>>;

}  // namespace vedette::store::engine
