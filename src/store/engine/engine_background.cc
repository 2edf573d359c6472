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

void EngineImpl::background_loop() {
  std::chrono::seconds pause(0);  // after work that failed: longer each time
  for (;;) {
    {
      std::unique_lock lock(state_mutex_);
      if (pause.count() > 0) {
        background_wake_.wait_for(lock, pause, [&] { return stopping_; });
      } else {
        background_wake_.wait_for(lock, kTick, [&] { return stopping_ || background_due_; });
      }
      if (stopping_) return;
      background_due_ = false;
    }
    writer_->run([&](Wal&, DedupeWindow&) { freeze_due(); });
    const Result<bool> worked = run_background_once();
    if (worked.ok()) {
      pause = std::chrono::seconds(0);
      continue;
    }
    pause = std::clamp(pause * 2, kPauseMin, kPauseMax);
    log_error("background work failed; it is tried again",
              {{"why", worked.error().message}, {"in_seconds", pause.count()}});
  }
}

Status EngineImpl::flush() {
  const std::lock_guard work(work_mutex_);
  if (closed_) return {};
  return flush_all();
}

Result<bool> EngineImpl::run_background_once() {
  const std::lock_guard work(work_mutex_);
  if (closed_) return false;
  check_disk();
  bool worked = false;
  if (options_.manual_background) {
    RETURN_IF_ERROR(flush_all());
  } else {
    RETURN_IF_ERROR(write_frozen_heads(worked));
  }
  worked |= drop_expired_parts();
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
  bool in_place = false;
  // The names of parts must be durable before a manifest that has them.
  const bool adds = std::any_of(changes.begin(), changes.end(),
                                [](const PartChange& change) { return !change.added.empty(); });
  Status status = adds ? fs_.sync_dir(parts_path_) : Status();
  if (status.ok()) status = save_manifest(fs_, options_.path + "/MANIFEST", next, in_place);
  if (status.ok()) {
    manifest_ = std::move(next);
    publish(changes);
    return {};
  }
  // Once the new manifest may be in place, its parts must stay: a restart may find it. They are
  // strays then.
  for (const PartChange& change : changes) {
    for (const PartInfo& part : change.added) {
      if (!in_place && !fs_.remove(part_path(part.file)).ok())
        log_warn("a stray part stays", {{"file", part.file}});
    }
  }
  return {status.error().code, "cannot save the manifest: " + status.error().message};
}

void EngineImpl::publish(const std::vector<PartChange>& changes) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const PartChange& change = changes[i];
    if (!change.frozen_written && change.added.empty() && change.removed.empty()) continue;
    states_[i].table->publish(change);
    if (change.frozen_written) states_[i].frozen_first = 0;
    for (const std::string& file : change.removed) {
      if (Status status = fs_.remove(part_path(file)); !status.ok()) {
        log_warn("cannot remove a part that is no longer needed",
                 {{"why", status.error().message}});
      }
    }
  }
}

Status EngineImpl::remove_log() {
  const uint64_t keep =
      *std::min_element(manifest_.replay_from.begin(), manifest_.replay_from.end());
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
