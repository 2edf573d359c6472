#include "query/promql/query.h"

#include <algorithm>

#include "query/promql/evaluator.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

void finish(QueryResult& out, Evaluator& ev, std::string_view query) {
  out.warnings = ev.annotations().warnings(query);
  out.infos = ev.annotations().infos(query);
  out.stats = ev.stats();
}

SeriesResult points_of(Series&& series, const Frame& frame) {
  SeriesResult out{std::move(series.labels), {}};
  out.points.reserve(series.values.size());
  for (size_t step = 0; step < series.values.size(); ++step) {
    if (is_present(series.values[step]))
      out.points.push_back({frame.time(step), series.values[step]});
  }
  return out;
}

void sort_by_labels(std::vector<SeriesResult>& series) {
  std::sort(series.begin(), series.end(),
            [](const auto& a, const auto& b) { return a.labels < b.labels; });
}

/// A range vector as the answer: the samples of its one window.
Status collect_matrix(Evaluator& ev, const Node& expr, const Frame& frame, QueryResult& out) {
  const RangeWindows windows = ev.windows(expr);
  const int64_t end = windows.end(frame.start_ms);
  RETURN_IF_ERROR(ev.range_series(expr, frame, [&](RangeSeries&& in) -> Status {
    RETURN_IF_ERROR(ev.charge(in.times.size()));
    SeriesResult series{std::move(in.labels), {}};
    for (size_t i = 0; i < in.times.size(); ++i) {
      if (in.times[i] > end - windows.range_ms && in.times[i] <= end) {
        series.points.push_back({in.times[i], in.values[i]});
      }
    }
    ev.stats().samples_queried += series.points.size();
    if (!series.points.empty()) out.series.push_back(std::move(series));
    return {};
  }));
  sort_by_labels(out.series);
  return {};
}

/// What Prometheus calls a query that ran out of time or lost its client.
Error in_query_terms(Error error) {
  if (error.code == Code::kDeadlineExceeded)
    error.message = "query timed out in expression evaluation";
  if (error.code == Code::kCancelled) error.message = "query was canceled in expression evaluation";
  return error;
}

Result<QueryResult> instant(Evaluator& ev, const Node& expr, int64_t time_ms) {
  const Frame frame{time_ms, 1, 1};
  QueryResult out;
  out.type = value_type(expr);
  out.scalar.time_ms = time_ms;
  switch (out.type) {
    case ValueType::kString:
      out.text = Evaluator::string(expr);
      break;
    case ValueType::kScalar: {
      ASSIGN_OR_RETURN(const std::vector<double> value, ev.scalar(expr, frame));
      out.scalar.value = value[0];
      break;
    }
    case ValueType::kMatrix:
      RETURN_IF_ERROR(collect_matrix(ev, expr, frame, out));
      break;
    case ValueType::kVector: {
      ASSIGN_OR_RETURN(Matrix matrix, ev.vector(expr, frame));
      if (has_duplicates(matrix)) return duplicate_labels();
      for (Series& series : matrix) {
        if (is_present(series.values[0])) out.series.push_back(points_of(std::move(series), frame));
      }
      break;
    }
  }
  return out;
}

Result<QueryResult> range(Evaluator& ev, const Node& expr, const Frame& frame) {
  QueryResult out;
  out.type = ValueType::kMatrix;
  if (value_type(expr) == ValueType::kScalar) {
    ASSIGN_OR_RETURN(std::vector<double> values, ev.scalar(expr, frame));
    out.series.push_back(points_of({{}, std::move(values)}, frame));
    return out;
  }
  ASSIGN_OR_RETURN(Matrix matrix, ev.vector(expr, frame));
  if (has_duplicates(matrix)) return duplicate_labels();
  for (Series& series : matrix) {
    SeriesResult result = points_of(std::move(series), frame);
    if (!result.points.empty()) out.series.push_back(std::move(result));
    series = {};
  }
  sort_by_labels(out.series);
  return out;
}

}  // namespace

Result<QueryResult> run_instant(const Node& expr, std::string_view query, int64_t time_ms,
                                store::Store& store, const QueryOptions& options,
                                const store::ReadContext& context) {
  Evaluator ev(store, options, context, time_ms, time_ms);
  auto out = instant(ev, expr, time_ms);
  if (!out.ok()) return in_query_terms(out.error());
  finish(*out, ev, query);
  return out;
}

Result<QueryResult> run_range(const Node& expr, std::string_view query, TimeSteps steps,
                              store::Store& store, const QueryOptions& options,
                              const store::ReadContext& context) {
  const ValueType type = value_type(expr);
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    return Error{Code::kInvalidArgument,
                 "invalid expression type \"" + std::string(documented_name(type)) +
                     "\" for range query, must be Scalar or instant Vector"};
  }
  if (steps.step_ms <= 0 || steps.end_ms < steps.start_ms) {
    return Error{Code::kInvalidArgument,
                 "a range query needs a positive step and an end that is not before its start"};
  }
  const uint64_t length =
      static_cast<uint64_t>(steps.end_ms) - static_cast<uint64_t>(steps.start_ms);
  const Frame frame{steps.start_ms, steps.step_ms,
                    length / static_cast<uint64_t>(steps.step_ms) + 1};
  Evaluator ev(store, options, context, steps.start_ms, steps.end_ms);
  RETURN_IF_ERROR(ev.charge(frame.steps));
  auto out = range(ev, expr, frame);
  if (!out.ok()) return in_query_terms(out.error());
  finish(*out, ev, query);
  return out;
}

}  // namespace vedette::promql
