// Evaluates an expression tree over all steps of a query at once: each node gives one column of
// values per series, and each selector is fetched once for the whole range. A node that is the same
// at every step is evaluated at one.
//
// Internal to this module. One Evaluator per query, single-threaded.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "query/promql/annotations.h"
#include "query/promql/ast.h"
#include "query/promql/query.h"
#include "query/promql/range_function.h"
#include "query/promql/series.h"

namespace vedette::promql {

/// A series of a range-vector argument: its samples in all windows, without stale markers.
struct RangeSeries {
  model::Labels labels;
  std::span<const int64_t> times;
  std::span<const double> values;
};

/// Where the windows of a range-vector argument lie.
struct RangeWindows {
  int64_t range_ms = 0;
  TimeModifier time;
  int64_t fixed_ms = 0;  // of the @

  /// Windows are (end - range, end].
  int64_t end(int64_t step_time) const {
    return (time.fixed() ? fixed_ms : step_time) - time.offset_ms;
  }
};

class Evaluator {
 public:
  /// [start, end] is what @ start() and @ end() mean.
  Evaluator(store::Store& store, const QueryOptions& options, const store::ReadContext& context,
            int64_t start_ms, int64_t end_ms)
      : store_(store), options_(options), context_(context), start_ms_(start_ms), end_ms_(end_ms) {}

  Result<Matrix> vector(const Node& node, const Frame& frame);
  /// One value per step.
  Result<std::vector<double>> scalar(const Node& node, const Frame& frame);
  static const std::string& string(const Node& node) {
    return as<StringLiteral>(unwrap(node)).value;
  }

  using RangeVisitor = std::function<Status(RangeSeries&& series)>;
  /// Each series of a range selector or subquery that may have samples in a window of the frame.
  Status range_series(const Node& node, const Frame& frame, const RangeVisitor& visit);
  RangeWindows windows(const Node& node) const;
  /// A function of one range vector, by series.
  Result<Matrix> range_call(const Call& call, const Node& arg, const Frame& frame,
                            RangeFunction& function, bool keep_name);
  /// A selector's values, or with `times` the seconds of the samples they come from.
  Result<Matrix> select(const VectorSelector& node, const Frame& frame, bool times);

  Annotations& annotations() { return annotations_; }
  QueryStats& stats() { return stats_; }
  const QueryOptions& options() const { return options_; }
  Status check() const { return context_.check(); }
  /// Counts samples that are about to be held; an error over the limit.
  Status charge(uint64_t samples);

 private:
  Result<Matrix> vector_once(const Node& node, const Frame& frame);
  Result<std::vector<double>> scalar_once(const Node& node, const Frame& frame);
  Result<Matrix> unary(const Unary& node, const Frame& frame);
  Status matrix_series(const MatrixSelector& node, const Frame& frame, const RangeVisitor& visit);
  Status subquery_series(const Subquery& node, const Frame& frame, const RangeVisitor& visit);
  int64_t fixed_time(const TimeModifier& time) const;

  using SampleVisitor = std::function<Status(model::Labels&& labels, std::span<const int64_t> times,
                                             std::span<const double> values)>;
  /// Samples with begin < time <= end.
  Status fetch(const VectorSelector& node, int64_t begin_ms, int64_t end_ms,
               const SampleVisitor& visit);

  store::Store& store_;
  const QueryOptions& options_;
  const store::ReadContext& context_;
  int64_t start_ms_;
  int64_t end_ms_;
  Annotations annotations_;
  QueryStats stats_;
  uint64_t samples_now_ = 0;
};

// One family a file.
Result<Matrix> evaluate_call(Evaluator& ev, const Call& call, const Frame& frame);  // calls.cc
Result<std::vector<double>> evaluate_scalar_call(Evaluator& ev, const Call& call,
                                                 const Frame& frame);  // calls.cc
Result<Matrix> evaluate_aggregate(Evaluator& ev, const Aggregate& node, const Frame& frame);
Result<Matrix> evaluate_binary(Evaluator& ev, const Binary& node, const Frame& frame);
Result<std::vector<double>> evaluate_scalar_binary(Evaluator& ev, const Binary& node,
                                                   const Frame& frame);

}  // namespace vedette::promql
