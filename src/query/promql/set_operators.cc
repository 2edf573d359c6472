// and, or, unless: by step, whether the other side has a series with the same labels.
#include "query/promql/operators.h"

namespace vedette::promql {
namespace {

/// For each match group the steps at which a series of it has a value; empty: none.
std::vector<std::vector<bool>> presence(const Matrix& matrix, const std::vector<uint32_t>& group,
                                        size_t groups, size_t steps) {
  std::vector<std::vector<bool>> out(groups);
  for (size_t i = 0; i < matrix.size(); ++i) {
    std::vector<bool>& at = out[group[i]];
    at.resize(steps);
    for (size_t step = 0; step < steps; ++step) {
      if (is_present(matrix[i].values[step])) at[step] = true;
    }
  }
  return out;
}

/// Keeps values where the group's presence on the other side is `wanted`.
void filter(Matrix& matrix, const std::vector<uint32_t>& group,
            const std::vector<std::vector<bool>>& present, bool wanted) {
  for (size_t i = 0; i < matrix.size(); ++i) {
    const std::vector<bool>& at = present[group[i]];
    for (size_t step = 0; step < matrix[i].values.size(); ++step) {
      if ((!at.empty() && at[step]) != wanted) matrix[i].values[step] = absent();
    }
  }
  drop_empty(matrix);
}

}  // namespace

Result<Matrix> evaluate_set_operator(Evaluator& ev, const Binary& node, const Frame& frame) {
  ASSIGN_OR_RETURN(Matrix lhs, ev.vector(*node.lhs, frame));
  ASSIGN_OR_RETURN(Matrix rhs, ev.vector(*node.rhs, frame));
  MatchGroups groups(*node.matching);
  const std::vector<uint32_t> left = groups.groups_of(lhs);
  const std::vector<uint32_t> right = groups.groups_of(rhs);
  if (node.op != Tok::kOr) {
    filter(lhs, left, presence(rhs, right, groups.size(), frame.steps), node.op == Tok::kAnd);
    return lhs;
  }
  filter(rhs, right, presence(lhs, left, groups.size(), frame.steps), false);
  for (Series& series : rhs) lhs.push_back(std::move(series));
  return merge_duplicates(std::move(lhs));
}

}  // namespace vedette::promql
