// histogram_quantile and histogram_fraction over classic histograms: series with an `le` label.
#include <algorithm>

#include "query/promql/calls.h"
#include "query/promql/quantile.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

constexpr std::string_view kLe = "le";

/// The buckets of one histogram, sorted by bound.
struct Histogram {
  struct Column {
    double upper;
    std::vector<double> counts;  // one per step
  };
  std::vector<Column> columns;
};

/// Histograms by their labels without `le`, as series whose values are to be filled in.
struct Histograms {
  explicit Histograms(size_t steps) : results(steps) {}
  SeriesSet results;
  std::vector<Histogram> histograms;  // parallel to `results`

  /// The buckets of histogram `i` that have a value.
  void buckets_at(size_t i, size_t step, std::vector<Bucket>& out) const {
    out.clear();
    for (const Histogram::Column& column : histograms[i].columns) {
      if (is_present(column.counts[step])) out.push_back({column.upper, column.counts[step]});
    }
  }
};

Histograms gather(Evaluator& ev, Matrix&& matrix, const Node& arg, size_t steps) {
  Histograms out(steps);
  for (Series& series : matrix) {
    const auto upper = parse_float(series.labels.get(kLe));
    if (!upper) {
      ev.annotations().bad_bucket_label(series.labels.metric_name(), series.labels.get(kLe),
                                        arg.span);
      continue;
    }
    series.labels.set(kLe, {});
    const size_t i = out.results.find_or_add(std::move(series.labels));
    if (i == out.histograms.size()) out.histograms.emplace_back();
    out.histograms[i].columns.push_back({*upper, std::move(series.values)});
  }
  for (Histogram& histogram : out.histograms) {
    std::stable_sort(histogram.columns.begin(), histogram.columns.end(),
                     [](const auto& a, const auto& b) { return a.upper < b.upper; });
  }
  return out;
}

Result<Matrix> finish(Histograms& histograms) {
  Matrix out = histograms.results.take();
  for (Series& series : out) drop_name(series.labels);
  return merge_duplicates(std::move(out));
}

}  // namespace

Result<Matrix> call_histogram_quantile(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(const std::vector<double> q, ev.scalar(*call.args[0], frame));
  for (double v : q) {
    if (!(v >= 0 && v <= 1)) ev.annotations().invalid_quantile(v, call.args[0]->span);
  }
  ASSIGN_OR_RETURN(Matrix in, ev.vector(*call.args[1], frame));
  Histograms histograms = gather(ev, std::move(in), *call.args[1], frame.steps);
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < histograms.results.size(); ++i) {
    RETURN_IF_ERROR(ev.check());
    for (size_t step = 0; step < frame.steps; ++step) {
      histograms.buckets_at(i, step, buckets);
      if (buckets.empty()) continue;
      const BucketQuantile result = bucket_quantile(q[step], buckets);
      histograms.results[i].values[step] = result.value;
      if (!result.forced_monotonic) continue;
      ev.annotations().forced_monotonicity(call.args[1]->span, frame.time(step), result.bucket_min,
                                           result.bucket_max, result.difference_max);
    }
  }
  return finish(histograms);
}

Result<Matrix> call_histogram_fraction(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(const std::vector<double> lower, ev.scalar(*call.args[0], frame));
  ASSIGN_OR_RETURN(const std::vector<double> upper, ev.scalar(*call.args[1], frame));
  ASSIGN_OR_RETURN(Matrix in, ev.vector(*call.args[2], frame));
  Histograms histograms = gather(ev, std::move(in), *call.args[2], frame.steps);
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < histograms.results.size(); ++i) {
    RETURN_IF_ERROR(ev.check());
    for (size_t step = 0; step < frame.steps; ++step) {
      histograms.buckets_at(i, step, buckets);
      if (buckets.empty()) continue;
      histograms.results[i].values[step] = bucket_fraction(lower[step], upper[step], buckets);
    }
  }
  return finish(histograms);
}

}  // namespace vedette::promql
