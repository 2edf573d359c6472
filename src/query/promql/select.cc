// Selectors and subqueries: from the store, or from an inner evaluation, to columns and windows.
#include "query/promql/evaluator.h"

namespace vedette::promql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

/// Nanoseconds, or the end of time that is nearest.
int64_t to_ns(int64_t ms) {
  int64_t ns;
  if (__builtin_mul_overflow(ms, kNsPerMs, &ns)) {
    return ms < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
  return ns;
}

int64_t minus(int64_t a, int64_t b) {
  int64_t out;
  if (!__builtin_sub_overflow(a, b, &out)) return out;
  return a < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

/// Series without stale markers; copies only where there are any.
struct Unstale {
  Unstale(std::span<const int64_t> t, std::span<const double> v) : times(t), values(v) {
    if (std::none_of(v.begin(), v.end(), model::is_stale)) return;
    for (size_t i = 0; i < v.size(); ++i) {
      if (model::is_stale(v[i])) continue;
      kept_times.push_back(t[i]);
      kept_values.push_back(v[i]);
    }
    times = kept_times;
    values = kept_values;
  }
  std::span<const int64_t> times;
  std::span<const double> values;
  std::vector<int64_t> kept_times;
  std::vector<double> kept_values;
};

}  // namespace

Status Evaluator::fetch(const VectorSelector& node, int64_t begin_ms, int64_t end_ms,
                        const SampleVisitor& visit) {
  if (end_ms <= begin_ms) return {};
  const store::TimeRange range{to_ns(minus(begin_ms, -1)), to_ns(minus(end_ms, -1))};
  ASSIGN_OR_RETURN(std::vector<store::Series> found, store_.series(node.matchers, range, context_));
  std::vector<store::SeriesId> ids;
  ids.reserve(found.size());
  for (const store::Series& series : found) ids.push_back(series.id);
  Status failed;
  RETURN_IF_ERROR(
      store_.samples(ids, range, context_,
                     [&](size_t i, std::span<const int64_t> times, std::span<const double> values) {
                       failed = visit(std::move(found[i].labels), times, values);
                       return failed.ok();
                     }));
  return failed;
}

Result<Matrix> Evaluator::select(const VectorSelector& node, const Frame& frame, bool times_only) {
  const TimeModifier& time = node.time;
  const int64_t at = fixed_time(time);
  const auto reference = [&](size_t step) {
    return minus(time.fixed() ? at : frame.time(step), time.offset_ms);
  };
  Matrix out;
  const auto add = [&](model::Labels&& labels, std::span<const int64_t> times,
                       std::span<const double> values) -> Status {
    RETURN_IF_ERROR(charge(frame.steps));
    Series series{std::move(labels), std::vector<double>(frame.steps, absent())};
    uint64_t hits = 0;
    size_t next = 0;  // the first sample after the reference time
    for (size_t step = 0; step < frame.steps; ++step) {
      const int64_t ref = reference(step);
      while (next < times.size() && times[next] <= ref) ++next;
      if (next == 0 || times[next - 1] <= minus(ref, options_.lookback_ms) ||
          model::is_stale(values[next - 1]))
        continue;
      series.values[step] =
          times_only ? static_cast<double>(times[next - 1]) / 1000 : values[next - 1];
      ++hits;
    }
    stats_.samples_queried += hits;
    if (hits > 0) {
      out.push_back(std::move(series));
    } else {
      samples_now_ -= frame.steps;
    }
    return Status();
  };
  RETURN_IF_ERROR(
      fetch(node, minus(reference(0), options_.lookback_ms), reference(frame.steps - 1), add));
  return out;
}

RangeWindows Evaluator::windows(const Node& node) const {
  const Node& inner = unwrap(node);
  RangeWindows out;
  if (inner.kind == Node::Kind::kSubquery) {
    out.range_ms = as<Subquery>(inner).range_ms;
    out.time = as<Subquery>(inner).time;
  } else {
    out.range_ms = as<MatrixSelector>(inner).range_ms;
    out.time = as<VectorSelector>(*as<MatrixSelector>(inner).selector).time;
  }
  out.fixed_ms = fixed_time(out.time);
  return out;
}

Status Evaluator::range_series(const Node& node, const Frame& frame, const RangeVisitor& visit) {
  const Node& inner = unwrap(node);
  if (inner.kind == Node::Kind::kSubquery)
    return subquery_series(as<Subquery>(inner), frame, visit);
  return matrix_series(as<MatrixSelector>(inner), frame, visit);
}

Status Evaluator::matrix_series(const MatrixSelector& node, const Frame& frame,
                                const RangeVisitor& visit) {
  const RangeWindows w = windows(node);
  return fetch(
      as<VectorSelector>(*node.selector), minus(w.end(frame.start_ms), w.range_ms),
      w.end(frame.last()),
      [&](model::Labels&& labels, std::span<const int64_t> times, std::span<const double> values) {
        const Unstale samples(times, values);
        if (samples.times.empty()) return Status();
        return visit({std::move(labels), samples.times, samples.values});
      });
}

Status Evaluator::subquery_series(const Subquery& node, const Frame& frame,
                                  const RangeVisitor& visit) {
  const RangeWindows w = windows(node);
  const int64_t step = node.step_ms != 0 ? node.step_ms : options_.default_step_ms;
  // Steps are multiples of the step since 1970; the window is open at the left.
  const int64_t begin = minus(w.end(frame.start_ms), w.range_ms);
  int64_t start = begin / step * step;
  if (start <= begin) start += step;
  const int64_t end = w.end(frame.last());
  if (end < start) return {};
  const uint64_t steps =
      (static_cast<uint64_t>(end) - static_cast<uint64_t>(start)) / static_cast<uint64_t>(step) + 1;
  const uint64_t before = samples_now_;
  RETURN_IF_ERROR(charge(steps));
  samples_now_ = before;
  ASSIGN_OR_RETURN(Matrix inner, vector(*node.expr, Frame{start, step, steps}));
  std::vector<int64_t> times;
  std::vector<double> values;
  for (Series& series : inner) {
    times.clear();
    values.clear();
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (!is_present(series.values[i])) continue;
      times.push_back(start + static_cast<int64_t>(i) * step);
      values.push_back(series.values[i]);
    }
    if (!times.empty()) RETURN_IF_ERROR(visit({std::move(series.labels), times, values}));
  }
  return {};
}

Result<Matrix> Evaluator::range_call(const Call& call, const Node& arg, const Frame& frame,
                                     RangeFunction& function, bool keep_name) {
  const RangeWindows w = windows(arg);
  const bool rate = call.function->name == "rate" || call.function->name == "increase";
  Matrix out;
  const auto add = [&](RangeSeries&& in) -> Status {
    RETURN_IF_ERROR(check());
    const uint64_t before = samples_now_;
    RETURN_IF_ERROR(charge(in.times.size() + frame.steps));
    samples_now_ = before;
    Series series{{}, std::vector<double>(frame.steps, absent())};
    function.begin(in.times, in.values);
    Window window{in.times, in.values};
    bool any = false;
    for (size_t step = 0; step < frame.steps; ++step) {
      window.step = step;
      window.step_time_ms = frame.time(step);
      window.end_ms = w.end(window.step_time_ms);
      window.start_ms = minus(window.end_ms, w.range_ms);
      while (window.last < in.times.size() && in.times[window.last] <= window.end_ms) ++window.last;
      while (window.first < window.last && in.times[window.first] <= window.start_ms)
        ++window.first;
      if (window.first == window.last) continue;
      stats_.samples_queried += window.size();
      if (const auto value = function.at(window)) {
        series.values[step] = *value;
        any = true;
      }
    }
    if (!any) return {};
    RETURN_IF_ERROR(charge(frame.steps));
    if (rate) {
      const std::string_view name = in.labels.metric_name();
      const auto ends = [&](const char* suffix) { return name.ends_with(suffix); };
      if (!name.empty() && !ends("_total") && !ends("_sum") && !ends("_count") &&
          !ends("_bucket")) {
        annotations_.possible_non_counter(name, call.args[0]->span);
      }
    }
    series.labels = std::move(in.labels);
    if (!keep_name) drop_name(series.labels);
    out.push_back(std::move(series));
    return {};
  };
  RETURN_IF_ERROR(range_series(arg, frame, add));
  // Not merged, even where no two have a value at the same time: so Prometheus does it for ranges.
  if (!keep_name && has_duplicates(out)) return duplicate_labels();
  return out;
}

}  // namespace vedette::promql
