#include "sdk/export_thread.h"

#include <pthread.h>
#include <signal.h>

#include <thread>

#include "sdk/diagnostic.h"
#include "sdk/ids.h"
#include "sdk/source_table.h"

namespace vedette::sdk {
namespace {

/// Every export thread of the process, for fork().
struct Registry {
  std::mutex mutex;
  std::vector<std::weak_ptr<ExportThread>> threads;
};

Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

int64_t in_ns(std::chrono::milliseconds t) {
  return t.count() * 1'000'000;
}

/// While stopping, a server that does not even take the connection gets no more than this.
constexpr int64_t kConnectAtExit = 1'500'000'000;

}  // namespace

std::shared_ptr<ExportThread> ExportThread::create() {
  [[maybe_unused]] static const int once =
      pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
  std::shared_ptr<ExportThread> made(new ExportThread);
  const std::lock_guard lock(registry().mutex);
  std::erase_if(registry().threads, [](const auto& weak) { return weak.expired(); });
  registry().threads.push_back(made);
  return made;
}

ExportThread::~ExportThread() = default;

Lane* ExportThread::add_lane(BatchOptions options, Endpoint endpoint) {
  auto lane = std::make_unique<Lane>(options, std::move(endpoint), &limits_);
  const std::lock_guard lock(sync_->mutex);
  lanes_.push_back(std::move(lane));
  return lanes_.back().get();
}

void ExportThread::nudge() {
  if (!started_.exchange(true, std::memory_order_acq_rel)) {
    // The application's signals are for the application's threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([self = shared_from_this()] { self->run(); }).detach();
    } catch (const std::exception&) {
      started_ = false;  // no thread to be had now; the next record tries again
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  limits_.waker.wake();
}

void ExportThread::run() {
  pthread_setname_np(pthread_self(), "vedette-export");
  uint64_t flush_seen = 0;
  std::vector<Lane*> lanes;
  while (true) {
    const uint64_t flush = flush_wanted_.load(std::memory_order_acquire);
    const bool stopping = stopping_.load(std::memory_order_acquire);
    {
      const std::lock_guard lock(sync_->mutex);
      lanes.clear();
      for (const auto& lane : lanes_) lanes.push_back(lane.get());
    }
    const int64_t now = monotonic_now();
    if (stopping && now >= limits_.all_by.load()) break;  // no attempt that could only half succeed
    const bool urgent = stopping || flush != flush_done_;
    if (flush != flush_seen) {
      for (Lane* lane : lanes) lane->retry_now();
      flush_seen = flush;
    }
    int64_t next = INT64_MAX;
    bool idle = true;
    for (Lane* lane : lanes) {
      next = std::min(next, lane->step(now, urgent));
      idle = idle && lane->idle();
    }
    if (idle && flush != flush_done_) {
      const std::lock_guard lock(sync_->mutex);
      flush_done_ = flush;
      sync_->changed.notify_all();
    }
    if (stopping && (idle || end_if_stopping(monotonic_now()))) break;
    if (next > monotonic_now()) limits_.waker.wait(std::min(next, limits_.all_by.load()));
  }
  for (Lane* lane : lanes) lane->drop_rest();
  const std::lock_guard lock(sync_->mutex);
  ended_ = true;
  flush_done_ = flush_wanted_;
  sync_->changed.notify_all();
}

/// Time is over, or a server that is away would only keep the process from ending.
bool ExportThread::end_if_stopping(int64_t now) {
  if (now >= limits_.all_by.load()) return true;
  const std::lock_guard lock(sync_->mutex);
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane->idle() || lane->unreachable(); });
}

bool ExportThread::flush(std::chrono::milliseconds timeout) {
  if (!started_.load()) return true;
  uint64_t lost_before = 0;
  uint64_t lost_after = 0;
  std::unique_lock lock(sync_->mutex);
  for (const auto& lane : lanes_) lost_before += lane->stats().dropped_failed;
  const uint64_t wanted = flush_wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
  limits_.waker.wake();
  const bool done =
      sync_->changed.wait_for(lock, timeout, [&] { return flush_done_ >= wanted || ended_; });
  for (const auto& lane : lanes_) lost_after += lane->stats().dropped_failed;
  return done && lost_after == lost_before;
}

bool ExportThread::shutdown(std::chrono::milliseconds timeout) {
  std::unique_lock lock(sync_->mutex);
  if (stopping_.exchange(true)) return ended_;
  uint64_t lost = 0;
  for (const auto& lane : lanes_) {
    lane->shut_ = true;
    lost -= lane->stats().dropped_failed;
  }
  const int64_t now = monotonic_now();
  limits_.all_by = now + in_ns(timeout);
  limits_.connect_by = now + std::min(in_ns(timeout), kConnectAtExit);
  flush_wanted_.fetch_add(1, std::memory_order_acq_rel);
  if (!started_.load()) {
    ended_ = true;
    return true;
  }
  limits_.waker.wake();
  // A little more than asked for, so that the thread itself can count and say what is lost. Should
  // it hang in a name lookup, the process ends without it.
  const bool ended = sync_->changed.wait_for(lock, timeout + std::chrono::milliseconds(300),
                                             [&] { return ended_; });
  for (const auto& lane : lanes_) lost += lane->stats().dropped_failed;
  return ended && lost == 0;
}

void ExportThread::reset_in_child() {
  [[maybe_unused]] auto* left = sync_.release();
  sync_ = std::make_unique<Sync>();
  limits_.waker.reopen();
  limits_.all_by = INT64_MAX;
  limits_.connect_by = INT64_MAX;
  started_ = false;
  flush_wanted_ = 0;
  flush_done_ = 0;
  ended_ = stopping_.load();
  for (const auto& lane : lanes_) lane->reset_in_child();
}

void ExportThread::before_fork() {
  registry().mutex.lock();
  SourceTable::instance().lock();
}

void ExportThread::after_fork_in_parent() {
  SourceTable::instance().unlock();
  registry().mutex.unlock();
}

void ExportThread::after_fork_in_child() {
  SourceTable::instance().unlock();
  IdGenerator::reseed_all();
  // Only the thread that forked exists here, and it holds no reference of its own.
  for (const auto& weak : registry().threads) {
    if (const auto thread = weak.lock()) thread->reset_in_child();
  }
  registry().mutex.unlock();
}

}  // namespace vedette::sdk
