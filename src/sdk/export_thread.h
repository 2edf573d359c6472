// The thread that takes records out of queues, makes OTLP requests of them and sends them.
//
// Recording threads only ever touch a Lane's ring: they never wait, and when it is full the newest
// record is dropped and counted. A batch that could not be sent is tried again with growing,
// jittered pauses for five minutes, while the ring takes what comes; then it is dropped, counted
// and said. The thread starts with the first record, so it may be created before a fork; a forked
// child starts with empty queues, a thread and a connection of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sdk/connection.h"
#include "sdk/endpoint.h"
#include "sdk/ring.h"

namespace vedette::sdk {

/// Batch size and delay are those of opentelemetry-sdk's BatchSpanProcessor; the queue is bounded
/// by bytes, and by items where `queue_items` says so.
struct BatchOptions {
  size_t queue_bytes = 16u << 20;
  uint64_t queue_items = 0;
  uint64_t batch_items = 512;
  size_t request_bytes_max = 0;  // before compression; 0: ours
  std::chrono::milliseconds delay{5000};
};

/// Counts spans, log records or points of metrics.
struct LaneStats {
  uint64_t pending = 0;  // records in the queue now
  uint64_t queued = 0;
  uint64_t sent = 0;
  uint64_t dropped_full = 0;    // did not fit the queue
  uint64_t dropped_failed = 0;  // refused, given up, or left at exit
  uint64_t rejected = 0;        // by the server, item by item
};

/// One attempt to send a batch.
struct Operation {
  double seconds;
  std::string error;  // empty: it was taken
};

class Lane {
 public:
  Lane(BatchOptions options, Endpoint endpoint, WaitLimits* limits);
  ~Lane();

  /// Any thread. Null: the queue is full or shut, and the record is counted as dropped. `items`:
  /// of a metric its points, else one.
  char* reserve(size_t size, uint32_t source, uint64_t items = 1);
  /// True when the export thread should look.
  bool commit(char* record, uint64_t items = 1);

  LaneStats stats() const;
  /// Only a quarter of the queue is left: for what must not be lost.
  bool crowded() const;
  /// From the first call on, what was attempted since the call before: the newest 1,000. Any
  /// thread.
  std::vector<Operation> take_operations();
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  friend class ExportThread;
  struct Work;  // what the export thread alone touches

  int64_t step(int64_t now, bool urgent);
  bool idle() const;
  bool unreachable() const;
  void attempt(int64_t now);
  void keep_operation(int64_t ns, const SendResult& result);
  void attempt_failed(const SendResult& result, int64_t began);
  void retry_now();
  void build_batch();
  uint64_t items_in(std::string_view record) const;
  size_t request_bytes_max() const;
  void drop_too_large(size_t size, uint64_t items);
  void give_up(std::string_view why, int64_t now);
  void report_full(int64_t now);
  void drop_rest();
  void reset_in_child();

  const BatchOptions options_;
  const Endpoint endpoint_;
  WaitLimits* const limits_;
  std::unique_ptr<Ring> ring_;
  std::unique_ptr<Work> work_;
  std::atomic<bool> shut_{false};
  std::atomic<uint64_t> pending_{0};
  std::atomic<uint64_t> queued_{0};
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> dropped_full_{0};
  std::atomic<uint64_t> dropped_failed_{0};
  std::atomic<uint64_t> rejected_{0};
  std::atomic<bool> keep_operations_{false};
  std::mutex operations_mutex_;
  std::vector<Operation> operations_;  // under the mutex
};

class ExportThread : public std::enable_shared_from_this<ExportThread> {
 public:
  static std::shared_ptr<ExportThread> create();
  ~ExportThread();

  /// The lane lives as long as the thread object.
  Lane* add_lane(BatchOptions options, Endpoint endpoint);

  void commit(Lane& lane, char* record, uint64_t items = 1) {
    if (lane.commit(record, items) || !started_.load(std::memory_order_relaxed)) nudge();
  }

  /// Sends what is queued now. False: not all of it got through in time.
  bool flush(std::chrono::milliseconds timeout);
  /// Sends what is queued and ends the thread. After `timeout` the rest is dropped, counted and
  /// said.
  bool shutdown(std::chrono::milliseconds timeout);

  /// What a queue does around fork(); installed by create().
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

 private:
  ExportThread() = default;
  void nudge();
  void run();
  bool end_if_stopping(int64_t now);
  void reset_in_child();

  // Replaced as a whole in a forked child, where another thread may have held it.
  struct Sync {
    std::mutex mutex;
    std::condition_variable changed;
  };
  std::unique_ptr<Sync> sync_ = std::make_unique<Sync>();
  WaitLimits limits_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // under the mutex; grows only
  std::atomic<bool> started_{false};
  std::atomic<uint64_t> flush_wanted_{0};
  uint64_t flush_done_ = 0;  // under the mutex
  bool ended_ = false;       // under the mutex
  std::atomic<bool> stopping_{false};
};

}  // namespace vedette::sdk
