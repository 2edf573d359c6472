// The one thread that writes: it takes requests from a byte-bounded queue, commits all that wait as
// one group of log records, shows them to readers and answers. It owns the log, the window of seen
// requests and, by the hooks, the heads of all tables.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/engine/dedupe_window.h"
#include "store/engine/wal.h"
#include "store/store.h"

namespace vedette::store::engine {

/// append() and run() from any thread.
class Writer {
 public:
  /// All are called on the writer's thread.
  struct Hooks {
    /// False: not now, ask again after room_made() or a moment. An error refuses the group.
    std::function<Result<bool>()> admit;
    /// Takes out rows that are not accepted.
    std::function<void(Write&, WriteOutcome&)> screen;
    /// Puts an accepted write into the heads.
    std::function<void(const Write&, uint64_t sequence, WriteOutcome&)> apply;
    /// After each group.
    std::function<void()> applied;
  };

  Writer(base::Clock& clock, std::unique_ptr<Wal> wal, DedupeWindow window, size_t queue_bytes_max,
         Hooks hooks);
  ~Writer();

  void append(Write write, Store::Done done);
  /// Runs `task` on the writer's thread, between two groups, and waits for it.
  using Task = std::function<void(Wal&, DedupeWindow&)>;
  void run(const Task& task);
  /// Writes that admit() held back may go on.
  void room_made();
  /// Refuses new writes, finishes those that wait, ends the thread. run() then works on the
  /// caller's thread.
  void stop();
  /// Ends the thread and refuses what waits.
  void kill();

  uint64_t wal_bytes() const { return wal_->bytes(); }
  uint64_t writes() const { return writes_; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t rejected_rows() const { return rejected_rows_; }

 private:
  struct Pending {
    Write write;
    Store::Done done;
    size_t bytes = 0;
    WriteOutcome outcome;
    uint64_t sequence = 0;  // 0: nothing to log
  };
  enum class State : uint8_t { kRunning, kStopping, kKilled };

  void loop();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void take_group(std::vector<Pending>& group);
  void process(std::vector<Pending>& group);
  Status log_group(std::vector<Pending>& group);
  void refuse(std::vector<Pending>& group, const Error& error);
  void end_thread(State state);

  base::Clock& clock_;
  std::unique_ptr<Wal> wal_;
  DedupeWindow window_;
  const size_t queue_bytes_max_;
  Hooks hooks_;
  std::atomic<uint64_t> writes_ = 0;
  std::atomic<uint64_t> duplicates_ = 0;
  std::atomic<uint64_t> rejected_rows_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::condition_variable task_done_;
  std::deque<Pending> queue_;
  size_t queue_bytes_ = 0;
  std::vector<const Task*> tasks_;
  uint64_t tasks_added_ = 0;
  uint64_t tasks_run_ = 0;
  State state_ = State::kRunning;
  bool held_back_ = false;
  bool thread_ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace vedette::store::engine
