// quantile and count_values: aggregations that look at all values of a step together.
#include <cmath>

#include "base/utf8.h"
#include "query/promql/aggregate.h"
#include "query/promql/quantile.h"
#include "query/promql/text.h"

namespace vedette::promql {

Result<Matrix> aggregate_quantile(Evaluator& ev, const Aggregate& node, const Frame& frame) {
  ASSIGN_OR_RETURN(const std::vector<double> q, ev.scalar(*node.parameter, frame));
  for (double v : q) {
    if (!(v >= 0 && v <= 1)) ev.annotations().invalid_quantile(v, node.parameter->span);
  }
  ASSIGN_OR_RETURN(const Matrix in, ev.vector(*node.expr, frame));
  Matrix out;
  std::vector<double> values;
  for (Group& group : group_series(node, in)) {
    RETURN_IF_ERROR(ev.check());
    RETURN_IF_ERROR(ev.charge(frame.steps));
    Series series{std::move(group.labels), std::vector<double>(frame.steps, absent())};
    for (size_t step = 0; step < frame.steps; ++step) {
      values.clear();
      for (const uint32_t i : group.members) {
        if (is_present(in[i].values[step])) values.push_back(in[i].values[step]);
      }
      if (!values.empty()) series.values[step] = quantile(q[step], values);
    }
    out.push_back(std::move(series));
  }
  drop_empty(out);
  return out;
}

Result<Matrix> aggregate_count_values(Evaluator& ev, const Aggregate& node, const Frame& frame) {
  const std::string& label = Evaluator::string(*node.parameter);
  if (label.empty() || !base::is_utf8(label)) {
    return Error{Code::kExecution, "invalid label name " + quote(label)};
  }
  ASSIGN_OR_RETURN(const Matrix in, ev.vector(*node.expr, frame));
  SeriesSet out(frame.steps);
  std::unordered_map<uint64_t, size_t> by_value;  // of one series: the result its value counts for
  for (const Series& series : in) {
    RETURN_IF_ERROR(ev.check());
    by_value.clear();
    for (size_t step = 0; step < frame.steps; ++step) {
      const double v = series.values[step];
      if (!is_present(v)) continue;
      const uint64_t key =
          std::isnan(v) ? std::bit_cast<uint64_t>(std::nan("")) : std::bit_cast<uint64_t>(v);
      const auto [it, added] = by_value.try_emplace(key, 0);
      if (added) {
        const bool grouped_away =
            std::find(node.grouping.begin(), node.grouping.end(), label) != node.grouping.end();
        model::Labels labels = group_labels(node, series.labels);
        if (!node.without || !grouped_away) labels.set(label, format_plain(v));
        const size_t before = out.size();
        it->second = out.find_or_add(std::move(labels));
        if (out.size() > before) RETURN_IF_ERROR(ev.charge(frame.steps));
      }
      double& count = out[it->second].values[step];
      count = is_present(count) ? count + 1 : 1;
    }
  }
  return out.take();
}

}  // namespace vedette::promql
