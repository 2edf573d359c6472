#include "base/clock.h"

#include <time.h>

namespace vedette::base {
namespace {

int64_t read(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  int64_t now_ns() const override { return read(CLOCK_REALTIME); }
  int64_t monotonic_ns() const override { return read(CLOCK_MONOTONIC); }
};

}  // namespace

Clock& Clock::system() {
  static SystemClock clock;
  return clock;
}

}  // namespace vedette::base
