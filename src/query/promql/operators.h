// What the binary operators do to two numbers. Internal to this module.
#pragma once

#include <cmath>
#include <utility>

#include "query/promql/evaluator.h"

namespace vedette::promql {

struct OperatorResult {
  double value;
  bool keep;  // comparisons: whether it holds
};

/// Calls `use` with the operator as a function object, so that a loop is compiled for each.
template <typename Use>
auto with_operator(Tok op, Use&& use) {
  const auto arithmetic = [&](auto f) {
    return use([f](double a, double b) { return OperatorResult{f(a, b), true}; });
  };
  const auto comparison = [&](auto f) {
    return use([f](double a, double b) { return OperatorResult{a, f(a, b)}; });
  };
  switch (op) {
    case Tok::kAdd:
      return arithmetic([](double a, double b) { return a + b; });
    case Tok::kSub:
      return arithmetic([](double a, double b) { return a - b; });
    case Tok::kMul:
      return arithmetic([](double a, double b) { return a * b; });
    case Tok::kDiv:
      return arithmetic([](double a, double b) { return a / b; });
    case Tok::kMod:
      return arithmetic([](double a, double b) { return std::fmod(a, b); });
    case Tok::kPow:
      return arithmetic([](double a, double b) { return std::pow(a, b); });
    case Tok::kAtan2:
      return arithmetic([](double a, double b) { return std::atan2(a, b); });
    case Tok::kEqlc:
      return comparison([](double a, double b) { return a == b; });
    case Tok::kNeq:
      return comparison([](double a, double b) { return a != b; });
    case Tok::kGtr:
      return comparison([](double a, double b) { return a > b; });
    case Tok::kLss:
      return comparison([](double a, double b) { return a < b; });
    case Tok::kGte:
      return comparison([](double a, double b) { return a >= b; });
    default:
      return comparison([](double a, double b) { return a <= b; });
  }
}

/// Numbers the label sets that count as equal when two vectors are matched.
class MatchGroups {
 public:
  explicit MatchGroups(const VectorMatching& matching) : matching_(matching) {}
  uint32_t group_of(const model::Labels& labels);
  std::vector<uint32_t> groups_of(const Matrix& matrix);
  size_t size() const { return groups_.size(); }

 private:
  const VectorMatching& matching_;
  std::unordered_map<std::string, uint32_t> groups_;
  std::string key_;
};

Result<Matrix> evaluate_vector_matching(Evaluator& ev, const Binary& node,
                                        const Frame& frame);  // matching.cc
Result<Matrix> evaluate_set_operator(Evaluator& ev, const Binary& node,
                                     const Frame& frame);  // set_operators.cc

}  // namespace vedette::promql
