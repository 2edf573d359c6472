// Type checking, with Prometheus's errors.
#include "query/promql/parse_state.h"
#include "query/promql/parser.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

class Checker {
 public:
  Checker(std::string_view query, ParseErrors& errors) : query_(query), errors_(errors) {}

  ValueType visit(Node& node) {
    switch (node.kind) {
      case Node::Kind::kNumber:
      case Node::Kind::kString:
        node.step_invariant = true;
        break;
      case Node::Kind::kVectorSelector:
        vector_selector(as<VectorSelector>(node));
        break;
      case Node::Kind::kMatrixSelector: {
        auto& matrix = as<MatrixSelector>(node);
        visit(*matrix.selector);
        node.step_invariant = matrix.selector->step_invariant;
        break;
      }
      case Node::Kind::kSubquery:
        subquery(as<Subquery>(node));
        break;
      case Node::Kind::kCall:
        call(as<Call>(node));
        break;
      case Node::Kind::kAggregate:
        aggregate(as<Aggregate>(node));
        break;
      case Node::Kind::kBinary:
        binary(as<Binary>(node));
        break;
      case Node::Kind::kUnary:
        unary(as<Unary>(node));
        break;
      case Node::Kind::kParen:
        visit(*as<Paren>(node).expr);
        node.step_invariant = as<Paren>(node).expr->step_invariant;
        break;
    }
    return value_type(node);
  }

 private:
  void fail(Span at, const std::string& message) { errors_.add(at, message); }

  void expect_type(Node& node, ValueType want, const std::string& context) {
    const ValueType got = visit(node);
    if (got == want) return;
    fail(node.span, "expected type " + std::string(documented_name(want)) + " in " + context +
                        ", got " + std::string(documented_name(got)));
  }

  void vector_selector(VectorSelector& node) {
    node.step_invariant = node.time.fixed();
    if (!node.name.empty()) {
      for (size_t i = 0; i + 1 < node.matchers.size(); ++i) {
        if (node.matchers[i].name == model::kMetricName) {
          fail(node.span, "metric name must not be set twice: " + quote(node.name) + " or " +
                              quote(node.matchers[i].value));
        }
      }
      return;
    }
    if (std::all_of(node.matchers.begin(), node.matchers.end(), matches_empty)) {
      fail(node.span, "vector selector must contain at least one non-empty matcher");
    }
  }

  void subquery(Subquery& node) {
    node.step_invariant = node.time.fixed();
    const ValueType type = visit(*node.expr);
    if (type != ValueType::kVector) {
      fail(node.span, "subquery is only allowed on instant vector, got " +
                          std::string(type_name(type)) + " instead");
    }
  }

  void call(Call& node) {
    const Function& f = *node.function;
    const std::string name = quote(f.name), got = std::to_string(node.args.size());
    const size_t types = f.args.size();
    if (f.variadic == 0 && types != node.args.size()) {
      fail(node.span, "expected " + std::to_string(types) + " argument(s) in call to " + name +
                          ", got " + got);
    } else if (f.variadic != 0 && types - 1 > node.args.size()) {
      fail(node.span, "expected at least " + std::to_string(types - 1) +
                          " argument(s) in call to " + name + ", got " + got);
    } else if (f.variadic > 0 && types - 1 + static_cast<size_t>(f.variadic) < node.args.size()) {
      fail(node.span, "expected at most " +
                          std::to_string(types - 1 + static_cast<size_t>(f.variadic)) +
                          " argument(s) in call to " + name + ", got " + got);
    }
    node.step_invariant = !f.uses_time;
    for (size_t i = 0; i < node.args.size() && types > 0; ++i) {
      if (i >= types && f.variadic == 0) break;
      const ValueType want = f.args[std::min(i, types - 1)];
      expect_type(*node.args[i], want, "call to function " + name);
      node.step_invariant = node.step_invariant && node.args[i]->step_invariant;
    }
  }

  void aggregate(Aggregate& node) {
    expect_type(*node.expr, ValueType::kVector, "aggregation expression");
    node.step_invariant = node.expr->step_invariant;
    if (!node.parameter) return;
    expect_type(*node.parameter,
                node.op == Tok::kCountValues ? ValueType::kString : ValueType::kScalar,
                "aggregation parameter");
    node.step_invariant = node.step_invariant && node.parameter->step_invariant;
  }

  void unary(Unary& node) {
    const ValueType type = visit(*node.expr);
    node.step_invariant = node.expr->step_invariant;
    if (type != ValueType::kScalar && type != ValueType::kVector) {
      fail(node.span,
           "unary expression only allowed on expressions of type scalar or instant vector, got " +
               quote(documented_name(type)));
    }
  }

  /// Where the operator stands.
  Span operator_span(const Binary& node) const {
    uint32_t start = node.lhs->span.end;
    while (start < query_.size() &&
           std::string_view(" \t\r\n").find(query_[start]) != std::string_view::npos) {
      ++start;
    }
    return {start, node.rhs->span.start};
  }

  void binary(Binary& node) {
    const ValueType left = visit(*node.lhs), right = visit(*node.rhs);
    node.step_invariant = node.lhs->step_invariant && node.rhs->step_invariant;
    const bool comparison = is_comparison(node.op), set = is_set_operator(node.op);
    if (node.return_bool && !comparison) {
      fail(operator_span(node), "bool modifier can only be used on comparison operators");
    }
    if (comparison && !node.return_bool && left == ValueType::kScalar &&
        right == ValueType::kScalar) {
      fail(operator_span(node), "comparisons between scalars must use BOOL modifier");
    }
    VectorMatching& matching = *node.matching;
    if (set && matching.cardinality == Cardinality::kOneToOne)
      matching.cardinality = Cardinality::kManyToMany;
    for (const std::string& label : matching.labels) {
      const auto& include = matching.include;
      if (matching.on && std::find(include.begin(), include.end(), label) != include.end()) {
        fail(operator_span(node),
             "label " + quote(label) + " must not occur in ON and GROUP clause at once");
      }
    }
    for (const NodePtr* side : {&node.lhs, &node.rhs}) {
      const ValueType type = value_type(**side);
      if (type != ValueType::kScalar && type != ValueType::kVector) {
        fail((*side)->span, "binary expression must contain only scalar and instant vector types");
      }
    }
    if (left != ValueType::kVector || right != ValueType::kVector) {
      if (!matching.labels.empty())
        fail(node.span, "vector matching only allowed between instant vectors");
      node.matching.reset();
    } else if (set && matching.cardinality != Cardinality::kManyToMany) {
      fail(node.span, "no grouping allowed for " + quote(spelling(node.op)) + " operation");
    }
    if ((left == ValueType::kScalar || right == ValueType::kScalar) && set) {
      fail(node.span,
           "set operator " + quote(spelling(node.op)) + " not allowed in binary scalar expression");
    }
  }

  std::string_view query_;
  ParseErrors& errors_;
};

}  // namespace

void check(Node& node, std::string_view query, ParseErrors& errors) {
  Checker(query, errors).visit(node);
}

}  // namespace vedette::promql
