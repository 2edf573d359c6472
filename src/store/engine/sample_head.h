// The newest samples, in memory, by series.
//
// A series has a chain of chunks whose rows are 12 bytes: milliseconds since the chunk's base, and
// the value. Samples newer than all before them go to the chain `in_order`; the others, in the
// order of their arrival, to `late`, which is sorted when read. So at equal times the row of `late`
// is always the later write.
//
//   Slot (64 bytes)          Chunk, in the arena
//   ┌───────────────────┐   ┌──────┬──────┬──────────┬─────┬─────┬───┐
//   │in_order.first     │──►│ next │ base │ capacity │ row │ row │ … │──► Chunk
//   │in_order.count     │   └──────┴──────┴──────────┴─────┴─────┴───┘
//   │last_ms            │
//   │late               │──► a chain like it
//   └───────────────────┘
//
// Thread rule: one writer, which takes no lock; any readers. A row is written before the chain's
// count is stored (release) and read after the count is loaded (acquire). Nothing moves or is freed
// while the head lives; readers hold it by shared_ptr. append() allocates only when a chunk is
// full, from blocks of 256 KiB.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "store/engine/sample_run.h"
#include "store/store.h"

namespace vedette::store::engine {

class SampleHead {
 public:
  SampleHead();
  ~SampleHead();
  SampleHead(const SampleHead&) = delete;
  SampleHead& operator=(const SampleHead&) = delete;

  // The writer.
  void append(SeriesId id, int64_t time_ms, double value);
  // For rows that are known ahead: bring the slot of the series into the cache, and some rows later
  // its last chunk.
  void prefetch_slot(SeriesId id) const;
  void prefetch_row(SeriesId id) const;

  // Any thread.
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  /// Samples with begin <= time < end behind what `out` holds, sorted and distinct among
  /// themselves.
  void collect(SeriesId id, int64_t begin_ms, int64_t end_ms, SampleRun& out) const;
  bool has(SeriesId id) const;
  /// Rows taken, among them those that a later write replaced.
  uint64_t rows() const { return rows_.load(std::memory_order_relaxed); }

  // Once the writer has put it aside.
  const std::vector<SeriesId>& series() const { return series_; }
  /// Rows by day, in the order the days were met; of many days only the first 32.
  const std::vector<std::pair<int64_t, uint64_t>>& days() const { return days_; }

 private:
  struct Chunk;
  struct Chain {
    std::atomic<Chunk*> first{nullptr};
    Chunk* last = nullptr;
    std::atomic<uint32_t> count{0};
    uint32_t in_last = 0;  // rows in `last`
  };
  struct alignas(64) Slot {
    Chain in_order;
    int64_t last_ms = INT64_MIN;
    std::atomic<Chain*> late{nullptr};
  };
  static constexpr size_t kSlotBlock = 1024;

  Slot* find(SeriesId id) const;
  Slot& make(SeriesId id);
  void push(Chain& chain, int64_t time_ms, double value);
  Chunk* grow(Chain& chain, int64_t base_ms);
  void count_day(int64_t time_ms);
  char* allocate(size_t bytes);
  static void walk(const Chain& chain, int64_t begin_ms, int64_t end_ms, bool ascending,
                   SampleRun& out);

  std::unique_ptr<std::atomic<Slot*>[]> slots_;  // by id / kSlotBlock
  std::vector<SeriesId> series_;
  std::vector<std::unique_ptr<char[]>> arena_;
  size_t arena_left_ = 0;
  std::atomic<size_t> bytes_{0};
  std::atomic<uint64_t> rows_{0};
  std::vector<std::pair<int64_t, uint64_t>> days_;
  size_t day_ = 0;  // of the last row, in days_
  int64_t day_begin_ms_ = INT64_MAX;
};

}  // namespace vedette::store::engine
