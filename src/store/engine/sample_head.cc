#include "store/engine/sample_head.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "store/engine/series_index.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kRowBytes = 12;
constexpr uint32_t kFirstChunkRows =
    8;  // each chunk is twice as long as the one before, up to the last figure
constexpr uint32_t kChunkRowsMax = 64;
constexpr size_t kArenaBlock = 256 << 10;
constexpr size_t kDaysCounted = 32;

}  // namespace

struct SampleHead::Chunk {
  std::atomic<Chunk*> next;
  int64_t base_ms;
  std::atomic<uint32_t>
      capacity;  // shrinks to the rows in use when a time doesn't fit into 32 bits

  char* row(uint32_t i) { return reinterpret_cast<char*>(this + 1) + i * kRowBytes; }
  const char* row(uint32_t i) const {
    return reinterpret_cast<const char*>(this + 1) + i * kRowBytes;
  }
};

SampleHead::SampleHead() : slots_(new std::atomic<Slot*>[SeriesIndex::kIdEnd / kSlotBlock]()) {}

SampleHead::~SampleHead() {
  for (size_t i = 0; i < SeriesIndex::kIdEnd / kSlotBlock; ++i)
    delete[] slots_[i].load(std::memory_order_relaxed);
}

SampleHead::Slot* SampleHead::find(SeriesId id) const {
  if (id >= SeriesIndex::kIdEnd) return nullptr;
  Slot* block = slots_[id / kSlotBlock].load(std::memory_order_acquire);
  return block ? &block[id % kSlotBlock] : nullptr;
}

SampleHead::Slot& SampleHead::make(SeriesId id) {
  if (Slot* slot = find(id)) return *slot;
  auto* block = new Slot[kSlotBlock];
  bytes_ += kSlotBlock * sizeof(Slot);
  slots_[id / kSlotBlock].store(block, std::memory_order_release);
  return block[id % kSlotBlock];
}

void SampleHead::prefetch_slot(SeriesId id) const {
  if (const Slot* slot = find(id)) __builtin_prefetch(slot);
}

void SampleHead::prefetch_row(SeriesId id) const {
  const Slot* slot = find(id);
  const Chunk* chunk = slot ? slot->in_order.last : nullptr;
  if (!chunk) return;
  __builtin_prefetch(chunk);
  __builtin_prefetch(chunk->row(slot->in_order.in_last), 1);
}

char* SampleHead::allocate(size_t bytes) {
  bytes = (bytes + 7) / 8 * 8;
  if (arena_left_ < bytes) {
    arena_.emplace_back(new char[kArenaBlock]);
    arena_left_ = kArenaBlock;
    bytes_ += kArenaBlock;
  }
  char* out = arena_.back().get() + kArenaBlock - arena_left_;
  arena_left_ -= bytes;
  return out;
}

SampleHead::Chunk* SampleHead::grow(Chain& chain, int64_t base_ms) {
  uint32_t rows = kFirstChunkRows;
  if (chain.last) {
    rows = std::min(kChunkRowsMax,
                    std::bit_ceil(chain.last->capacity.load(std::memory_order_relaxed) * 2));
    chain.last->capacity.store(chain.in_last, std::memory_order_relaxed);
  }
  auto* chunk = new (allocate(sizeof(Chunk) + rows * kRowBytes)) Chunk{nullptr, base_ms, rows};
  if (chain.last) {
    chain.last->next.store(chunk, std::memory_order_release);
  } else {
    chain.first.store(chunk, std::memory_order_release);
  }
  chain.last = chunk;
  chain.in_last = 0;
  return chunk;
}

void SampleHead::push(Chain& chain, int64_t time_ms, double value) {
  Chunk* chunk = chain.last;
  if (!chunk || chain.in_last == chunk->capacity.load(std::memory_order_relaxed) ||
      time_ms - chunk->base_ms != static_cast<int32_t>(time_ms - chunk->base_ms)) {
    chunk = grow(chain, time_ms);
  }
  const auto delta = static_cast<int32_t>(time_ms - chunk->base_ms);
  char* row = chunk->row(chain.in_last++);
  std::memcpy(row, &delta, sizeof delta);
  std::memcpy(row + sizeof delta, &value, sizeof value);
  chain.count.store(chain.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void SampleHead::append(SeriesId id, int64_t time_ms, double value) {
  Slot& slot = make(id);
  if (time_ms > slot.last_ms) {
    if (!slot.in_order.last) series_.push_back(id);
    push(slot.in_order, time_ms, value);
    slot.last_ms = time_ms;
  } else {
    Chain* late = slot.late.load(std::memory_order_relaxed);
    if (time_ms == slot.last_ms && !late) {
      double last;
      std::memcpy(&last, slot.in_order.last->row(slot.in_order.in_last - 1) + sizeof(int32_t),
                  sizeof last);
      if (std::bit_cast<uint64_t>(last) == std::bit_cast<uint64_t>(value)) return;
    }
    if (!late) {
      late = new (allocate(sizeof(Chain))) Chain();
      slot.late.store(late, std::memory_order_release);
    }
    push(*late, time_ms, value);
  }
  rows_.store(rows_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  count_day(time_ms);
}

void SampleHead::count_day(int64_t time_ms) {
  if (time_ms < day_begin_ms_ || time_ms - day_begin_ms_ >= kMsPerDay) {
    const int64_t day = day_of(time_ms);
    day_begin_ms_ = day * kMsPerDay;
    const auto known =
        std::find_if(days_.begin(), days_.end(), [day](const auto& d) { return d.first == day; });
    day_ = static_cast<size_t>(known - days_.begin());
    if (known == days_.end()) {
      if (days_.size() == kDaysCounted) {  // such days are counted nowhere
        day_begin_ms_ = INT64_MAX;
        return;
      }
      days_.emplace_back(day, 0);
    }
  }
  ++days_[day_].second;
}

void SampleHead::walk(const Chain& chain, int64_t begin_ms, int64_t end_ms, bool ascending,
                      SampleRun& out) {
  uint32_t left = chain.count.load(std::memory_order_acquire);
  const Chunk* chunk = chain.first.load(std::memory_order_acquire);
  while (left > 0) {
    const uint32_t rows = std::min(left, chunk->capacity.load(std::memory_order_relaxed));
    left -= rows;
    const Chunk* next = left > 0 ? chunk->next.load(std::memory_order_acquire) : nullptr;
    if (ascending && chunk->base_ms >= end_ms) return;
    if (!(ascending && next && next->base_ms <= begin_ms)) {
      for (uint32_t i = 0; i < rows; ++i) {
        int32_t delta;
        double value;
        std::memcpy(&delta, chunk->row(i), sizeof delta);
        std::memcpy(&value, chunk->row(i) + sizeof delta, sizeof value);
        const int64_t time = chunk->base_ms + delta;
        if (time >= begin_ms && time < end_ms) out.add(time, value);
      }
    }
    chunk = next;
  }
}

void SampleHead::collect(SeriesId id, int64_t begin_ms, int64_t end_ms, SampleRun& out) const {
  const Slot* slot = find(id);
  if (!slot) return;
  // `late` is read first: a row there may be newer than one in order, never the other way round.
  const Chain* late = slot->late.load(std::memory_order_acquire);
  if (!late) {
    walk(slot->in_order, begin_ms, end_ms, true, out);
    return;
  }
  SampleRun arrivals, run;
  walk(*late, begin_ms, end_ms, false, arrivals);
  walk(slot->in_order, begin_ms, end_ms, true, run);
  sort_arrivals(arrivals);
  merge_run(run, arrivals);
  out.time_ms.insert(out.time_ms.end(), run.time_ms.begin(), run.time_ms.end());
  out.value.insert(out.value.end(), run.value.begin(), run.value.end());
}

bool SampleHead::has(SeriesId id) const {
  const Slot* slot = find(id);
  return slot && slot->in_order.count.load(std::memory_order_acquire) > 0;
}

}  // namespace vedette::store::engine
