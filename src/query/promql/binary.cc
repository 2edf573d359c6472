// Binary operators with a scalar on at least one side.
#include "query/promql/operators.h"

namespace vedette::promql {
namespace {

Result<Matrix> vector_and_scalar(Evaluator& ev, const Binary& node, const Frame& frame,
                                 bool scalar_left) {
  ASSIGN_OR_RETURN(const std::vector<double> scalar,
                   ev.scalar(scalar_left ? *node.lhs : *node.rhs, frame));
  ASSIGN_OR_RETURN(Matrix out, ev.vector(scalar_left ? *node.rhs : *node.lhs, frame));
  const bool comparison = is_comparison(node.op);
  with_operator(node.op, [&](auto op) {
    for (Series& series : out) {
      for (size_t step = 0; step < frame.steps; ++step) {
        double& v = series.values[step];
        if (!is_present(v)) continue;
        const OperatorResult r = scalar_left ? op(scalar[step], v) : op(v, scalar[step]);
        if (node.return_bool) {
          v = r.keep ? 1 : 0;
        } else if (!comparison) {
          v = r.value;
        } else if (!r.keep) {
          v = absent();  // what holds keeps the vector's value, on whichever side it stands
        }
      }
    }
  });
  if (comparison && !node.return_bool) {
    drop_empty(out);
    return out;
  }
  for (Series& series : out) drop_name(series.labels);
  return merge_duplicates(std::move(out));
}

}  // namespace

Result<std::vector<double>> evaluate_scalar_binary(Evaluator& ev, const Binary& node,
                                                   const Frame& frame) {
  ASSIGN_OR_RETURN(std::vector<double> out, ev.scalar(*node.lhs, frame));
  ASSIGN_OR_RETURN(const std::vector<double> rhs, ev.scalar(*node.rhs, frame));
  const bool comparison = is_comparison(node.op);
  with_operator(node.op, [&](auto op) {
    for (size_t step = 0; step < frame.steps; ++step) {
      const OperatorResult r = op(out[step], rhs[step]);
      out[step] = comparison ? (r.keep ? 1 : 0) : r.value;
    }
  });
  return out;
}

Result<Matrix> evaluate_binary(Evaluator& ev, const Binary& node, const Frame& frame) {
  if (value_type(*node.lhs) == ValueType::kScalar) return vector_and_scalar(ev, node, frame, true);
  if (value_type(*node.rhs) == ValueType::kScalar) return vector_and_scalar(ev, node, frame, false);
  if (is_set_operator(node.op)) return evaluate_set_operator(ev, node, frame);
  return evaluate_vector_matching(ev, node, frame);
}

}  // namespace vedette::promql
