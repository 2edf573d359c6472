// Aggregations: what they share. Internal to this module.
#pragma once

#include "query/promql/evaluator.h"

namespace vedette::promql {

struct Group {
  model::Labels labels;
  std::vector<uint32_t> members;  // indices of series, ascending
};

/// In the order of their first series.
std::vector<Group> group_series(const Aggregate& node, const Matrix& matrix);
/// What is left of a series' labels.
model::Labels group_labels(const Aggregate& node, const model::Labels& labels);

Result<Matrix> aggregate_topk(Evaluator& ev, const Aggregate& node, const Frame& frame);  // topk.cc
Result<Matrix> aggregate_quantile(Evaluator& ev, const Aggregate& node,
                                  const Frame& frame);  // aggregate_values.cc
Result<Matrix> aggregate_count_values(Evaluator& ev, const Aggregate& node,
                                      const Frame& frame);  // aggregate_values.cc

}  // namespace vedette::promql
