#include "store/engine/engine_impl.h"

namespace vedette::store::engine {

Result<std::vector<Series>> EngineImpl::series(std::span<const Matcher> matchers, TimeRange range,
                                               const ReadContext& context) {
  return samples_->series(matchers, range, context);
}

Status EngineImpl::samples(std::span<const SeriesId> ids, TimeRange range,
                           const ReadContext& context, const SampleVisitor& visit) {
  return samples_->samples(ids, range, context, visit);
}

Result<std::vector<Exemplar>> EngineImpl::exemplars(std::span<const SeriesId> ids, TimeRange range,
                                                    size_t limit, const ReadContext& context) {
  return samples_->exemplars(ids, range, limit, context);
}

std::vector<model::MetricMetadata> EngineImpl::metadata(const std::string& family) {
  return samples_->metadata(family);
}

Status EngineImpl::scan_spans(const RowQuery& query, const ReadContext& context,
                              const Visitor<model::SpanBatch>& visit) {
  return scan(spans_->snapshot(), query, context, visit);
}

Status EngineImpl::scan_logs(const RowQuery& query, const ReadContext& context,
                             const Visitor<model::LogBatch>& visit) {
  return scan(logs_->snapshot(), query, context, visit);
}

Result<std::vector<TraceSummary>> EngineImpl::traces(std::span<const model::TraceId> ids,
                                                     const ReadContext& context) {
  return summaries(spans_->snapshot(), ids, context);
}

Result<std::vector<CountSeries>> EngineImpl::counts(const CountQuery& query,
                                                    const ReadContext& context) {
  switch (query.table) {
    case Table::kSpans:
      return engine::counts(spans_->snapshot(), query, context);
    case Table::kLogs:
      return engine::counts(logs_->snapshot(), query, context);
    default:
      return Error{Code::kInvalidArgument, "only spans and logs can be counted"};
  }
}

Result<std::vector<std::string>> EngineImpl::values(const ValuesQuery& query,
                                                    const ReadContext& context) {
  switch (query.table) {
    case Table::kSpans:
      return engine::values(spans_->snapshot(), query, context);
    case Table::kLogs:
      return engine::values(logs_->snapshot(), query, context);
    case Table::kSeries:
    case Table::kSamples:
      return query.key.empty() ? samples_->label_names(query, context)
                               : samples_->label_values(query, context);
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
