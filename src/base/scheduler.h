// Timers on one thread: things to do after a while, or again and again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"

namespace vedette::base {

/// Thread-safe. Tasks run one after the other and should be short: long work goes to a pool.
///
/// Time is the clock's monotonic time. Without start() nothing runs by itself: tests move a
/// SimClock and call run_due().
class Scheduler {
 public:
  explicit Scheduler(Clock& clock) : clock_(clock) {}
  ~Scheduler() { stop(); }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  using Task = std::function<void()>;
  using TimerId = uint64_t;

  /// Once.
  TimerId after(std::chrono::nanoseconds delay, Task task);
  /// First after `delay`, then every `period`. Periods missed, as when the machine slept, are
  /// skipped.
  TimerId every(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, Task task);
  /// When it returns the task is not running and will not run again; within the task itself it only
  /// does the latter.
  void cancel(TimerId id);

  void start();
  /// Returns once no task runs. Idempotent.
  void stop();

  /// Runs what is due; gives how many tasks ran.
  size_t run_due();

 private:
  struct Timer {
    Task task;
    int64_t period_ns;  // 0: once
  };
  using Key = std::pair<int64_t, TimerId>;  // when, who

  TimerId add(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, Task task);
  bool run_one();
  void loop();

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable idle_;
  std::map<Key, Timer> timers_;
  TimerId next_id_ = 1;
  TimerId running_ = 0;
  bool running_cancelled_ = false;
  std::thread::id runner_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vedette::base
