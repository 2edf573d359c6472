// sum, avg, min, max, count, group, stddev, stdvar: one accumulator per group and step, series
// after series.
#include "query/promql/aggregate.h"

#include <algorithm>
#include <cmath>

#include "query/promql/kahan.h"

namespace vedette::promql {
namespace {

struct Sum {
  bool seen = false;
  KahanSum sum;
  void add(double v) {
    if (seen) {
      sum.add(v);
    } else {
      sum.sum = v;
      seen = true;
    }
  }
  double value() const { return sum.sum + sum.compensation; }
};

struct Average {
  bool seen = false;
  KahanMean mean;
  void add(double v) {
    seen = true;
    mean.add(v);
  }
  double value() const { return mean.value(); }
};

struct Minimum {
  bool seen = false;
  double now = 0;
  void add(double v) {
    if (!seen || now > v || std::isnan(now)) now = v;
    seen = true;
  }
  double value() const { return now; }
};

struct Maximum {
  bool seen = false;
  double now = 0;
  void add(double v) {
    if (!seen || now < v || std::isnan(now)) now = v;
    seen = true;
  }
  double value() const { return now; }
};

struct Count {
  bool seen = false;
  double n = 0;
  void add(double) {
    seen = true;
    n += 1;
  }
  double value() const { return n; }
};

struct Any {
  bool seen = false;
  void add(double) { seen = true; }
  double value() const { return 1; }
};

/// Welford's method.
struct Variance {
  bool seen = false;
  double n = 0, mean = 0, squares = 0;
  void add(double v) {
    n += 1;
    if (!seen) {
      seen = true;
      mean = v;
      squares = std::isfinite(v) ? 0 : std::nan("");
      return;
    }
    const double delta = v - mean;
    mean += delta / n;
    squares += delta * (v - mean);
  }
  double value() const { return squares / n; }
};

struct Deviation : Variance {
  double value() const { return std::sqrt(Variance::value()); }
};

template <typename State>
Result<Matrix> accumulate(Evaluator& ev, const Aggregate& node, const Frame& frame) {
  ASSIGN_OR_RETURN(const Matrix in, ev.vector(*node.expr, frame));
  Matrix out;
  std::vector<State> states;
  for (Group& group : group_series(node, in)) {
    RETURN_IF_ERROR(ev.check());
    RETURN_IF_ERROR(ev.charge(frame.steps));
    states.assign(frame.steps, State{});
    for (const uint32_t i : group.members) {
      const double* values = in[i].values.data();
      for (size_t step = 0; step < frame.steps; ++step) {
        if (is_present(values[step])) states[step].add(values[step]);
      }
    }
    Series series{std::move(group.labels), std::vector<double>(frame.steps)};
    for (size_t step = 0; step < frame.steps; ++step) {
      series.values[step] = states[step].seen ? states[step].value() : absent();
    }
    out.push_back(std::move(series));
  }
  drop_empty(out);
  return out;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

model::Labels group_labels(const Aggregate& node, const model::Labels& labels) {
  std::vector<model::Label> kept;
  for (const model::Label& label : labels.items()) {
    const bool named = contains(node.grouping, label.name);
    if (node.without ? !named && label.name != model::kMetricName : named) kept.push_back(label);
  }
  return model::Labels::of(std::move(kept));
}

std::vector<Group> group_series(const Aggregate& node, const Matrix& matrix) {
  std::vector<Group> out;
  std::unordered_map<std::string, size_t> by_key;
  std::string key;
  for (uint32_t i = 0; i < matrix.size(); ++i) {
    key.clear();
    if (node.without) {
      for (const model::Label& label : matrix[i].labels.items()) {
        if (label.name == model::kMetricName || contains(node.grouping, label.name)) continue;
        key.append(label.name).push_back('\xff');
        key.append(label.value).push_back('\xff');
      }
    } else {
      for (const std::string& name : node.grouping)
        key.append(matrix[i].labels.get(name)).push_back('\xff');
    }
    const auto [it, added] = by_key.try_emplace(key, out.size());
    if (added) out.push_back({group_labels(node, matrix[i].labels), {}});
    out[it->second].members.push_back(i);
  }
  return out;
}

Result<Matrix> evaluate_aggregate(Evaluator& ev, const Aggregate& node, const Frame& frame) {
  switch (node.op) {
    case Tok::kSum:
      return accumulate<Sum>(ev, node, frame);
    case Tok::kAvg:
      return accumulate<Average>(ev, node, frame);
    case Tok::kMin:
      return accumulate<Minimum>(ev, node, frame);
    case Tok::kMax:
      return accumulate<Maximum>(ev, node, frame);
    case Tok::kCount:
      return accumulate<Count>(ev, node, frame);
    case Tok::kGroup:
      return accumulate<Any>(ev, node, frame);
    case Tok::kStdvar:
      return accumulate<Variance>(ev, node, frame);
    case Tok::kStddev:
      return accumulate<Deviation>(ev, node, frame);
    case Tok::kQuantile:
      return aggregate_quantile(ev, node, frame);
    case Tok::kCountValues:
      return aggregate_count_values(ev, node, frame);
    default:
      return aggregate_topk(ev, node, frame);
  }
}

}  // namespace vedette::promql
