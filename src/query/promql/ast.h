// The expression tree. Built by the parser, checked once, then const: any number of queries may
// evaluate one tree at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/promql/functions.h"
#include "query/promql/token.h"
#include "store/predicate.h"

namespace vedette::promql {

/// Deeper trees are refused by the parser, so that walking one never exhausts a thread's stack.
inline constexpr int kDepthMax = 1000;

struct Node {
  enum class Kind : uint8_t {
    kNumber,
    kString,
    kVectorSelector,
    kMatrixSelector,
    kSubquery,
    kCall,
    kAggregate,
    kBinary,
    kUnary,
    kParen
  };

  explicit Node(Kind kind) : kind(kind) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const Kind kind;
  /// The same value at every step of a range query: evaluated once. Set by check().
  bool step_invariant = false;
  int depth = 1;
  Span span;
};

using NodePtr = std::unique_ptr<Node>;

/// What @ and offset do to a selector or subquery.
struct TimeModifier {
  enum class At : uint8_t { kNone, kTime, kStart, kEnd };
  At at = At::kNone;
  int64_t at_ms = 0;  // with kTime
  int64_t offset_ms = 0;

  bool fixed() const { return at != At::kNone; }
};

struct NumberLiteral : Node {
  NumberLiteral() : Node(Kind::kNumber) {}
  double value = 0;
  bool is_duration = false;  // written as 5m
};

struct StringLiteral : Node {
  StringLiteral() : Node(Kind::kString) {}
  std::string value;
};

struct VectorSelector : Node {
  VectorSelector() : Node(Kind::kVectorSelector) {}
  std::string name;                      // before the braces
  std::vector<store::Matcher> matchers;  // the one of `name` is the last
  TimeModifier time;
};

struct MatrixSelector : Node {
  MatrixSelector() : Node(Kind::kMatrixSelector) {}
  NodePtr selector;  // a VectorSelector once parsing has succeeded
  int64_t range_ms = 0;
};

struct Subquery : Node {
  Subquery() : Node(Kind::kSubquery) {}
  NodePtr expr;
  int64_t range_ms = 0;
  int64_t step_ms = 0;  // 0: the default evaluation interval
  TimeModifier time;
};

struct Call : Node {
  Call() : Node(Kind::kCall) {}
  const Function* function = nullptr;
  std::vector<NodePtr> args;
};

struct Aggregate : Node {
  Aggregate() : Node(Kind::kAggregate) {}
  Tok op = Tok::kSum;
  bool without = false;
  std::vector<std::string> grouping;
  NodePtr parameter;
  NodePtr expr;
};

enum class Cardinality : uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct VectorMatching {
  Cardinality cardinality = Cardinality::kOneToOne;
  bool on = false;
  std::vector<std::string> labels;
  std::vector<std::string> include;
};

struct Binary : Node {
  Binary() : Node(Kind::kBinary) {}
  Tok op = Tok::kAdd;
  bool return_bool = false;
  std::optional<VectorMatching> matching;  // only between vectors, once checked
  NodePtr lhs;
  NodePtr rhs;
};

struct Unary : Node {
  Unary() : Node(Kind::kUnary) {}
  Tok op = Tok::kSub;
  NodePtr expr;
};

struct Paren : Node {
  Paren() : Node(Kind::kParen) {}
  NodePtr expr;
};

template <typename T>
const T& as(const Node& node) {
  return static_cast<const T&>(node);
}
template <typename T>
T& as(Node& node) {
  return static_cast<T&>(node);
}

ValueType value_type(const Node& node);
/// The node inside of any parentheses.
const Node& unwrap(const Node& node);

}  // namespace vedette::promql
