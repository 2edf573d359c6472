#include "store/engine/row_filter.h"
#include "store/engine/row_reads.h"

namespace vedette::store::engine {
namespace {

template <typename Batch>
constexpr Table table_of() {
  return std::is_same_v<Batch, model::SpanBatch> ? Table::kSpans : Table::kLogs;
}

/// Something that can be read as one block.
template <typename Batch>
struct Candidate {
  int64_t min_ns;
  int64_t max_ns;
  const HeadNode<Batch>* head;
};

template <typename Batch>
std::vector<Candidate<Batch>> candidates_of(const RowSnapshot<Batch>& snapshot, const RowFilter& filter) {
  std::vector<Candidate<Batch>> candidates;
  for (const auto* list : {&snapshot.head, &snapshot.frozen}) {
    for (const HeadNode<Batch>* node = list->get(); node; node = node->next.get()) {
      if (filter.range().overlaps(node->min_ns, node->max_ns)) {
        candidates.push_back({node->min_ns, node->max_ns, node});
      }
    }
  }
  return candidates;
}

template <typename Batch>
void put_in_order(std::vector<Candidate<Batch>>& candidates, Order order) {
  if (order == Order::kNewestFirst) {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.max_ns > b.max_ns; });
  } else if (order == Order::kOldestFirst) {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const auto& a, const auto& b) { return a.min_ns < b.min_ns; });
  }
}

void put_rows_in_order(std::vector<uint32_t>& rows, const std::vector<int64_t>& times, Order order) {
  if (order == Order::kNewestFirst) {
    std::stable_sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) { return times[a] > times[b]; });
  } else if (order == Order::kOldestFirst) {
    std::stable_sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) { return times[a] < times[b]; });
  }
}

/// No block after number `i` has a row beyond this.
template <typename Batch>
int64_t bound_after(const std::vector<Candidate<Batch>>& candidates, size_t i, Order order) {
  const bool last = i + 1 == candidates.size();
  if (order == Order::kOldestFirst) {
    return last ? std::numeric_limits<int64_t>::max() : candidates[i + 1].min_ns;
  }
  return last ? std::numeric_limits<int64_t>::min() : candidates[i + 1].max_ns;
}

}  // namespace

template <typename Batch>
Status scan(const RowSnapshot<Batch>& snapshot, const RowQuery& query, const ReadContext& context,
            const Visitor<Batch>& visit) {
  ASSIGN_OR_RETURN(const RowFilter filter, RowFilter::make(table_of<Batch>(), query.range, query.where));
  std::vector<Candidate<Batch>> candidates = candidates_of(snapshot, filter);
  put_in_order(candidates, query.order);
  std::vector<uint32_t> rows;
  for (size_t i = 0; i < candidates.size(); ++i) {
    RETURN_IF_ERROR(context.check());
    const Batch& batch = *candidates[i].head->batch;
    filter.select(batch, rows);
    if (rows.empty()) continue;
    put_rows_in_order(rows, row_times(batch), query.order);
    if (!visit({batch, rows, bound_after(candidates, i, query.order)})) break;
  }
  return {};
}
template Status scan(const RowSnapshot<model::SpanBatch>&, const RowQuery&, const ReadContext&,
                     const Visitor<model::SpanBatch>&);
template Status scan(const RowSnapshot<model::LogBatch>&, const RowQuery&, const ReadContext&,
                     const Visitor<model::LogBatch>&);

}  // namespace vedette::store::engine
