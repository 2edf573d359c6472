// How the evaluator holds vectors: one column of values per series, a value per step of the
// evaluation.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/sample_batch.h"

namespace vedette::promql {

/// "No value at this step" is the stale marker: a signalling NaN, which no arithmetic gives and no
/// sample of a query has.
inline double absent() {
  return model::stale_marker();
}
inline bool is_present(double v) {
  return !model::is_stale(v);
}

struct Series {
  model::Labels labels;
  std::vector<double> values;  // one per step
};
using Matrix = std::vector<Series>;

/// The times an expression is evaluated at.
struct Frame {
  int64_t start_ms = 0;
  int64_t step_ms = 1;
  size_t steps = 1;

  int64_t time(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  int64_t last() const { return time(steps - 1); }
  Frame first_step() const { return {start_ms, step_ms, 1}; }
};

uint64_t hash_labels(const model::Labels& labels);
/// Without the metric's name and the labels that describe it (__type__, __unit__).
void drop_name(model::Labels& labels);

/// Series by their label set, made on first use, in the order of that.
class SeriesSet {
 public:
  explicit SeriesSet(size_t steps) : steps_(steps) {}

  /// The index of the series with these labels; a new one has no values.
  size_t find_or_add(model::Labels&& labels);
  Series& operator[](size_t i) { return matrix_[i]; }
  size_t size() const { return matrix_.size(); }
  /// Sets a value where there is none; an error where there is.
  Status put(size_t i, size_t step, double value);
  /// The series that have a value at any step.
  Matrix take();

 private:
  size_t steps_;
  Matrix matrix_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

Error duplicate_labels();
bool has_duplicates(const Matrix& matrix);
/// Joins series that became equal by losing labels; an error where two have a value at one step.
Result<Matrix> merge_duplicates(Matrix matrix);
void drop_empty(Matrix& matrix);

}  // namespace vedette::promql
