#include "store/engine/row_table.h"

#include "store/engine/gather.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kCompactRun = 16;       // batches of one size class that become one
constexpr size_t kCompactRowsMax = 256;  // batches of this size or more stay as they are

/// Batches of one class are within a factor of 16 of each other.
int size_class(size_t rows) {
  return rows < 16 ? 0 : rows < kCompactRowsMax ? 1 : 2;
}

/// Makes one batch of the newest ones while there are enough small ones of a kind: each row is
/// copied twice at most.
template <typename Batch>
HeadList<Batch> compact(HeadList<Batch> head) {
  for (;;) {
    std::vector<const Batch*> sources;
    const int kind = size_class(head->batch->size());
    const HeadNode<Batch>* node = head.get();
    while (node && kind < 2 && sources.size() < kCompactRun &&
           size_class(node->batch->size()) == kind) {
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
RowTable<Batch>::RowTable(TableContext context)
    : context_(std::move(context)), cache_(std::make_shared<GroupCache>()) {
  current_.parts = std::make_shared<const PartList>();
}

template <typename Batch>
void RowTable<Batch>::apply(std::shared_ptr<const Batch> batch, int64_t now_ns) {
  HeadList<Batch> head = current_.head;  // only this thread changes it
  if (!head) head_since_ns_ = now_ns;
  head = compact<Batch>(std::make_shared<const HeadNode<Batch>>(std::move(batch), std::move(head)));
  head_bytes_ = head->total_bytes;
  const std::lock_guard lock(mutex_);
  current_.head = std::move(head);
}

template <typename Batch>
bool RowTable<Batch>::freeze() {
  if (!current_.head) return false;
  head_bytes_ = 0;
  head_since_ns_ = 0;
  const std::lock_guard lock(mutex_);
  current_.frozen = std::move(current_.head);
  current_.head = nullptr;
  return true;
}

template <typename Batch>
RowSnapshot<Batch> RowTable<Batch>::snapshot() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

template <typename Batch>
Status RowTable<Batch>::open_part(const PartInfo& info) {
  Result<Part> part = RowPart::open(context_, info, cache_);
  if (!part.ok()) {
    context_.report_corruption(info.file, part.error().message);
    return part.status();
  }
  const std::lock_guard lock(mutex_);
  auto parts = std::make_shared<PartList>(*current_.parts);
  parts->push_back(*std::move(part));
  current_.parts = std::move(parts);
  return {};
}

template <typename Batch>
void RowTable<Batch>::publish(const PartChange& change) {
  HeadList<Batch> written_head;  // freed without the lock
  const std::lock_guard lock(mutex_);
  auto parts = std::make_shared<PartList>(*current_.parts);
  std::erase_if(*parts, [&](const Part& part) {
    return std::find(change.removed.begin(), change.removed.end(), part->info().file) !=
           change.removed.end();
  });
  for (const PartInfo& info : change.added) {
    const auto opened = written_.extract(info.file);
    if (!opened.empty()) parts->push_back(opened.mapped());
  }
  current_.parts = std::move(parts);
  if (change.frozen_written) written_head = std::exchange(current_.frozen, nullptr);
}

template <typename Batch>
void RowTable<Batch>::discard(const std::vector<PartInfo>& written) {
  const std::lock_guard lock(mutex_);
  for (const PartInfo& info : written) written_.erase(info.file);
}

template <typename Batch>
std::vector<PartInfo> RowTable<Batch>::parts() const {
  std::vector<PartInfo> infos;
  for (const Part& part : *snapshot().parts) infos.push_back(part->info());
  return infos;
}

template <typename Batch>
auto RowTable<Batch>::find(const std::string& file) const -> Part {
  for (const Part& part : *snapshot().parts) {
    if (part->info().file == file) return part;
  }
  return nullptr;
}

template <typename Batch>
TableStats RowTable<Batch>::stats() const {
  TableStats stats;
  stats.table = kTable == Table::kSpans ? "spans" : "logs";
  const RowSnapshot<Batch> now = snapshot();
  for (const auto* list : {&now.head, &now.frozen}) {
    if (!*list) continue;
    stats.rows += (*list)->total_rows;
    stats.memory_bytes += (*list)->total_bytes;
  }
  for (const Part& part : *now.parts) {
    stats.rows += part->info().rows;
    stats.disk_bytes += part->info().bytes;
  }
  stats.parts = now.parts->size();
  return stats;
}

template class RowTable<model::SpanBatch>;
template class RowTable<model::LogBatch>;

}  // namespace vedette::store::engine
