#include <malloc.h>

#include "base/log.h"
#include "store/engine/engine_impl.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr std::chrono::seconds kTick(1);
constexpr std::chrono::seconds kPauseMin(1);
constexpr std::chrono::seconds kPauseMax(30);
constexpr int64_t kMergeRetryNs = 300 * kSecondNs;

}  // namespace

void EngineImpl::stop_background() {
  {
    const std::lock_guard lock(state_mutex_);
    stopping_ = true;
    background_wake_.notify_all();
  }
  if (flusher_.joinable()) flusher_.join();
  if (merger_.joinable()) merger_.join();
}

void EngineImpl::flush_loop() {
  std::chrono::seconds pause(0);  // after a flush that failed: longer each time
  for (;;) {
    {
      std::unique_lock lock(state_mutex_);
      if (pause.count() > 0) {
        background_wake_.wait_for(lock, pause, [&] { return stopping_; });
      } else {
        background_wake_.wait_for(lock, kTick, [&] { return stopping_ || flush_due_; });
      }
      if (stopping_) return;
      flush_due_ = false;
    }
    writer_->run([&](Wal&, DedupeWindow&) { freeze_due(); });
    check_disk();
    bool something = false;
    const std::lock_guard flushing(flush_mutex_);
    if (Status status = write_frozen_heads(something); status.ok()) {
      pause = std::chrono::seconds(0);
    } else {
      pause = std::clamp(pause * 2, kPauseMin, kPauseMax);
      log_error("what is in memory can't be written to disk; it is tried again",
                {{"why", status.error().message}, {"in_seconds", pause.count()}});
    }
  }
}

void EngineImpl::merge_loop() {
  for (;;) {
    {
      std::unique_lock lock(state_mutex_);
      if (background_wake_.wait_for(lock, kTick, [&] { return stopping_; })) return;
    }
    const std::lock_guard merging(merge_mutex_);
    merge_round();
  }
}

Status EngineImpl::flush() {
  const std::lock_guard flushing(flush_mutex_);
  if (closed_) return {};
  return flush_all();
}

Result<bool> EngineImpl::run_background_once() {
  bool worked = false;
  {
    const std::lock_guard flushing(flush_mutex_);
    if (closed_) return false;
    check_disk();
    if (options_.manual_background) {
      RETURN_IF_ERROR(flush_all());
    } else {
      RETURN_IF_ERROR(write_frozen_heads(worked));
    }
  }
  const std::lock_guard merging(merge_mutex_);
  if (closed_) return false;
  worked |= merge_round();
  return worked;
}

bool EngineImpl::merge_round() {
  bool worked = drop_expired_parts();
  worked |= trim_one_part();
  for (TableState& state : states_) worked |= run_merge(state);
  return worked;
}

Status EngineImpl::flush_all() {
  bool something = false;
  RETURN_IF_ERROR(write_frozen_heads(something));
  writer_->run([&](Wal&, DedupeWindow&) {
    for (TableState& state : states_) freeze(state);
  });
  return write_frozen_heads(something);
}

Status EngineImpl::write_frozen_heads(bool& something) {
  std::vector<PartChange> changes(states_.size());
  Status failed;
  bool any = false;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i].frozen_first == 0) continue;
    Result<std::vector<PartInfo>> written = states_[i].table->write_frozen();
    if (written.ok()) {
      any = changes[i].frozen_written = true;
      changes[i].added = *std::move(written);
    } else {
      failed = written.status();
    }
  }
  if (any) {
    if (Status status = commit(changes); status.ok()) {
      ++flushes_;
      something = true;
    } else {
      failed = std::move(status);
    }
  }
  {
    const std::lock_guard lock(state_mutex_);
    flush_error_ = failed.ok() ? "" : failed.error().message;
  }
  writer_->room_made();
  if (any) {
    RETURN_IF_ERROR(remove_log());
    ::malloc_trim(0);
  }
  return failed;
}

Status EngineImpl::commit(std::vector<PartChange>& changes) {
  bool in_place = false;
  Status status = save_and_publish(changes, in_place);
  if (status.ok()) {
    for (const PartChange& change : changes) remove_parts(change.removed);
    return {};
  }
  for (size_t i = 0; i < states_.size(); ++i) {
    states_[i].table->discard(changes[i].added);
    // Once the new manifest may be in place, its parts must stay: a restart may find it. They are
    // strays then.
    if (in_place) continue;
    for (const PartInfo& part : changes[i].added) remove_parts({part.file});
  }
  return {status.error().code, "cannot save the manifest: " + status.error().message};
}

Status EngineImpl::save_and_publish(const std::vector<PartChange>& changes, bool& in_place) {
  const std::lock_guard lock(manifest_mutex_);
  Manifest next = manifest_;
  next.next_file = next_file_;
  writer_->run([&](Wal& wal, DedupeWindow&) {
    for (size_t i = 0; i < states_.size(); ++i) {
      const TableState& state = states_[i];
      next.replay_from[i] = state.head_first != 0 ? state.head_first : wal.next_sequence();
      if (state.frozen_first != 0 && !changes[i].frozen_written)
        next.replay_from[i] = state.frozen_first;
    }
  });
  for (const PartChange& change : changes) {
    for (const std::string& file : change.removed) {
      std::erase_if(next.parts, [&](const PartInfo& part) { return part.file == file; });
    }
    next.parts.insert(next.parts.end(), change.added.begin(), change.added.end());
  }
  // The names of parts must be durable before a manifest that has them.
  const bool adds = std::any_of(changes.begin(), changes.end(),
                                [](const PartChange& change) { return !change.added.empty(); });
  if (adds) RETURN_IF_ERROR(fs_.sync_dir(parts_path_));
  RETURN_IF_ERROR(save_manifest(fs_, options_.path + "/MANIFEST", next, in_place));
  manifest_ = std::move(next);
  for (size_t i = 0; i < states_.size(); ++i) {
    const PartChange& change = changes[i];
    if (!change.frozen_written && change.added.empty() && change.removed.empty()) continue;
    states_[i].table->publish(change);
    if (change.frozen_written) states_[i].frozen_first = 0;
  }
  return {};
}

void EngineImpl::remove_parts(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (Status status = fs_.remove(part_path(file)); !status.ok()) {
      log_warn("cannot remove a part that is no longer needed", {{"why", status.error().message}});
    }
  }
}

Status EngineImpl::remove_log() {
  uint64_t keep = 0;
  {
    const std::lock_guard lock(manifest_mutex_);
    keep = *std::min_element(manifest_.replay_from.begin(), manifest_.replay_from.end());
  }
  Status status;
  writer_->run([&](Wal& wal, DedupeWindow& window) {
    wal.rotate();
    const uint64_t first = wal.first_kept(keep);
    window.expire(clock_.now_ns());
    WalRecord carrier;
    carrier.time_ns = clock_.now_ns();
    carrier.carried = window.logged_before(first);
    if (!carrier.carried.empty()) {
      const uint64_t sequence = wal.add(carrier);
      status = wal.commit();
      if (!status.ok()) return;
      window.set_carried(first, sequence);
    }
    status = wal.remove_before(keep);
  });
  return status;
}

Status EngineImpl::replace_parts(const TableState& state, std::vector<std::string> files,
                                 Result<std::vector<PartInfo>> written) {
  RETURN_IF_ERROR(written.status());
  std::vector<PartChange> changes(states_.size());
  changes[table_index(state)] = {std::move(files), *std::move(written), false};
  return commit(changes);
}

bool EngineImpl::run_merge(TableState& state) {
  if (clock_.monotonic_ns() < state.merge_not_before_ns) return false;
  const std::vector<std::string> files = state.table->pick_merge();
  if (files.empty()) return false;
  Status status = replace_parts(state, files, state.table->merge(files, oldest_ns()));
  if (!status.ok()) {
    state.merge_not_before_ns = clock_.monotonic_ns() + kMergeRetryNs;
    log_error("a merge failed; it is tried again later", {{"why", status.error().message}});
    return false;
  }
  ++merges_;
  ::malloc_trim(0);
  return true;
}

}  // namespace vedette::store::engine
