#include <queue>

#include "store/engine/row_filter.h"
#include "store/engine/row_reads.h"

namespace vedette::store::engine {
namespace {

template <typename Batch>
constexpr Table table_of() {
  return std::is_same_v<Batch, model::SpanBatch> ? Table::kSpans : Table::kLogs;
}

/// A batch of a head, a group of a part that is not opened yet, or a block of one that is.
template <typename Batch>
struct Item {
  int64_t min_ns;
  int64_t max_ns;
  const HeadNode<Batch>* head = nullptr;
  const RowPart* part = nullptr;
  size_t group = 0;
  size_t block = 0;
  std::shared_ptr<const GroupMeta> meta = nullptr;
  std::shared_ptr<const GroupFilter> filter = nullptr;
};

/// Items by time. Groups are opened when it is their turn, so that a reader of the newest rows
/// opens few.
template <typename Batch>
class Walk {
 public:
  Walk(const RowSnapshot<Batch>& snapshot, const RowFilter& filter, Order order)
      : filter_(filter), order_(order), items_(Later{order}) {
    for (const auto* list : {&snapshot.head, &snapshot.frozen}) {
      for (const HeadNode<Batch>* n = list->get(); n; n = n->next.get())
        push({n->min_ns, n->max_ns, n});
    }
    for (const auto& part : *snapshot.parts) {
      for (size_t g = 0; g < part->groups().size(); ++g) {
        const GroupPlace& place = part->groups()[g];
        push({place.min_ns, place.max_ns, nullptr, part.get(), g});
      }
    }
  }

  /// The next head batch or block; false at the end.
  bool next(Item<Batch>& out) {
    while (!items_.empty()) {
      out = items_.top();
      items_.pop();
      if (out.head || out.meta) return true;
      open_group(out);
    }
    return false;
  }

  /// No item to come has a row beyond this.
  int64_t bound() const {
    if (order_ == Order::kOldestFirst)
      return items_.empty() ? std::numeric_limits<int64_t>::max() : items_.top().min_ns;
    return items_.empty() ? std::numeric_limits<int64_t>::min() : items_.top().max_ns;
  }

 private:
  struct Later {
    Order order;
    bool operator()(const Item<Batch>& a, const Item<Batch>& b) const {
      return order == Order::kNewestFirst ? a.max_ns < b.max_ns
                                          : order == Order::kOldestFirst && a.min_ns > b.min_ns;
    }
  };

  void push(Item<Batch> item) {
    if (filter_.range().overlaps(item.min_ns, item.max_ns)) items_.push(std::move(item));
  }

  void open_group(const Item<Batch>& item) {
    const std::shared_ptr<const GroupMeta> meta = item.part->group(item.group);
    if (!meta) return;
    const auto filter = std::make_shared<const GroupFilter>(*meta, filter_);
    for (size_t b = 0; b < meta->blocks.size(); ++b) {
      const BlockMeta& block = meta->blocks[b];
      if (!filter->may_match(block)) continue;
      push({block.min_ns, block.max_ns, nullptr, item.part, item.group, b, meta, filter});
    }
  }

  const RowFilter& filter_;
  Order order_;
  std::priority_queue<Item<Batch>, std::vector<Item<Batch>>, Later> items_;
};

void put_in_order(std::vector<uint32_t>& rows, const std::vector<int64_t>& times, Order order) {
  if (order == Order::kNewestFirst) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](uint32_t a, uint32_t b) { return times[a] > times[b]; });
  } else if (order == Order::kOldestFirst) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](uint32_t a, uint32_t b) { return times[a] < times[b]; });
  }
}

/// Reads a block in two steps, the first of which finds out whether the second is needed.
template <typename Batch>
std::optional<Batch> read_matching(const Item<Batch>& item, const RowFilter& filter,
                                   const Columns& columns, std::vector<uint32_t>& rows) {
  const ReadSet all{true, true, true, true, columns};
  if (filter.conditions().empty()) {
    std::optional<Batch> batch =
        item.part->template read<Batch>(item.group, *item.meta, item.block, all);
    if (batch) filter.select(*batch, rows);
    return batch;
  }
  if (!item.filter->may_match(*item.part, item.group, *item.meta, item.block)) return std::nullopt;
  const std::optional<Batch> first =
      item.part->template read<Batch>(item.group, *item.meta, item.block, filter.needs());
  if (!first) return std::nullopt;
  filter.select(*first, rows);
  if (rows.empty()) return std::nullopt;
  return item.part->template read<Batch>(item.group, *item.meta, item.block, all);
}

}  // namespace

template <typename Batch>
Status walk(const RowSnapshot<Batch>& snapshot, const RowQuery& query, const ReadContext& context,
            const Visitor<Batch>& visit, const TakeWhole& take_whole) {
  TimeRange range = query.range;
  range.begin_ns = std::max(range.begin_ns, snapshot.oldest_ns);
  ASSIGN_OR_RETURN(const RowFilter filter, RowFilter::make(table_of<Batch>(), range, query.where));
  Walk<Batch> walk(snapshot, filter, query.order);
  Item<Batch> item{};
  std::vector<uint32_t> rows;
  while (walk.next(item)) {
    RETURN_IF_ERROR(context.check());
    rows.clear();
    std::optional<Batch> read;
    const Batch* batch = nullptr;
    if (item.head) {
      batch = item.head->batch.get();
      filter.select(*batch, rows);
    } else {
      const bool inside =
          filter.range().contains(item.min_ns) && filter.range().contains(item.max_ns);
      if (take_whole && inside && item.filter->exact() &&
          take_whole({*item.meta, item.meta->blocks[item.block], *item.filter})) {
        continue;
      }
      read = read_matching(item, filter, query.columns, rows);
      batch = read ? &*read : nullptr;
    }
    if (!batch || rows.empty()) continue;
    put_in_order(rows, row_times(*batch), query.order);
    if (!visit({*batch, rows, walk.bound()})) break;
  }
  return {};
}
template Status walk(const RowSnapshot<model::SpanBatch>&, const RowQuery&, const ReadContext&,
                     const Visitor<model::SpanBatch>&, const TakeWhole&);
template Status walk(const RowSnapshot<model::LogBatch>&, const RowQuery&, const ReadContext&,
                     const Visitor<model::LogBatch>&, const TakeWhole&);

}  // namespace vedette::store::engine
