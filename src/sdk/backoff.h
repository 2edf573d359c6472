// When to try again what could not be sent: pauses that grow, with jitter, so that many workers do
// not come back at once; never so long that delivery resumes later than 10 s after the server has.
// OTLP specification, "Retryable response codes". Used by one thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace vedette::sdk {

class Backoff {
 public:
  static constexpr int64_t kFirst = 500'000'000;  // ns
  static constexpr int64_t kLongest = 6'000'000'000;

  /// The time of the next attempt, after one that ran from `began` to `now`: nanoseconds of one
  /// clock. `wished`: how long the server asked to be left alone; `random`: any number.
  int64_t next(int64_t began, int64_t now, int64_t wished, uint64_t random) {
    const auto jitter = static_cast<int64_t>(random % static_cast<uint64_t>(pause_));
    const int64_t pause = pause_ / 2 + jitter;
    pause_ = std::min(pause_ * 2, kLongest);
    // A server that took long to fail has been left alone meanwhile.
    return std::max({now + wished, began + pause, now + std::min(pause, kFirst)});
  }

  void reset() { pause_ = kFirst; }

 private:
  int64_t pause_ = kFirst;
};

}  // namespace vedette::sdk
