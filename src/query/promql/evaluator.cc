#include "query/promql/evaluator.h"

namespace vedette::promql {
namespace {

uint64_t cells(const Matrix& matrix) {
  uint64_t n = 0;
  for (const Series& series : matrix) n += series.values.size();
  return n;
}

}  // namespace

Status Evaluator::charge(uint64_t samples) {
  samples_now_ += samples;
  stats_.samples_peak = std::max(stats_.samples_peak, samples_now_);
  if (samples_now_ <= options_.samples_max) return {};
  return {Code::kExecution,
          "query processing would load too many samples into memory in query execution"};
}

int64_t Evaluator::fixed_time(const TimeModifier& time) const {
  switch (time.at) {
    case TimeModifier::At::kStart:
      return start_ms_;
    case TimeModifier::At::kEnd:
      return end_ms_;
    default:
      return time.at_ms;
  }
}

Result<Matrix> Evaluator::vector(const Node& node, const Frame& frame) {
  const uint64_t before = samples_now_;
  if (!node.step_invariant || frame.steps == 1) {
    ASSIGN_OR_RETURN(Matrix out, vector_once(node, frame));
    samples_now_ = before;  // what the operands held is gone
    RETURN_IF_ERROR(charge(cells(out)));
    return out;
  }
  ASSIGN_OR_RETURN(Matrix out, vector_once(node, frame.first_step()));
  samples_now_ = before;
  RETURN_IF_ERROR(charge(out.size() * frame.steps));
  for (Series& series : out) series.values.assign(frame.steps, double{series.values[0]});
  return out;
}

Result<Matrix> Evaluator::vector_once(const Node& node, const Frame& frame) {
  RETURN_IF_ERROR(check());
  switch (node.kind) {
    case Node::Kind::kVectorSelector:
      return select(as<VectorSelector>(node), frame, false);
    case Node::Kind::kCall:
      return evaluate_call(*this, as<Call>(node), frame);
    case Node::Kind::kAggregate:
      return evaluate_aggregate(*this, as<Aggregate>(node), frame);
    case Node::Kind::kBinary:
      return evaluate_binary(*this, as<Binary>(node), frame);
    case Node::Kind::kUnary:
      return unary(as<Unary>(node), frame);
    case Node::Kind::kParen:
      return vector(*as<Paren>(node).expr, frame);
    default:
      return Error{Code::kInternal, "not an instant vector"};
  }
}

Result<Matrix> Evaluator::unary(const Unary& node, const Frame& frame) {
  ASSIGN_OR_RETURN(Matrix out, vector(*node.expr, frame));
  if (node.op != Tok::kSub) return out;
  for (Series& series : out) {
    drop_name(series.labels);
    for (double& v : series.values) {
      if (is_present(v)) v = -v;
    }
  }
  return merge_duplicates(std::move(out));
}

Result<std::vector<double>> Evaluator::scalar(const Node& node, const Frame& frame) {
  if (!node.step_invariant || frame.steps == 1) return scalar_once(node, frame);
  ASSIGN_OR_RETURN(const std::vector<double> one, scalar_once(node, frame.first_step()));
  return std::vector<double>(frame.steps, one[0]);
}

Result<std::vector<double>> Evaluator::scalar_once(const Node& node, const Frame& frame) {
  RETURN_IF_ERROR(check());
  switch (node.kind) {
    case Node::Kind::kNumber:
      return std::vector<double>(frame.steps, as<NumberLiteral>(node).value);
    case Node::Kind::kCall:
      return evaluate_scalar_call(*this, as<Call>(node), frame);
    case Node::Kind::kBinary:
      return evaluate_scalar_binary(*this, as<Binary>(node), frame);
    case Node::Kind::kParen:
      return scalar(*as<Paren>(node).expr, frame);
    case Node::Kind::kUnary: {
      ASSIGN_OR_RETURN(std::vector<double> out, scalar(*as<Unary>(node).expr, frame));
      if (as<Unary>(node).op == Tok::kSub) {
        for (double& v : out) v = -v;
      }
      return out;
    }
    default:
      return Error{Code::kInternal, "not a scalar"};
  }
}

}  // namespace vedette::promql
