#include "store/engine/engine_impl.h"

namespace vedette::store::engine {

TimeRange EngineImpl::shown(TimeRange range) const {
  range.begin_ns = std::max(range.begin_ns, oldest_ns());
  range.end_ns = std::max(range.end_ns, range.begin_ns);
  return range;
}

template <typename Batch>
RowSnapshot<Batch> EngineImpl::shown(const RowTable<Batch>& table) const {
  RowSnapshot<Batch> snapshot = table.snapshot();
  snapshot.oldest_ns = oldest_ns();
  return snapshot;
}

Result<std::vector<Series>> EngineImpl::series(std::span<const Matcher> matchers, TimeRange range,
                                               const ReadContext& context) {
  return samples_->series(matchers, shown(range), context);
}

Status EngineImpl::samples(std::span<const SeriesId> ids, TimeRange range,
                           const ReadContext& context, const SampleVisitor& visit) {
  return samples_->samples(ids, shown(range), context, visit);
}

Result<std::vector<Exemplar>> EngineImpl::exemplars(std::span<const SeriesId> ids, TimeRange range,
                                                    size_t limit, const ReadContext& context) {
  return samples_->exemplars(ids, shown(range), limit, context);
}

std::vector<model::MetricMetadata> EngineImpl::metadata(const std::string& family) {
  return samples_->metadata(family);
}

Status EngineImpl::scan_spans(const RowQuery& query, const ReadContext& context,
                              const Visitor<model::SpanBatch>& visit) {
  return scan(shown(*spans_), query, context, visit);
}

Status EngineImpl::scan_logs(const RowQuery& query, const ReadContext& context,
                             const Visitor<model::LogBatch>& visit) {
  return scan(shown(*logs_), query, context, visit);
}

Result<std::vector<TraceSummary>> EngineImpl::traces(std::span<const model::TraceId> ids,
                                                     const ReadContext& context) {
  return summaries(shown(*spans_), ids, context);
}

Result<std::vector<CountSeries>> EngineImpl::counts(const CountQuery& query,
                                                    const ReadContext& context) {
  switch (query.table) {
    case Table::kSpans:
      return engine::counts(shown(*spans_), query, context);
    case Table::kLogs:
      return engine::counts(shown(*logs_), query, context);
    default:
      return Error{Code::kInvalidArgument, "only spans and logs can be counted"};
  }
}

Result<std::vector<std::string>> EngineImpl::values(const ValuesQuery& query,
                                                    const ReadContext& context) {
  switch (query.table) {
    case Table::kSpans:
      return engine::values(shown(*spans_), query, context);
    case Table::kLogs:
      return engine::values(shown(*logs_), query, context);
    case Table::kSeries:
    case Table::kSamples: {
      ValuesQuery kept = query;
      kept.range = shown(query.range);
      return query.key.empty() ? samples_->label_names(kept, context)
                               : samples_->label_values(kept, context);
    }
    default:
      return Error{Code::kInvalidArgument, "only spans, logs and series have values to list"};
  }
}

StoreStats EngineImpl::stats() const {
  StoreStats stats;
  for (const TableState& state : states_) stats.tables.push_back(state.table->stats());
  stats.series = samples_->series_count();
  stats.wal_bytes = writer_->wal_bytes();
  stats.writes = writer_->writes();
  stats.duplicates = writer_->duplicates();
  stats.rejected_rows = writer_->rejected_rows();
  stats.flushes = flushes_;
  stats.merges = merges_;
  stats.quarantined_blocks = quarantined_;
  const std::lock_guard lock(state_mutex_);
  stats.read_only = read_only_;
  stats.read_only_reason = read_only_reason_;
  return stats;
}

}  // namespace vedette::store::engine
