// A fixed number of threads working off a bounded queue, oldest first.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vedette::base {

/// Thread-safe. Tasks must not throw.
class ThreadPool {
 public:
  using Task = std::function<void()>;

  ThreadPool(unsigned threads, size_t queue_max);
  /// Runs what is queued, then ends.
  ~ThreadPool();

  /// False when the queue is full or the pool is ending: the task is not run, and left as it was.
  bool submit(Task& task);
  size_t queued() const;

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Task> queue_;
  size_t queue_max_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vedette::base
