#include "store/engine/row_table.h"

#include "store/engine/gather.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kCompactRun = 16;       // batches of one size class that become one
constexpr size_t kCompactRowsMax = 256;  // batches of this size or more stay as they are

/// Batches of one class are within a factor of 16 of each other.
int size_class(size_t rows) { return rows < 16 ? 0 : rows < kCompactRowsMax ? 1 : 2; }

/// Makes one batch of the newest ones while there are enough small ones of a kind: each row is copied twice
/// at most.
template <typename Batch>
HeadList<Batch> compact(HeadList<Batch> head) {
  for (;;) {
    std::vector<const Batch*> sources;
    const int kind = size_class(head->batch->size());
    const HeadNode<Batch>* node = head.get();
    while (node && kind < 2 && sources.size() < kCompactRun && size_class(node->batch->size()) == kind) {
      sources.push_back(node->batch.get());
      if (sources.size() == kCompactRun) break;
      node = node->next.get();
    }
    if (sources.size() < kCompactRun) return head;
    std::reverse(sources.begin(), sources.end());
    auto merged = std::make_shared<const Batch>(gather(sources, all_rows<Batch>(sources)));
    head = std::make_shared<const HeadNode<Batch>>(std::move(merged), node->next);
  }
}

}  // namespace

template <typename Batch>
void RowTable<Batch>::apply(std::shared_ptr<const Batch> batch, int64_t now_ns) {
  HeadList<Batch> head = current_.head;  // only this thread changes it
  if (!head) head_since_ns_ = now_ns;
  const size_t before = head ? head->total_bytes : 0;
  head = compact<Batch>(std::make_shared<const HeadNode<Batch>>(std::move(batch), std::move(head)));
  head_bytes_ += head->total_bytes - before;
  const std::lock_guard lock(mutex_);
  current_.head = std::move(head);
}

template <typename Batch>
RowSnapshot<Batch> RowTable<Batch>::snapshot() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

template <typename Batch>
bool RowTable<Batch>::freeze() {
  if (!current_.head) return false;
  head_bytes_ = 0;
  head_since_ns_ = 0;
  const std::lock_guard lock(mutex_);
  current_.frozen = std::move(current_.head);
  return true;
}

template <typename Batch>
Status RowTable<Batch>::open_part(const PartInfo&) {
  return {Code::kUnimplemented, "parts are not written yet"};
}
template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::write_frozen() {
  return Error{Code::kUnimplemented, "parts are not written yet"};
}
template <typename Batch>
std::vector<std::string> RowTable<Batch>::pick_merge() const {
  return {};
}
template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::merge(const std::vector<std::string>&) {
  return Error{Code::kUnimplemented, "parts are not written yet"};
}
template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::rewrite(const std::string&, TimeRange, const KeepTrace*) {
  return Error{Code::kUnimplemented, "parts are not written yet"};
}
template <typename Batch>
void RowTable<Batch>::publish(const PartChange&) {}
template <typename Batch>
std::vector<PartInfo> RowTable<Batch>::parts() const {
  return {};
}

template <typename Batch>
TableStats RowTable<Batch>::stats() const {
  TableStats stats;
  stats.table = std::is_same_v<Batch, model::SpanBatch> ? "spans" : "logs";
  const RowSnapshot<Batch> now = snapshot();
  for (const auto* list : {&now.head, &now.frozen}) {
    if (!*list) continue;
    stats.rows += (*list)->total_rows;
    stats.memory_bytes += (*list)->total_bytes;
  }
  return stats;
}

template class RowTable<model::SpanBatch>;
template class RowTable<model::LogBatch>;

}  // namespace vedette::store::engine
