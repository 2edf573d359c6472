#include <malloc.h>

#include "base/log.h"
#include "store/engine/engine_impl.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr std::chrono::seconds kTick(1);
constexpr std::chrono::seconds kPauseMin(1);
constexpr std::chrono::seconds kPauseMax(30);
constexpr int64_t kRetentionEveryNs = 60 * kSecondNs;
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
  worked |= run_retention();
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

bool EngineImpl::run_merge(TableState& state) {
  if (clock_.monotonic_ns() < state.merge_not_before_ns) return false;
  const std::vector<std::string> files = state.table->pick_merge();
  if (files.empty()) return false;
  Result<std::vector<PartInfo>> merged = state.table->merge(files);
  Status status = merged.status();
  if (status.ok()) {
    std::vector<PartChange> changes(states_.size());
    changes[table_index(state)] = {files, *std::move(merged), false};
    status = commit(changes);
  }
  if (!status.ok()) {
    state.merge_not_before_ns = clock_.monotonic_ns() + kMergeRetryNs;
    log_error("a merge failed; it is tried again later", {{"why", status.error().message}});
    return false;
  }
  ++merges_;
  ::malloc_trim(0);
  return true;
}

bool EngineImpl::run_retention() {
  const int64_t now = clock_.monotonic_ns();
  if (!options_.retention ||
      (retention_checked_ns_ != 0 && now - retention_checked_ns_ < kRetentionEveryNs)) {
    return false;
  }
  retention_checked_ns_ = std::max<int64_t>(now, 1);
  const int64_t oldest = oldest_ns();
  std::vector<PartChange> changes(states_.size());
  bool any = false;
  for (const PartInfo& part : manifest_.parts) {
    if (part.max_time_ns >= oldest) continue;
    for (size_t i = 0; i < states_.size(); ++i) {
      if (kEngineTables[i] == part.table) changes[i].removed.push_back(part.file);
    }
    any = true;
  }
  if (!any) return false;
  if (Status status = commit(changes); !status.ok()) {
    log_error("data that is too old can't be removed", {{"why", status.error().message}});
    return false;
  }
  return true;
}

Status EngineImpl::rewrite_part(TableState& state, const std::string& file, TimeRange drop,
                                const KeepTrace* keep) {
  ASSIGN_OR_RETURN(std::vector<PartInfo> written, state.table->rewrite(file, drop, keep));
  std::vector<PartChange> changes(states_.size());
  changes[table_index(state)] = {{file}, std::move(written), false};
  return commit(changes);
}

Status EngineImpl::rewrite(TimeRange range, const KeepTrace& keep) {
  const std::lock_guard work(work_mutex_);
  if (closed_) return {Code::kUnavailable, "the store is closed"};
  // A trace may lie in several parts: it is judged once, while all of it is there.
  std::unordered_map<model::TraceId, bool, model::TraceIdHash> judged;
  const KeepTrace judge = [&](const TraceSummary& trace) {
    const auto known = judged.find(trace.trace_id);
    if (known != judged.end()) return known->second;
    return judged.emplace(trace.trace_id, keep(trace)).first->second;
  };
  for (const PartInfo& part : spans_->parts()) {
    if (part.min_time_ns < range.begin_ns || part.max_time_ns >= range.end_ns) continue;
    RETURN_IF_ERROR(rewrite_part(states_[0], part.file, {0, 0}, &judge));
  }
  return {};
}

Status EngineImpl::drop(Table table, TimeRange range) {
  const std::lock_guard work(work_mutex_);
  if (closed_) return {Code::kUnavailable, "the store is closed"};
  RETURN_IF_ERROR(flush_all());
  for (size_t i = 0; i < states_.size(); ++i) {
    if (kEngineTables[i] != table) continue;
    for (const PartInfo& part : states_[i].table->parts()) {
      if (!range.overlaps(part.min_time_ns, part.max_time_ns)) continue;
      RETURN_IF_ERROR(rewrite_part(states_[i], part.file, range, nullptr));
    }
    return {};
  }
  return {Code::kInvalidArgument, "only spans, logs and samples can be dropped"};
}

}  // namespace vedette::store::engine
