#include "base/log.h"
#include "store/engine/engine_impl.h"
#include "store/engine/gather.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kDiskCheckBytes = 16u << 20;  // of log, between looks at the free space

/// Without the rows that are older; null where none is left.
template <typename Batch>
uint64_t remove_older(std::shared_ptr<const Batch>& batch, int64_t oldest_ns) {
  if (!batch) return 0;
  const std::vector<int64_t>& times = row_times(*batch);
  std::vector<RowRef> kept;
  for (uint32_t r = 0; r < times.size(); ++r) {
    if (times[r] >= oldest_ns) kept.push_back({0, r});
  }
  const uint64_t removed = times.size() - kept.size();
  if (kept.empty()) {
    batch.reset();
  } else if (removed > 0) {
    const Batch* source = batch.get();
    batch = std::make_shared<const Batch>(gather(std::span(&source, 1), kept));
  }
  return removed;
}

}  // namespace

void EngineImpl::append(Write write, Done done) {
  writer_->append(std::move(write), std::move(done));
}

Writer::Hooks EngineImpl::writer_hooks() {
  return {
      .admit = [this] { return admit(); },
      .screen = [this](Write& write, WriteOutcome& outcome) { screen(write, outcome); },
      .apply = [this](const Write& write, uint64_t sequence,
                      WriteOutcome& outcome) { apply(write, sequence, outcome); },
      .applied = [this] { freeze_due(); },
  };
}

Result<bool> EngineImpl::admit() {
  check_disk();
  const bool full = heads_bytes() > options_.head_bytes_max;
  const std::lock_guard lock(state_mutex_);
  if (read_only_) return Error{Code::kUnavailable, read_only_reason_};
  if (!full || options_.manual_background) return true;
  if (!flush_error_.empty()) {
    return Error{Code::kUnavailable, "cannot write what is in memory to disk: " + flush_error_};
  }
  return false;
}

void EngineImpl::screen(Write& write, WriteOutcome& outcome) const {
  const int64_t oldest = oldest_ns();
  outcome.rejected_spans = remove_older(write.spans, oldest);
  outcome.rejected_logs = remove_older(write.logs, oldest);
  if (write.samples && write.samples->empty()) write.samples.reset();
  if (outcome.rejected_spans + outcome.rejected_logs == 0) return;
  outcome.reason = options_.retention ? "older than what is kept (" +
                                            std::to_string(options_.retention->count()) + " hours)"
                                      : "before 1970";
}

void EngineImpl::apply(const Write& write, uint64_t sequence, WriteOutcome& outcome) {
  const auto mark = [&](Table table) {
    for (size_t i = 0; i < states_.size(); ++i) {
      if (kEngineTables[i] == table && states_[i].head_first == 0) states_[i].head_first = sequence;
    }
  };
  if (write.spans && !write.spans->empty()) {
    mark(Table::kSpans);
    spans_->apply(write.spans, clock_.now_ns());
  }
  if (write.logs && !write.logs->empty()) {
    mark(Table::kLogs);
    logs_->apply(write.logs, clock_.now_ns());
  }
  if (write.samples) {
    mark(Table::kSamples);
    samples_->apply(*write.samples, oldest_ns() / 1'000'000, outcome);
  }
}

size_t EngineImpl::heads_bytes() const {
  size_t bytes = 0;
  for (const TableState& state : states_) bytes += state.table->head_bytes();
  return bytes;
}

void EngineImpl::freeze(TableState& state) {
  // A head whose rows were all refused is empty: its log records are needed no more either.
  if (state.frozen_first != 0 || state.head_first == 0) return;
  if (state.table->freeze()) state.frozen_first = state.head_first;
  state.head_first = 0;
}

void EngineImpl::freeze_due() {
  if (options_.manual_background) return;
  const size_t bytes = heads_bytes();
  const int64_t old_before = clock_.now_ns() - options_.flush_interval.count() * kSecondNs;
  const bool log_long = writer_->wal_bytes() > 2 * options_.head_bytes_max;
  bool old = false;
  for (const TableState& state : states_) {
    old |= state.head_first != 0 && state.table->head_since_ns() < old_before;
  }
  if (bytes < options_.head_bytes_max / 2 && !old && !log_long) return;
  bool frozen = false;
  for (TableState& state : states_) {
    if (!old && !log_long && state.table->head_bytes() < options_.head_bytes_max / 8) continue;
    freeze(state);
    frozen |= state.frozen_first != 0;
  }
  if (!frozen) return;
  const std::lock_guard lock(state_mutex_);
  flush_due_ = true;
  background_wake_.notify_all();
}

void EngineImpl::check_disk() {
  const int64_t now = clock_.monotonic_ns();
  {
    const std::lock_guard lock(state_mutex_);
    const uint64_t written = writer_ ? writer_->wal_bytes() : 0;
    const bool soon = disk_checked_ns_ != std::numeric_limits<int64_t>::min() &&
                      now - disk_checked_ns_ < kSecondNs &&
                      written < disk_checked_wal_bytes_ + kDiskCheckBytes;
    if (soon) return;
    disk_checked_ns_ = now;
    disk_checked_wal_bytes_ = written;
  }
  const Result<uint64_t> free = fs_.free_bytes(options_.path);
  if (!free.ok()) return;
  const std::lock_guard lock(state_mutex_);
  const bool low = *free < options_.disk_reserve_bytes;
  if (low != read_only_) {
    log_warn(low ? "the disk is nearly full: read-only until there is space"
                 : "there is disk space again",
             {{"free_bytes", *free}, {"reserve_bytes", options_.disk_reserve_bytes}});
  }
  read_only_ = low;
  read_only_reason_ = low ? "the disk is nearly full: " + std::to_string(*free >> 20) +
                                " MiB are free, " +
                                std::to_string(options_.disk_reserve_bytes >> 20) +
                                " MiB are kept in reserve; make space and send again"
                          : "";
}

}  // namespace vedette::store::engine
