#include "store/engine/series_index.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/string_table.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kCacheLine = 64;
constexpr uint32_t kFree = UINT32_MAX;
constexpr uint32_t kAliasBit = 1u << 31;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kSeriesPerCheck = 4096;
/// Enough of a metric's series to see which label is to blame.
constexpr size_t kSeriesExplained = 100'000;
/// What a series costs beside its bytes: entry, slot, postings. Measured on label sets of ten.
constexpr size_t kSeriesOverhead = 250;

uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace

SeriesIndex::SeriesIndex(size_t series_max)
    : series_max_(series_max), blocks_(new std::atomic<Entry*>[kIdEnd / kBlock]()) {
  slots_.assign(1024, {0, kFree});
}

SeriesIndex::~SeriesIndex() {
  for (SeriesId id = 0; id < next_; id += kBlock) delete[] blocks_[id / kBlock].load();
}

void SeriesIndex::prefetch_bytes(uint64_t hash) const {
  const uint32_t ref = slots_[hash & (slots_.size() - 1)].ref;
  if (ref >= next_) return;
  const Entry& e = entry(ref);
  for (size_t at = 0; at < e.length; at += kCacheLine) __builtin_prefetch(e.bytes.get() + at);
}

std::optional<SeriesId> SeriesIndex::find(uint64_t hash, std::string_view raw) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask; slots_[at].ref != kFree; at = (at + 1) & mask) {
    if (slots_[at].tag != tag_of(hash)) continue;
    const uint32_t ref = slots_[at].ref;
    if (ref & kAliasBit) {
      const Alias& alias = aliases_[ref & ~kAliasBit];
      if (alias.hash == hash && alias.raw == raw) return alias.id;
      continue;
    }
    const Entry& e = entry(ref);
    if (e.length == raw.size() && std::memcmp(e.bytes.get(), raw.data(), raw.size()) == 0)
      return ref;
  }
  return std::nullopt;
}

Result<SeriesId> SeriesIndex::resolve(uint64_t hash, std::string_view raw) {
  if (const auto known = find(hash, raw)) return *known;
  ASSIGN_OR_RETURN(const model::Labels labels, normalise_labels(raw));
  const std::string canonical = labels.canonical();
  if (canonical == raw) {
    if (size() >= series_max_ || next_ == kIdEnd) return over_limit(labels);
    split_canonical(raw, scratch_);
    return add(hash, raw, scratch_);
  }
  ASSIGN_OR_RETURN(const SeriesId id, resolve(base::hash_string(canonical), canonical));
  // Aliases are a convenience for clients with habits; random orders must not fill the memory.
  if (aliases_.size() < series_max_) {
    insert(hash, kAliasBit | static_cast<uint32_t>(aliases_.size()));
    bytes_ += raw.size() + sizeof(Alias);
    aliases_.push_back({std::string(raw), hash, id});
  }
  return id;
}

SeriesId SeriesIndex::restore(uint64_t hash, std::string_view canonical,
                              std::span<const LabelView> labels) {
  if (const auto known = find(hash, canonical)) return *known;
  return add(hash, canonical, labels);
}

SeriesId SeriesIndex::add(uint64_t hash, std::string_view canonical,
                          std::span<const LabelView> labels) {
  const SeriesId id = next_++;
  std::atomic<Entry*>& block = blocks_[id / kBlock];
  if (!block.load(std::memory_order_relaxed))
    block.store(new Entry[kBlock], std::memory_order_release);
  Entry& e = entry(id);
  e.bytes = std::make_unique<char[]>(canonical.size());
  std::memcpy(e.bytes.get(), canonical.data(), canonical.size());
  e.hash = hash;
  e.length = static_cast<uint32_t>(canonical.size());
  e.le = find_bucket_label(labels, canonical);
  insert(hash, id);
  postings_.add(id, labels);
  ++size_;
  bytes_ += canonical.size() + kSeriesOverhead;
  return id;
}

void SeriesIndex::insert(uint64_t hash, uint32_t ref) {
  if (++slots_used_ * 2 > slots_.size()) rebuild_slots(slots_.size() * 2);
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].ref != kFree) at = (at + 1) & mask;
  slots_[at] = {tag_of(hash), ref};
}

/// Fills a table of `count` slots with what the old one referred to and is still there.
void SeriesIndex::rebuild_slots(size_t count) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(count, Slot{0, kFree}));
  const size_t mask = count - 1;
  for (const Slot& slot : old) {
    if (slot.ref == kFree) continue;
    uint64_t hash = 0;
    if (slot.ref & kAliasBit) {
      hash = aliases_[slot.ref & ~kAliasBit].hash;
    } else {
      if (!entry(slot.ref).bytes) continue;
      hash = entry(slot.ref).hash;
    }
    size_t at = hash & mask;
    while (slots_[at].ref != kFree) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

bool SeriesIndex::collect(const PostingsSet& live) {
  const std::unique_lock lock(in_use_, std::try_to_lock);
  if (!lock) return false;
  size_t freed = 0;
  for (SeriesId id = 0; id < next_; ++id) {
    Entry& e = entry(id);
    if (!e.bytes || live.contains(id)) continue;
    split_canonical({e.bytes.get(), e.length}, scratch_);
    postings_.remove(id, scratch_);
    bytes_ -= e.length + kSeriesOverhead;
    e.bytes.reset();
    e.length = 0;
    ++freed;
  }
  if (freed == 0) return true;
  size_ -= freed;
  // Aliases are few and come back by themselves.
  for (const Alias& alias : aliases_) bytes_ -= alias.raw.size() + sizeof(Alias);
  std::erase_if(slots_,
                [](const Slot& slot) { return slot.ref != kFree && (slot.ref & kAliasBit); });
  aliases_.clear();
  slots_used_ = size();
  rebuild_slots(std::bit_ceil(std::max<size_t>(1024, slots_used_ * 2 + 2)));
  limit_metric_.clear();
  return true;
}

/// Names the metric and its label with the most values: nearly always the label that should not be
/// one.
Error SeriesIndex::over_limit(const model::Labels& labels) {
  const std::string metric(labels.metric_name());
  if (metric == limit_metric_) return {Code::kResourceExhausted, limit_reason_};
  std::unordered_map<std::string, std::unordered_set<std::string_view>> values;
  const std::vector<Matcher> matchers{{MatchOp::kEqual, std::string(model::kMetricName), metric}};
  const auto ids = postings_.select(matchers);
  size_t looked_at = 0;
  for (SeriesId id : ids.ok() ? ids->ids() : std::vector<SeriesId>()) {
    if (++looked_at > kSeriesExplained) break;
    split_canonical(canonical(id), scratch_);
    for (const LabelView& label : scratch_) values[std::string(label.name)].insert(label.value);
  }
  std::string worst;
  size_t count = 0;
  for (const auto& [name, set] : values) {
    if (set.size() > count || (set.size() == count && name < worst)) {
      worst = name;
      count = set.size();
    }
  }
  limit_metric_ = metric;
  limit_reason_ = "the limit of " + std::to_string(series_max_) +
                  " series is reached; a new series of metric \"" + metric + "\" was refused";
  if (count > 1) {
    limit_reason_ += "; its label \"" + worst + "\" has " + std::to_string(count) +
                     " different values: remove that label or raise the limit";
  }
  return {Code::kResourceExhausted, limit_reason_};
}

std::string_view SeriesIndex::canonical(SeriesId id) const {
  const Entry& e = entry(id);
  return {e.bytes.get(), e.length};
}

bool SeriesIndex::less(SeriesId a, SeriesId b) const {
  return part_order_less(canonical(a), entry(a).le, canonical(b), entry(b).le);
}

bool SeriesIndex::in_range(SeriesId id, TimeRange range) const {
  const Entry& e = entry(id);
  const int64_t first = e.min_ms.load(std::memory_order_relaxed),
                last = e.max_ms.load(std::memory_order_relaxed);
  if (first > last) return false;
  // Compared in milliseconds: the ends of a range may be the ends of int64.
  return last >= range.begin_ns / kNsPerMs - 1 && first <= range.end_ns / kNsPerMs;
}

Result<std::vector<Series>> SeriesIndex::select(std::span<const Matcher> matchers, TimeRange range,
                                                const ReadContext& context) const {
  const std::shared_lock lock(in_use_);
  ASSIGN_OR_RETURN(const PostingsSet found, postings_.select(matchers));
  std::vector<Series> out;
  size_t seen = 0;
  for (SeriesId id : found.ids()) {
    if (++seen % kSeriesPerCheck == 0) RETURN_IF_ERROR(context.check());
    if (!in_range(id, range)) continue;
    ASSIGN_OR_RETURN(model::Labels labels, model::Labels::parse(canonical(id)));
    out.push_back({id, std::move(labels)});
  }
  std::sort(out.begin(), out.end(),
            [](const Series& a, const Series& b) { return a.labels < b.labels; });
  return out;
}

Result<std::optional<PostingsSet>> SeriesIndex::among(const ValuesQuery& query) const {
  const TimeRange all;
  const bool timed = query.range.begin_ns != all.begin_ns || query.range.end_ns != all.end_ns;
  if (query.matchers.empty() && !timed) return std::optional<PostingsSet>();
  PostingsSet found;
  if (query.matchers.empty()) {
    ASSIGN_OR_RETURN(found, postings_.select({}));
  }
  for (const std::vector<Matcher>& matchers : query.matchers) {
    ASSIGN_OR_RETURN(const PostingsSet more, postings_.select(matchers));
    found.unite(more);
  }
  if (timed) {
    PostingsSet kept;
    for (SeriesId id : found.ids()) {
      if (in_range(id, query.range)) kept.add(id);
    }
    found = std::move(kept);
  }
  return std::optional<PostingsSet>(std::move(found));
}

namespace {
std::vector<std::string> sorted(std::vector<std::string> values, size_t limit) {
  std::sort(values.begin(), values.end());
  if (values.size() > limit) values.resize(limit);
  return values;
}
}  // namespace

Result<std::vector<std::string>> SeriesIndex::label_names(const ValuesQuery& query) const {
  const std::shared_lock lock(in_use_);
  ASSIGN_OR_RETURN(const std::optional<PostingsSet> set, among(query));
  return sorted(postings_.names(set ? &*set : nullptr), query.limit);
}

Result<std::vector<std::string>> SeriesIndex::label_values(const ValuesQuery& query) const {
  const std::shared_lock lock(in_use_);
  ASSIGN_OR_RETURN(const std::optional<PostingsSet> set, among(query));
  return sorted(postings_.values(query.key, set ? &*set : nullptr), query.limit);
}

}  // namespace vedette::store::engine
