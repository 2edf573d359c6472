// Time behind an interface, so that tests and the simulator drive it.
#pragma once

#include <atomic>
#include <cstdint>

namespace vedette::base {

/// Wall and monotonic time in nanoseconds. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Nanoseconds since 1970-01-01 UTC.
  virtual int64_t now_ns() const = 0;
  /// Nanoseconds since an arbitrary moment; never goes back.
  virtual int64_t monotonic_ns() const = 0;

  /// The machine's clock; lives for ever.
  static Clock& system();
};

/// A clock that stands still until it is told to move.
class SimClock final : public Clock {
 public:
  explicit SimClock(int64_t now_ns) : now_ns_(now_ns) {}
  int64_t now_ns() const override { return now_ns_.load(); }
  int64_t monotonic_ns() const override { return monotonic_ns_.load(); }
  void advance(int64_t ns) {
    now_ns_ += ns;
    monotonic_ns_ += ns;
  }
  /// Moves wall time alone, as a step of the system clock does.
  void set_now(int64_t now_ns) { now_ns_ = now_ns; }

 private:
  std::atomic<int64_t> now_ns_;
  std::atomic<int64_t> monotonic_ns_{0};
};

}  // namespace vedette::base
