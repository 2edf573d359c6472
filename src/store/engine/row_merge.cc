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

/// The blocks of one part, one after the other, but for those with older rows alone.
template <typename Batch>
class PartCursor {
 public:
  PartCursor(std::shared_ptr<const RowPart> part, int64_t oldest_ns)
      : part_(std::move(part)), oldest_ns_(oldest_ns) {}

  /// Start of the next block's first trace; nothing at the end.
  Result<std::optional<int64_t>> next_start() {
    for (; group_ < part_->groups().size(); ++group_, block_ = 0, meta_ = nullptr) {
      if (part_->groups()[group_].max_ns < oldest_ns_) continue;
      if (!meta_) meta_ = part_->group(group_);
      if (!meta_)
        return Error{Code::kCorruption, "a group of " + part_->info().file + " can't be read"};
      const auto& blocks = meta_->blocks;
      while (block_ < blocks.size() && blocks[block_].max_ns < oldest_ns_) ++block_;
      if (block_ < blocks.size()) return std::optional(blocks[block_].first_start_ns);
    }
    return std::optional<int64_t>();
  }
  Result<Batch> read() { return part_->read_all<Batch>(group_, *meta_, block_++); }

 private:
  std::shared_ptr<const RowPart> part_;
  int64_t oldest_ns_;
  std::shared_ptr<const GroupMeta> meta_;
  size_t group_ = 0;
  size_t block_ = 0;
};

/// Rows that were read, are to be kept, and are not yet written; in batches.
template <typename Batch>
struct Window {
  using Choice = std::function<std::vector<bool>(const Batch& block)>;
  explicit Window(const Choice& c) : choice(c) {}

  const Choice& choice;
  std::vector<std::unique_ptr<const Batch>> batches;
  std::vector<RowRef> rows;

  void add(Batch batch) {
    const std::vector<bool> chosen = choice(batch);
    const size_t before = rows.size();
    for (uint32_t r = 0; r < batch.size(); ++r) {
      if (chosen[r]) rows.push_back({static_cast<uint32_t>(batches.size()), r});
    }
    if (rows.size() > before) batches.push_back(std::make_unique<const Batch>(std::move(batch)));
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
Result<std::vector<PartInfo>> RowTable<Batch>::join(const std::vector<std::string>& files,
                                                    uint32_t level, int64_t oldest_ns,
                                                    const Choice& choice) {
  std::vector<PartCursor<Batch>> cursors;
  for (const std::string& file : files) {
    const Part part = find(file);
    if (!part) return Error{Code::kInternal, "a part to merge is not there: " + file};
    cursors.emplace_back(part, oldest_ns);
  }
  PartFileWriter writer(context_, kTable, level);
  Window<Batch> window(choice);
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
Result<std::vector<PartInfo>> RowTable<Batch>::merge(const std::vector<std::string>& files,
                                                     int64_t oldest_ns) {
  uint32_t level = 0;
  for (const std::string& file : files) {
    if (const Part part = find(file)) level = std::max(level, part->info().level + 1);
  }
  const TimeRange expired{std::numeric_limits<int64_t>::min(), oldest_ns};
  return join(files, level, oldest_ns,
              [&](const Batch& block) { return kept_rows(block, expired, nullptr); });
}

template <typename Batch>
Result<uint64_t> RowTable<Batch>::rows_before(const std::string& file, int64_t time_ns) const {
  const Part part = find(file);
  if (!part) return Error{Code::kInternal, "a part to look into is not there: " + file};
  RowSnapshot<Batch> alone;
  alone.parts = std::make_shared<const PartList>(1, part);
  RowQuery query;
  query.range.end_ns = time_ns;
  query.columns.names = false;
  uint64_t rows = 0;
  const auto visit = [&](const Block<Batch>& block) {
    rows += block.rows.size();
    return true;
  };
  const auto take_whole = [&](const WholeBlock& whole) {
    rows += whole.block.rows;
    return true;
  };
  RETURN_IF_ERROR(walk<Batch>(alone, query, {}, visit, take_whole));
  return rows;
}

template <typename Batch>
std::vector<bool> RowTable<Batch>::kept_rows(const Batch& block, TimeRange drop,
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
  std::vector<bool> kept(block.size());
  for (uint32_t r = 0; r < block.size(); ++r) {
    if (drop.contains(row_times(block)[r])) continue;
    const auto verdict = verdicts.empty() ? verdicts.end() : verdicts.find(block.trace_id[r]);
    kept[r] = verdict == verdicts.end() || verdict->second;
  }
  return kept;
}

template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::rewrite(const std::string& file, TimeRange drop,
                                                       const KeepTrace* keep) {
  const Part part = find(file);
  if (!part) return Error{Code::kInternal, "a part to rewrite is not there: " + file};
  const PartInfo& info = part->info();
  if (drop.contains(info.min_time_ns) && drop.contains(info.max_time_ns))
    return std::vector<PartInfo>();
  return join({file}, info.level, std::numeric_limits<int64_t>::min(),
              [&](const Batch& block) { return kept_rows(block, drop, keep); });
}

template std::vector<std::string> RowTable<model::SpanBatch>::pick_merge() const;
template Result<std::vector<PartInfo>> RowTable<model::SpanBatch>::join(
    const std::vector<std::string>&, uint32_t, int64_t, const Choice&);
template Result<std::vector<PartInfo>> RowTable<model::SpanBatch>::merge(
    const std::vector<std::string>&, int64_t);
template Result<uint64_t> RowTable<model::SpanBatch>::rows_before(const std::string&,
                                                                  int64_t) const;
template std::vector<bool> RowTable<model::SpanBatch>::kept_rows(const model::SpanBatch&, TimeRange,
                                                                 const KeepTrace*) const;
template Result<std::vector<PartInfo>> RowTable<model::SpanBatch>::rewrite(const std::string&,
                                                                           TimeRange,
                                                                           const KeepTrace*);
template std::vector<std::string> RowTable<model::LogBatch>::pick_merge() const;
template Result<std::vector<PartInfo>> RowTable<model::LogBatch>::join(
    const std::vector<std::string>&, uint32_t, int64_t, const Choice&);
template Result<std::vector<PartInfo>> RowTable<model::LogBatch>::merge(
    const std::vector<std::string>&, int64_t);
template Result<uint64_t> RowTable<model::LogBatch>::rows_before(const std::string&, int64_t) const;
template std::vector<bool> RowTable<model::LogBatch>::kept_rows(const model::LogBatch&, TimeRange,
                                                                const KeepTrace*) const;
template Result<std::vector<PartInfo>> RowTable<model::LogBatch>::rewrite(const std::string&,
                                                                          TimeRange,
                                                                          const KeepTrace*);

}  // namespace vedette::store::engine
