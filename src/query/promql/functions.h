// The functions of PromQL: names, argument types, results. How they are computed is the evaluator's
// affair.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vedette::promql {

enum class ValueType : uint8_t { kScalar, kString, kVector, kMatrix };

/// "instant vector", as error messages say it.
std::string_view documented_name(ValueType type);
/// "vector", as the HTTP API says it.
std::string_view type_name(ValueType type);

struct Function {
  std::string_view name;
  std::vector<ValueType> args;
  /// How many arguments may be missing (1) or follow beyond the last type (n); -1: any number.
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  /// Known, but switched off, as in a Prometheus without its feature flag.
  bool experimental = false;
  /// Differs from step to step even when its arguments do not.
  bool uses_time = false;
};

/// Null where there is no such function.
const Function* find_function(std::string_view name);
const std::vector<Function>& all_functions();

}  // namespace vedette::promql
