#include "base/scheduler.h"

#include <algorithm>

namespace vedette::base {

Scheduler::TimerId Scheduler::after(std::chrono::nanoseconds delay, Task task) {
  return add(delay, std::chrono::nanoseconds(0), std::move(task));
}

Scheduler::TimerId Scheduler::every(std::chrono::nanoseconds delay, std::chrono::nanoseconds period,
                                    Task task) {
  return add(delay, std::max(period, std::chrono::nanoseconds(1)), std::move(task));
}

Scheduler::TimerId Scheduler::add(std::chrono::nanoseconds delay, std::chrono::nanoseconds period,
                                  Task task) {
  const std::lock_guard lock(mutex_);
  const TimerId id = next_id_++;
  timers_.emplace(Key{clock_.monotonic_ns() + delay.count(), id},
                  Timer{std::move(task), period.count()});
  changed_.notify_one();
  return id;
}

void Scheduler::cancel(TimerId id) {
  std::unique_lock lock(mutex_);
  std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  if (running_ != id) return;
  running_cancelled_ = true;
  if (runner_ != std::this_thread::get_id()) idle_.wait(lock, [&] { return running_ != id; });
}

bool Scheduler::run_one() {
  std::unique_lock lock(mutex_);
  if (stopping_ || timers_.empty()) return false;
  const auto first = timers_.begin();
  const auto [when, id] = first->first;
  if (when > clock_.monotonic_ns()) return false;
  Timer timer = std::move(first->second);
  timers_.erase(first);
  running_ = id;
  running_cancelled_ = false;
  runner_ = std::this_thread::get_id();
  lock.unlock();
  timer.task();
  lock.lock();
  running_ = 0;
  if (timer.period_ns > 0 && !running_cancelled_) {
    const int64_t late = std::max<int64_t>(0, clock_.monotonic_ns() - when);
    const int64_t next = when + (late / timer.period_ns + 1) * timer.period_ns;
    timers_.emplace(Key{next, id}, std::move(timer));
  }
  idle_.notify_all();
  return true;
}

size_t Scheduler::run_due() {
  size_t ran = 0;
  while (run_one()) ++ran;
  return ran;
}

void Scheduler::start() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { loop(); });
}

void Scheduler::loop() {
  while (true) {
    run_due();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (timers_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait_ns = timers_.begin()->first.first - clock_.monotonic_ns();
    if (wait_ns > 0) changed_.wait_for(lock, std::chrono::nanoseconds(wait_ns));
  }
}

void Scheduler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace vedette::base
