#include "query/promql/functions.h"

#include <unordered_map>

namespace vedette::promql {
namespace {

constexpr ValueType kS = ValueType::kScalar;
constexpr ValueType kT = ValueType::kString;
constexpr ValueType kV = ValueType::kVector;
constexpr ValueType kM = ValueType::kMatrix;

Function time_of(std::string_view name) {
  return {name, {kV}, 1, kV, false, true};
}
Function experimental(std::string_view name, std::vector<ValueType> args, int variadic = 0,
                      ValueType returns = kV) {
  return {name, std::move(args), variadic, returns, true, false};
}

std::vector<Function> make_functions() {
  std::vector<Function> out;
  for (const char* name : {"abs",
                           "absent",
                           "acos",
                           "acosh",
                           "asin",
                           "asinh",
                           "atan",
                           "atanh",
                           "ceil",
                           "cos",
                           "cosh",
                           "deg",
                           "exp",
                           "floor",
                           "histogram_avg",
                           "histogram_count",
                           "histogram_stddev",
                           "histogram_stdvar",
                           "histogram_sum",
                           "ln",
                           "log10",
                           "log2",
                           "rad",
                           "sgn",
                           "sin",
                           "sinh",
                           "sort",
                           "sort_desc",
                           "sqrt",
                           "tan",
                           "tanh"}) {
    out.push_back({name, {kV}});
  }
  for (const char* name : {"absent_over_time", "avg_over_time", "changes", "count_over_time",
                           "delta", "deriv", "idelta", "increase", "irate", "last_over_time",
                           "max_over_time", "min_over_time", "present_over_time", "rate", "resets",
                           "stddev_over_time", "stdvar_over_time", "sum_over_time"}) {
    out.push_back({name, {kM}});
  }
  for (const char* name : {"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour",
                           "minute", "month", "year"}) {
    out.push_back(time_of(name));
  }
  for (const char* name : {"first_over_time", "mad_over_time", "ts_of_first_over_time",
                           "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time"}) {
    out.push_back(experimental(name, {kM}));
  }
  for (const char* name : {"start", "end", "step", "range"})
    out.push_back(experimental(name, {}, 0, kS));
  const std::vector<Function> rest = {
      {"clamp", {kV, kS, kS}},
      {"clamp_max", {kV, kS}},
      {"clamp_min", {kV, kS}},
      {"histogram_fraction", {kS, kS, kV}},
      {"histogram_quantile", {kS, kV}},
      {"label_join", {kV, kT, kT, kT}, -1},
      {"label_replace", {kV, kT, kT, kT, kT}},
      {"pi", {}, 0, kS},
      {"predict_linear", {kM, kS}, 0, kV, false, true},
      {"quantile_over_time", {kS, kM}},
      {"round", {kV, kS}, 1},
      {"scalar", {kV}, 0, kS},
      {"time", {}, 0, kS, false, true},
      {"timestamp", {kV}, 0, kV, false, true},
      {"vector", {kS}},
      experimental("double_exponential_smoothing", {kM, kS, kS}),
      experimental("histogram_quantiles", {kV, kT, kS, kS}, 9),
      experimental("info", {kV, kV}, 1),
      experimental("sort_by_label", {kV, kT}, -1),
      experimental("sort_by_label_desc", {kV, kT}, -1),
  };
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

}  // namespace

std::string_view documented_name(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
  }
  return {};
}

std::string_view type_name(ValueType type) {
  switch (type) {
    case ValueType::kVector:
      return "vector";
    case ValueType::kMatrix:
      return "matrix";
    default:
      return documented_name(type);
  }
}

const std::vector<Function>& all_functions() {
  static const std::vector<Function> functions = make_functions();
  return functions;
}

const Function* find_function(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const Function*> map;
    for (const Function& f : all_functions()) map.emplace(f.name, &f);
    return map;
  }();
  const auto it = by_name.find(name);
  return it == by_name.end() ? nullptr : it->second;
}

}  // namespace vedette::promql
