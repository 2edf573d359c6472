#include "store/engine/writer.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kGroupBytesMax = 8u << 20;
constexpr size_t kWriteOverhead = 512;  // of a request, beyond its batches
constexpr std::chrono::milliseconds kHeldBackWait(50);

size_t bytes_of(const Write& write) {
  return kWriteOverhead + (write.spans ? write.spans->bytes() : 0) +
         (write.logs ? write.logs->bytes() : 0) + (write.samples ? write.samples->bytes() : 0);
}

}  // namespace

Writer::Writer(base::Clock& clock, std::unique_ptr<Wal> wal, DedupeWindow window,
               size_t queue_bytes_max, Hooks hooks)
    : clock_(clock),
      wal_(std::move(wal)),
      window_(std::move(window)),
      queue_bytes_max_(queue_bytes_max),
      hooks_(std::move(hooks)),
      thread_([this] { loop(); }) {}

Writer::~Writer() {
  kill();
}

void Writer::append(Write write, Store::Done done) {
  const size_t bytes = bytes_of(write);
  Error refusal;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kRunning) {
      refusal = {Code::kUnavailable, "the store is shutting down"};
    } else if (queue_bytes_ + bytes > queue_bytes_max_ && queue_bytes_ > 0) {
      refusal = {Code::kResourceExhausted,
                 "too many writes are waiting for the disk; send again later"};
    } else {
      queue_bytes_ += bytes;
      queue_.push_back({std::move(write), std::move(done), bytes, {}, 0});
      wake_.notify_one();
      return;
    }
  }
  done(std::move(refusal));
}

void Writer::run(const Task& task) {
  std::unique_lock lock(mutex_);
  if (thread_ended_) {
    task(*wal_, window_);
    return;
  }
  tasks_.push_back(&task);
  const uint64_t mine = ++tasks_added_;
  wake_.notify_one();
  task_done_.wait(lock, [&] { return tasks_run_ >= mine; });
}

void Writer::stop() {
  end_thread(State::kStopping);
}
void Writer::kill() {
  end_thread(State::kKilled);
}

void Writer::end_thread(State state) {
  {
    const std::lock_guard lock(mutex_);
    state_ = std::max(state_, state);
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Writer::room_made() {
  const std::lock_guard lock(mutex_);
  held_back_ = false;
  wake_.notify_one();
}

void Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto work = [&] {
    return !tasks_.empty() || state_ != State::kRunning || (!queue_.empty() && !held_back_);
  };
  if (!held_back_) return wake_.wait(lock, work);
  wake_.wait_for(lock, kHeldBackWait, work);
  held_back_ = false;
}

void Writer::take_group(std::vector<Pending>& group) {
  for (size_t bytes = 0; !queue_.empty() && bytes < kGroupBytesMax;) {
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

void Writer::loop() {
  std::vector<Pending> group;
  std::unique_lock lock(mutex_);
  for (;;) {
    wait_for_work(lock);
    const std::vector<const Task*> tasks = std::exchange(tasks_, {});
    const State state = state_;
    const bool waiting = !queue_.empty();
    if (!waiting && tasks.empty() && state != State::kRunning) break;
    lock.unlock();
    for (const Task* task : tasks) (*task)(*wal_, window_);
    Result<bool> admitted = state == State::kKilled
                                ? Error{Code::kUnavailable, "the store is shutting down"}
                            : waiting ? hooks_.admit()
                                      : Result<bool>(false);
    lock.lock();
    tasks_run_ += tasks.size();
    if (!tasks.empty()) task_done_.notify_all();
    held_back_ = waiting && admitted.ok() && !*admitted && state == State::kRunning;
    if (!waiting || held_back_) continue;

    take_group(group);
    lock.unlock();
    size_t bytes = 0;
    for (const Pending& pending : group) bytes += pending.bytes;
    if (admitted.ok()) {
      process(group);
    } else {
      refuse(group, admitted.error());
    }
    group.clear();
    lock.lock();
    queue_bytes_ -= bytes;
  }
  thread_ended_ = true;
  task_done_.notify_all();
}

void Writer::process(std::vector<Pending>& group) {
  if (Status status = log_group(group); !status.ok()) {
    return refuse(group, {Code::kUnavailable, "cannot write the log: " + status.error().message});
  }
  for (Pending& pending : group) {
    if (pending.sequence != 0) hooks_.apply(pending.write, pending.sequence, pending.outcome);
    const WriteOutcome& outcome = pending.outcome;
    ++writes_;
    duplicates_ += outcome.duplicate;
    rejected_rows_ += outcome.rejected_spans + outcome.rejected_logs + outcome.rejected_samples;
  }
  for (Pending& pending : group) pending.done(std::move(pending.outcome));
  hooks_.applied();
}

Status Writer::log_group(std::vector<Pending>& group) {
  const int64_t now = clock_.now_ns();
  window_.expire(now);
  const size_t remembered = window_.size();
  for (Pending& pending : group) {
    if (!window_.insert({pending.write.content_hash, now}, wal_->next_sequence())) {
      pending.outcome.duplicate = true;
      continue;
    }
    hooks_.screen(pending.write, pending.outcome);
    const Write& write = pending.write;
    if (!write.spans && !write.logs && !write.samples) continue;
    pending.sequence = wal_->add({now, write, {}});
  }
  Status status = wal_->commit();
  while (!status.ok() && window_.size() > remembered) window_.remove_last();
  return status;
}

void Writer::refuse(std::vector<Pending>& group, const Error& error) {
  for (Pending& pending : group) pending.done(error);
}

}  // namespace vedette::store::engine
