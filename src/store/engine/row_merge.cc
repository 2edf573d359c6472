#include <unordered_map>

#include "store/engine/row_table.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayNs = 86'400 * kSecondNs;
constexpr size_t kMergeMin = 4;  // parts of one tier that become one
constexpr size_t kMergeMax = 16;
constexpr uint64_t kTierBytes = 256u << 10;     // the lowest tier; each next is four times as big
constexpr uint64_t kPartBytesMax = 256u << 20;  // bigger ones are merged no more
constexpr size_t kWindowRows = 131'072;         // held while merging, ...
constexpr size_t kWindowRowsMax =
    393'216;  // ... and at most, to bring late rows of a trace to the others
constexpr int64_t kLateNs =
    10 * kSecondNs;  // rows of a trace that start this much later are still waited for

int tier_of(uint64_t bytes) {
  int tier = 0;
  for (uint64_t limit = kTierBytes; bytes > limit; limit *= 4) ++tier;
  return tier;
}

/// Parts of one day are merged with each other; those of many days among themselves.
int64_t partition_of(const PartInfo& part) {
  constexpr int64_t kManyDays = std::numeric_limits<int64_t>::min();
  return part.max_time_ns - part.min_time_ns > 2 * kDayNs ? kManyDays : part.min_time_ns / kDayNs;
}

/// The blocks of one part, one after the other.
template <typename Batch>
class PartCursor {
 public:
  explicit PartCursor(std::shared_ptr<const RowPart> part) : part_(std::move(part)) {}

  /// Start of the next block's first trace; nothing at the end.
  Result<std::optional<int64_t>> next_start() {
    while (group_ < part_->groups().size()) {
      if (!meta_) meta_ = part_->group(group_);
      if (!meta_)
        return Error{Code::kCorruption, "a group of " + part_->info().file + " can't be read"};
      if (block_ < meta_->blocks.size()) return std::optional(meta_->blocks[block_].first_start_ns);
      meta_ = nullptr;
      block_ = 0;
      ++group_;
    }
    return std::optional<int64_t>();
  }
  Result<Batch> read() { return part_->read_all<Batch>(group_, *meta_, block_++); }

 private:
  std::shared_ptr<const RowPart> part_;
  std::shared_ptr<const GroupMeta> meta_;
  size_t group_ = 0;
  size_t block_ = 0;
};

/// Rows that were read and not yet written, in batches.
template <typename Batch>
struct Window {
  std::vector<std::unique_ptr<const Batch>> batches;
  std::vector<RowRef> rows;

  void add(Batch batch) {
    for (uint32_t r = 0; r < batch.size(); ++r)
      rows.push_back({static_cast<uint32_t>(batches.size()), r});
    batches.push_back(std::make_unique<const Batch>(std::move(batch)));
  }
  std::vector<const Batch*> sources() const {
    std::vector<const Batch*> out;
    for (const auto& b : batches) out.push_back(b.get());
    return out;
  }
  /// Keeps these rows alone, and the batches that they are in.
  void keep(std::vector<RowRef> kept) {
    std::vector<uint32_t> renumbered(batches.size(), UINT32_MAX);
    std::vector<std::unique_ptr<const Batch>> still;
    for (RowRef& row : kept) {
      if (renumbered[row.source] == UINT32_MAX) {
        renumbered[row.source] = static_cast<uint32_t>(still.size());
        still.push_back(std::move(batches[row.source]));
      }
      row.source = renumbered[row.source];
    }
    batches = std::move(still);
    rows = std::move(kept);
  }
};

/// Reads blocks, those of the earliest traces first, until the window has `target` rows. False when
/// all is read.
template <typename Batch>
Result<bool> fill_window(std::vector<PartCursor<Batch>>& cursors, size_t target,
                         Window<Batch>& window, int64_t& frontier) {
  for (;;) {
    PartCursor<Batch>* first = nullptr;
    frontier = std::numeric_limits<int64_t>::max();
    for (PartCursor<Batch>& cursor : cursors) {
      ASSIGN_OR_RETURN(const std::optional<int64_t> start, cursor.next_start());
      if (!start || (first && *start >= frontier)) continue;
      frontier = *start;
      first = &cursor;
    }
    if (!first || window.rows.size() >= target) return first != nullptr;
    ASSIGN_OR_RETURN(Batch block, first->read());
    window.add(std::move(block));
  }
}

size_t traces_before(std::span<const TraceRange> traces, int64_t start_ns) {
  const auto end = std::partition_point(traces.begin(), traces.end(),
                                        [&](const TraceRange& t) { return t.start_ns < start_ns; });
  return static_cast<size_t>(end - traces.begin());
}

}  // namespace

template <typename Batch>
std::vector<std::string> RowTable<Batch>::pick_merge() const {
  std::map<std::pair<int64_t, int>, std::vector<PartInfo>> tiers;
  for (const Part& part : *snapshot().parts) {
    const PartInfo& info = part->info();
    if (info.bytes > kPartBytesMax || part->damaged()) continue;
    tiers[{partition_of(info), tier_of(info.bytes)}].push_back(info);
  }
  const std::vector<PartInfo>* best = nullptr;
  for (const auto& [key, parts] : tiers) {
    if (parts.size() >= kMergeMin && (!best || parts[0].bytes < (*best)[0].bytes)) best = &parts;
  }
  std::vector<std::string> files;
  if (!best) return files;
  std::vector<PartInfo> oldest = *best;
  std::sort(oldest.begin(), oldest.end(),
            [](const auto& a, const auto& b) { return a.min_time_ns < b.min_time_ns; });
  for (size_t i = 0; i < std::min(oldest.size(), kMergeMax); ++i) files.push_back(oldest[i].file);
  return files;
}

template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::merge(const std::vector<std::string>& files) {
  uint32_t level = 0;
  std::vector<PartCursor<Batch>> cursors;
  for (const std::string& file : files) {
    const Part part = find(file);
    if (!part) return Error{Code::kInternal, "a part to merge is not there: " + file};
    level = std::max(level, part->info().level + 1);
    cursors.emplace_back(part);
  }
  PartFileWriter writer(context_, kTable, level);
  Window<Batch> window;
  size_t target = kWindowRows;
  for (bool more = true; more;) {
    int64_t frontier = 0;  // no row to come belongs to a trace that starts earlier
    ASSIGN_OR_RETURN(more, fill_window(cursors, target, window, frontier));
    const std::vector<const Batch*> sources = window.sources();
    const RowOrder order = order_rows(sources, window.rows);
    const bool wait = more && target < kWindowRowsMax;
    const size_t ready =
        more ? traces_before(order.traces, frontier - (wait ? kLateNs : 0)) : order.traces.size();
    const uint32_t ready_rows = ready == 0 ? 0 : order.traces[ready - 1].end;
    if (wait && ready_rows < kWindowRows / 4) {
      target += kWindowRows / 2;
      continue;
    }
    target = kWindowRows;
    // Nothing is ready when a crowd of traces starts at once: half of it must go then.
    const size_t write = ready > 0 || !more ? ready : std::max<size_t>(order.traces.size() / 2, 1);
    RETURN_IF_ERROR(write_groups(sources, order, std::span(order.traces).first(write), writer));
    std::vector<RowRef> left;
    if (write < order.traces.size())
      left.assign(order.rows.begin() + order.traces[write].begin, order.rows.end());
    window.keep(std::move(left));
  }
  std::vector<PartInfo> written;
  RETURN_IF_ERROR(finish(writer, written));
  return written;
}

template <typename Batch>
std::vector<RowRef> RowTable<Batch>::kept_rows(const Batch& block, TimeRange drop,
                                               const KeepTrace* keep) const {
  std::unordered_map<model::TraceId, bool, model::TraceIdHash> verdicts;
  if constexpr (std::is_same_v<Batch, model::SpanBatch>) {
    if (keep) {
      std::vector<model::TraceId> ids;
      for (const model::TraceId& id : block.trace_id) {
        if (verdicts.emplace(id, true).second) ids.push_back(id);
      }
      const Result<std::vector<TraceSummary>> found = summaries(snapshot(), ids, {});
      if (found.ok()) {
        for (const TraceSummary& trace : *found) verdicts[trace.trace_id] = (*keep)(trace);
      }
    }
  }
  std::vector<RowRef> rows;
  for (uint32_t r = 0; r < block.size(); ++r) {
    if (drop.contains(row_times(block)[r])) continue;
    const auto verdict = verdicts.find(block.trace_id[r]);
    if (verdict == verdicts.end() || verdict->second) rows.push_back({0, r});
  }
  return rows;
}

template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::rewrite(const std::string& file, TimeRange drop,
                                                       const KeepTrace* keep) {
  std::vector<PartInfo> written;
  const Part part = find(file);
  if (!part) return Error{Code::kInternal, "a part to rewrite is not there: " + file};
  if (drop.contains(part->info().min_time_ns) && drop.contains(part->info().max_time_ns))
    return written;
  PartFileWriter writer(context_, kTable, part->info().level);
  for (size_t g = 0; g < part->groups().size(); ++g) {
    const std::shared_ptr<const GroupMeta> meta = part->group(g);
    if (!meta) return Error{Code::kCorruption, "a group of " + file + " can't be read"};
    std::vector<Batch> blocks;
    std::vector<RowRef> rows;
    for (size_t b = 0; b < meta->blocks.size(); ++b) {
      ASSIGN_OR_RETURN(Batch block, part->read_all<Batch>(g, *meta, b));
      for (RowRef row : kept_rows(block, drop, keep))
        rows.push_back({static_cast<uint32_t>(b), row.row});
      blocks.push_back(std::move(block));
    }
    std::vector<const Batch*> sources;
    for (const Batch& block : blocks) sources.push_back(&block);
    RETURN_IF_ERROR(writer.add_group(gather(sources, rows)));
  }
  RETURN_IF_ERROR(finish(writer, written));
  return written;
}

template std::vector<std::string> RowTable<model::SpanBatch>::pick_merge() const;
template std::vector<std::string> RowTable<model::LogBatch>::pick_merge() const;
template Result<std::vector<PartInfo>> RowTable<model::SpanBatch>::merge(
    const std::vector<std::string>&);
template Result<std::vector<PartInfo>> RowTable<model::LogBatch>::merge(
    const std::vector<std::string>&);
template std::vector<RowRef> RowTable<model::SpanBatch>::kept_rows(const model::SpanBatch&,
                                                                   TimeRange,
                                                                   const KeepTrace*) const;
template std::vector<RowRef> RowTable<model::LogBatch>::kept_rows(const model::LogBatch&, TimeRange,
                                                                  const KeepTrace*) const;
template Result<std::vector<PartInfo>> RowTable<model::SpanBatch>::rewrite(const std::string&,
                                                                           TimeRange,
                                                                           const KeepTrace*);
template Result<std::vector<PartInfo>> RowTable<model::LogBatch>::rewrite(const std::string&,
                                                                          TimeRange,
                                                                          const KeepTrace*);

}  // namespace vedette::store::engine
