// What is deleted, and when: by age, and on request.
//
// A row is expired when its own time is older than the retention; so a trace that lies across the
// limit loses its first spans first, and a list shows the rest as incomplete. From that moment on
// no read shows the row. Its bytes go in three ways:
//  - a part whose newest row is expired is removed whole;
//  - a merge leaves expired rows out;
//  - a part that straddles the limit is rewritten without them once at least a quarter of its rows
//    are expired, or one of them is by more than the slack: an eighth of the retention, but at
//    least an hour and at most a day.
// So a rewrite either leaves three quarters of the rows at most, or comes a slack after the one
// before: a part costs at most three times its size in rewrites of the first kind, and one of the
// second kind per slack. A part of a day, which is what flushes and merges make, rarely sees those.
#include "base/log.h"
#include "store/engine/engine_impl.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kHourNs = 3600 * kSecondNs;
constexpr int64_t kDayNs = 24 * kHourNs;
constexpr int64_t kDropEveryNs = 60 * kSecondNs;

int64_t slack_ns(std::chrono::hours retention) {
  return std::clamp(std::chrono::nanoseconds(retention).count() / 8, kHourNs, kDayNs);
}

}  // namespace

int64_t EngineImpl::oldest_ns() const {
  if (!options_.retention) return 0;
  // A clock that jumps years ahead must not make everything too old: it is believed to a day.
  const int64_t elapsed = clock_.monotonic_ns() - opened_monotonic_ns_;
  const int64_t now = std::min(clock_.now_ns(), opened_ns_ + elapsed + kDayNs);
  return std::max<int64_t>(0, now - std::chrono::nanoseconds(*options_.retention).count());
}

std::vector<PartInfo> EngineImpl::parts_of_manifest() {
  const std::lock_guard lock(manifest_mutex_);
  return manifest_.parts;
}

bool EngineImpl::drop_expired_parts() {
  const int64_t now = clock_.monotonic_ns();
  if (!options_.retention || now < drop_not_before_ns_) return false;
  drop_not_before_ns_ = now + kDropEveryNs;
  const int64_t oldest = oldest_ns();
  std::vector<PartChange> changes(states_.size());
  bool any = false;
  for (const PartInfo& part : parts_of_manifest()) {
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

Result<bool> EngineImpl::worth_trimming(const TableState& state, const PartInfo& part,
                                        int64_t oldest) const {
  if (part.min_time_ns >= oldest || part.max_time_ns < oldest) return false;
  if (part.min_time_ns < oldest - slack_ns(*options_.retention)) return true;
  ASSIGN_OR_RETURN(const uint64_t expired, state.table->rows_before(part.file, oldest));
  return expired > 0 && expired >= part.rows / 4;
}

bool EngineImpl::trim_one_part() {
  const int64_t now = clock_.monotonic_ns();
  if (!options_.retention || now < trim_not_before_ns_) return false;
  const int64_t oldest = oldest_ns();
  for (TableState& state : states_) {
    for (const PartInfo& part : state.table->parts()) {
      const Result<bool> due = worth_trimming(state, part, oldest);
      if (due.ok() && !*due) continue;
      Status status = due.status();
      if (status.ok()) {
        status = replace_parts(state, {part.file}, state.table->merge({part.file}, oldest));
      }
      if (status.ok()) return true;
      // What is damaged stays until all of it is too old.
      log_error("a part can't be rewritten without what is too old",
                {{"file", part.file}, {"why", status.error().message}});
    }
  }
  trim_not_before_ns_ = now + slack_ns(*options_.retention) / 8;
  return false;
}

Status EngineImpl::rewrite_part(TableState& state, const std::string& file, TimeRange drop,
                                const KeepTrace* keep) {
  return replace_parts(state, {file}, state.table->rewrite(file, drop, keep));
}

Status EngineImpl::rewrite(TimeRange range, const KeepTrace& keep) {
  const std::lock_guard merging(merge_mutex_);
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
  const std::lock_guard merging(merge_mutex_);
  if (closed_) return {Code::kUnavailable, "the store is closed"};
  {
    const std::lock_guard flushing(flush_mutex_);
    RETURN_IF_ERROR(flush_all());
  }
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
