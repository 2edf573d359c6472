// Functions of whole vectors: absent, scalar, vector, sort, timestamp; and range functions with a
// parameter.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "query/promql/calls.h"
#include "query/promql/quantile.h"

namespace vedette::promql {
namespace {

/// The labels that a missing series would have: those its selector asks for by one equality.
model::Labels labels_of_absent(const Node& arg) {
  const Node& node = unwrap(arg);
  const VectorSelector* selector = nullptr;
  if (node.kind == Node::Kind::kVectorSelector) selector = &as<VectorSelector>(node);
  if (node.kind == Node::Kind::kMatrixSelector) {
    selector = &as<VectorSelector>(*as<MatrixSelector>(node).selector);
  }
  model::Labels out;
  if (!selector) return out;
  std::vector<std::string_view> seen;
  for (const store::Matcher& m : selector->matchers) {
    if (m.name == model::kMetricName) continue;
    const bool again = std::find(seen.begin(), seen.end(), m.name) != seen.end();
    if (m.op == store::MatchOp::kEqual && !again) {
      out.set(m.name, m.value);
      seen.push_back(m.name);
    } else {
      out.set(m.name, {});
    }
  }
  return out;
}

/// One where no series has a value.
Matrix absent_from(const std::vector<bool>& present, const Node& arg) {
  Series series{labels_of_absent(arg), std::vector<double>(present.size(), 1)};
  for (size_t step = 0; step < present.size(); ++step) {
    if (present[step]) series.values[step] = absent();
  }
  Matrix out;
  out.push_back(std::move(series));
  drop_empty(out);
  return out;
}

class PredictLinear : public RangeFunction {
 public:
  explicit PredictLinear(const std::vector<double>& seconds) : seconds_(seconds) {}
  std::optional<double> at(const Window& w) override {
    if (w.size() < 2) return std::nullopt;
    const Line line = fit_line(w.in_times(), w.in(), w.step_time_ms);
    return line.slope * seconds_[w.step] + line.intercept;
  }

 private:
  const std::vector<double>& seconds_;
};

class QuantileOverTime : public RangeFunction {
 public:
  QuantileOverTime(const std::vector<double>& q, Annotations& annotations, Span span)
      : q_(q), annotations_(annotations), span_(span) {}
  std::optional<double> at(const Window& w) override {
    const double q = q_[w.step];
    if (!(q >= 0 && q <= 1)) annotations_.invalid_quantile(q, span_);
    values_.assign(w.in().begin(), w.in().end());
    return quantile(q, values_);
  }

 private:
  const std::vector<double>& q_;
  Annotations& annotations_;
  const Span span_;
  std::vector<double> values_;
};

}  // namespace

Result<Matrix> call_absent(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(const Matrix in, ev.vector(*call.args[0], frame));
  std::vector<bool> present(frame.steps);
  for (const Series& series : in) {
    for (size_t step = 0; step < frame.steps; ++step) {
      if (is_present(series.values[step])) present[step] = true;
    }
  }
  return absent_from(present, *call.args[0]);
}

Result<Matrix> call_absent_over_time(Evaluator& ev, const Call& call, const Frame& frame) {
  const RangeWindows w = ev.windows(*call.args[0]);
  std::vector<bool> present(frame.steps);
  RETURN_IF_ERROR(ev.range_series(*call.args[0], frame, [&](RangeSeries&& series) {
    size_t next = 0;  // the first sample after the window's start
    for (size_t step = 0; step < frame.steps; ++step) {
      const int64_t end = w.end(frame.time(step));
      while (next < series.times.size() && series.times[next] <= end - w.range_ms) ++next;
      if (next < series.times.size() && series.times[next] <= end) present[step] = true;
    }
    return Status();
  }));
  return absent_from(present, *call.args[0]);
}

Result<Matrix> call_sort(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(Matrix out, ev.vector(*call.args[0], frame));
  if (frame.steps > 1) {
    ev.annotations().warn(
        "sort is ineffective for range queries since results are always ordered by labels",
        call.span);
    return out;
  }
  const bool descending = call.function->name == "sort_desc";
  std::stable_sort(out.begin(), out.end(), [&](const Series& a, const Series& b) {
    const double x = a.values[0], y = b.values[0];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);  // NaN last either way
    return descending ? x > y : x < y;
  });
  return out;
}

Result<Matrix> call_timestamp(Evaluator& ev, const Call& call, const Frame& frame) {
  const Node& arg = unwrap(*call.args[0]);
  Matrix out;
  if (arg.kind == Node::Kind::kVectorSelector) {
    ASSIGN_OR_RETURN(out, ev.select(as<VectorSelector>(arg), frame, true));
  } else {
    // Any other vector is as old as the evaluation.
    ASSIGN_OR_RETURN(out, ev.vector(arg, frame));
    for (Series& series : out) {
      for (size_t step = 0; step < frame.steps; ++step) {
        if (is_present(series.values[step]))
          series.values[step] = static_cast<double>(frame.time(step)) / 1000;
      }
    }
  }
  for (Series& series : out) drop_name(series.labels);
  return merge_duplicates(std::move(out));
}

Result<Matrix> call_vector(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(std::vector<double> values, ev.scalar(*call.args[0], frame));
  Matrix out;
  out.push_back({{}, std::move(values)});
  return out;
}

Result<std::vector<double>> call_scalar(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(const Matrix in, ev.vector(*call.args[0], frame));
  std::vector<double> out(frame.steps, std::nan(""));
  std::vector<uint8_t> found(frame.steps);
  for (const Series& series : in) {
    for (size_t step = 0; step < frame.steps; ++step) {
      if (!is_present(series.values[step])) continue;
      out[step] = found[step] ? std::nan("") : series.values[step];  // of one series only
      found[step] = 1;
    }
  }
  return out;
}

Result<Matrix> call_predict_linear(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(const std::vector<double> seconds, ev.scalar(*call.args[1], frame));
  PredictLinear function(seconds);
  return ev.range_call(call, *call.args[0], frame, function, false);
}

Result<Matrix> call_quantile_over_time(Evaluator& ev, const Call& call, const Frame& frame) {
  ASSIGN_OR_RETURN(const std::vector<double> q, ev.scalar(*call.args[0], frame));
  QuantileOverTime function(q, ev.annotations(), call.args[0]->span);
  return ev.range_call(call, *call.args[1], frame, function, false);
}

}  // namespace vedette::promql
