#include "query/promql/ast.h"

namespace vedette::promql {

ValueType value_type(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNumber:
      return ValueType::kScalar;
    case Node::Kind::kString:
      return ValueType::kString;
    case Node::Kind::kVectorSelector:
    case Node::Kind::kAggregate:
      return ValueType::kVector;
    case Node::Kind::kMatrixSelector:
    case Node::Kind::kSubquery:
      return ValueType::kMatrix;
    case Node::Kind::kCall:
      return as<Call>(node).function->returns;
    case Node::Kind::kUnary:
      return value_type(*as<Unary>(node).expr);
    case Node::Kind::kParen:
      return value_type(*as<Paren>(node).expr);
    case Node::Kind::kBinary:
      break;
  }
  const auto& binary = as<Binary>(node);
  const bool scalar = value_type(*binary.lhs) == ValueType::kScalar &&
                      value_type(*binary.rhs) == ValueType::kScalar;
  return scalar ? ValueType::kScalar : ValueType::kVector;
}

const Node& unwrap(const Node& node) {
  const Node* at = &node;
  while (at->kind == Node::Kind::kParen) at = as<Paren>(*at).expr.get();
  return *at;
}

}  // namespace vedette::promql
