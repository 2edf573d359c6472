// Which series there are: label sets to ids and back, the inverted index over them, and the times
// they cover.
//
// A label set is known by its canonical bytes: 64-bit hash, then byte compare. Encodings of the
// same labels that are not canonical (unsorted, with empty values) are normalised when first seen
// and kept as aliases.
//
// Thread rule: writer-thread calls own the hash table and need no lock. Readers take a shared lock
// on `in_use_` for the whole of a call, so that what they look at is not removed; the writer never
// waits for it: collect() only tries to take it and otherwise leaves the work for next time. See
// PostingsIndex for the short lock below it.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/engine/postings_index.h"
#include "store/engine/series_labels.h"
#include "store/store.h"

namespace vedette::store::engine {

class SeriesIndex {
 public:
  /// Ids are never used twice while the process lives, so this bounds the series a process can ever
  /// see.
  static constexpr SeriesId kIdEnd = 1u << 26;

  explicit SeriesIndex(size_t series_max);
  ~SeriesIndex();

  // On the writer thread (or before there are others).
  // A look-up misses the cache three times: in the slot, the entry, the bytes. For look-ups that
  // are known ahead, these bring them in, one after the other and some look-ups apart.
  void prefetch_slot(uint64_t hash) const {
    __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  void prefetch_entry(uint64_t hash) const {
    const uint32_t ref = slots_[hash & (slots_.size() - 1)].ref;
    if (ref < next_) __builtin_prefetch(&entry(ref));
  }
  void prefetch_bytes(uint64_t hash) const;
  std::optional<SeriesId> find(uint64_t hash, std::string_view raw) const;
  /// Adds the series if it is new. `raw` is any encoding of a label set; errors are for the writer
  /// of the data.
  Result<SeriesId> resolve(uint64_t hash, std::string_view raw);
  /// For bytes that are known to be canonical; the limit on series does not hold for what is
  /// already stored.
  SeriesId restore(uint64_t hash, std::string_view canonical, std::span<const LabelView> labels);
  /// Widens the times that a series covers.
  void cover(SeriesId id, int64_t time_ms) {
    Entry& e = entry(id);
    if (time_ms > e.max_ms.load(std::memory_order_relaxed))
      e.max_ms.store(time_ms, std::memory_order_relaxed);
    if (time_ms < e.min_ms.load(std::memory_order_relaxed))
      e.min_ms.store(time_ms, std::memory_order_relaxed);
  }
  /// Forgets series that are not in `live`. False, with nothing done, when a reader is inside.
  bool collect(const PostingsSet& live);

  // On any thread.
  Result<std::vector<Series>> select(std::span<const Matcher> matchers, TimeRange range,
                                     const ReadContext& context) const;
  Result<std::vector<std::string>> label_names(const ValuesQuery& query) const;
  Result<std::vector<std::string>> label_values(const ValuesQuery& query) const;
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// While this is held no series is forgotten.
  std::shared_lock<std::shared_mutex> pin() const { return std::shared_lock(in_use_); }
  /// Under pin(), or of a series that has samples in a head or a part. Empty: forgotten.
  std::string_view canonical(SeriesId id) const;
  /// part_order_less of two series.
  bool less(SeriesId a, SeriesId b) const;

 private:
  struct Entry {
    std::unique_ptr<char[]> bytes;
    uint64_t hash = 0;
    uint32_t length = 0;
    BucketLabel le;
    std::atomic<int64_t> min_ms{std::numeric_limits<int64_t>::max()};
    std::atomic<int64_t> max_ms{std::numeric_limits<int64_t>::min()};
  };
  struct Alias {
    std::string raw;
    uint64_t hash;
    SeriesId id;
  };
  struct Slot {
    uint32_t tag;  // upper half of the hash
    uint32_t ref;  // a series id, kAliasBit | number of an alias, or kFree
  };
  static constexpr size_t kBlock = 1024;  // entries made at once

  Entry& entry(SeriesId id) const {
    return blocks_[id / kBlock].load(std::memory_order_acquire)[id % kBlock];
  }
  void insert(uint64_t hash, uint32_t ref);
  void rebuild_slots(size_t count);
  SeriesId add(uint64_t hash, std::string_view canonical, std::span<const LabelView> labels);
  Error over_limit(const model::Labels& labels);
  bool in_range(SeriesId id, TimeRange range) const;
  /// Series of any of the matcher sets that lie in the range; nullopt: no condition at all.
  Result<std::optional<PostingsSet>> among(const ValuesQuery& query) const;

  const size_t series_max_;
  std::unique_ptr<std::atomic<Entry*>[]> blocks_;
  SeriesId next_ = 0;
  std::vector<Slot> slots_;
  size_t slots_used_ = 0;
  std::vector<Alias> aliases_;
  std::vector<LabelView> scratch_;
  std::string limit_metric_, limit_reason_;  // the last explanation, which is costly to make
  std::atomic<size_t> size_{0};
  std::atomic<size_t> bytes_{0};

  mutable std::shared_mutex in_use_;
  PostingsIndex postings_;
};

}  // namespace vedette::store::engine
