#include "sdk/wall_clock.h"

#include <time.h>

#include <atomic>

namespace vedette::sdk {
namespace {

constexpr int64_t kMicrosecond = 1000;
constexpr int64_t kOffsetHoldsFor = 10'000 * kMicrosecond;

// Two threads that renew it at once get the same within what reading takes.
std::atomic<int64_t> known_offset{0};
std::atomic<int64_t> known_until{0};

int64_t read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Read between two readings of the other clock, which are close together unless the thread lost
/// its core between them.
int64_t renew_offset(int64_t now) {
  int64_t offset = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const int64_t wall = read_clock(CLOCK_REALTIME);
    const int64_t after = read_clock(CLOCK_MONOTONIC);
    offset = wall - (now + (after - now) / 2);
    if (after - now < kMicrosecond) break;
    now = after;
  }
  known_offset.store(offset, std::memory_order_relaxed);
  known_until.store(now + kOffsetHoldsFor, std::memory_order_relaxed);
  return offset;
}

}  // namespace

int64_t wall_now(int64_t* offset) {
  const int64_t now = read_clock(CLOCK_MONOTONIC);
  *offset = now < known_until.load(std::memory_order_relaxed)
                ? known_offset.load(std::memory_order_relaxed)
                : renew_offset(now);
  return now + *offset;
}

int64_t wall_now(int64_t offset) {
  return read_clock(CLOCK_MONOTONIC) + offset;
}

}  // namespace vedette::sdk
