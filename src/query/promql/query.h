// Runs PromQL over the samples of a store: the door to this module for APIs and rules.
//
// Floats only: native histograms are not stored yet, and functions that need them answer
// kUnimplemented. Semantics are Prometheus 3's: windows and lookback are open at the left, stale
// markers end a series at once.
//
// Thread-safe; one query runs on the thread of its caller.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "query/promql/ast.h"
#include "store/store.h"

namespace vedette::promql {

struct QueryOptions {
  int64_t lookback_ms = 5 * 60 * 1000;
  /// Step of subqueries that state none: the global evaluation interval.
  int64_t default_step_ms = 60 * 1000;
  /// Samples in memory at once, counted as steps times series where a column is held.
  uint64_t samples_max = 50'000'000;
};

struct TimeSteps {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 1;
};

struct Point {
  int64_t time_ms = 0;
  double value = 0;
};

struct SeriesResult {
  model::Labels labels;
  std::vector<Point> points;  // one, with an instant vector
};

struct QueryStats {
  uint64_t samples_queried = 0;
  uint64_t samples_peak = 0;
};

struct QueryResult {
  ValueType type = ValueType::kVector;
  std::vector<SeriesResult> series;  // vector and matrix
  Point scalar;                      // scalar; the time of a string
  std::string text;                  // string
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  QueryStats stats;
};

/// `query` is the text that `expr` was parsed from; annotations name places in it. Errors:
/// kExecution for data that the query cannot be answered with, kDeadlineExceeded, kCancelled, and
/// what the store says.
Result<QueryResult> run_instant(const Node& expr, std::string_view query, int64_t time_ms,
                                store::Store& store, const QueryOptions& options,
                                const store::ReadContext& context);

/// The expression must be a scalar or an instant vector. Series are sorted by labels, a scalar is
/// one without labels.
Result<QueryResult> run_range(const Node& expr, std::string_view query, TimeSteps steps,
                              store::Store& store, const QueryOptions& options,
                              const store::ReadContext& context);

}  // namespace vedette::promql
