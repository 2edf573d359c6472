#include <cmath>
#include <numbers>

#include "query/promql/calls.h"

namespace vedette::promql {
namespace {

constexpr double kPi = std::numbers::pi;

double sign(double v) {
  return v < 0 ? -1 : v > 0 ? 1 : v;
}
double to_radians(double v) {
  return v * kPi / 180;
}
double to_degrees(double v) {
  return v * 180 / kPi;
}

/// Go's math.Max and math.Min: NaN wins over all but the infinity that ends the search.
double go_max(double a, double b) {
  if (std::isinf(a) && a > 0) return a;
  if (std::isinf(b) && b > 0) return b;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  return std::max(a, b);
}
double go_min(double a, double b) {
  if (std::isinf(a) && a < 0) return a;
  if (std::isinf(b) && b < 0) return b;
  if (std::isnan(a) || std::isnan(b)) return std::nan("");
  return std::min(a, b);
}

}  // namespace

MathFunction find_math_function(std::string_view name) {
  struct Entry {
    std::string_view name;
    MathFunction function;
  };
  static constexpr Entry kFunctions[] = {
      {"abs", [](double v) { return std::abs(v); }},
      {"acos", [](double v) { return std::acos(v); }},
      {"acosh", [](double v) { return std::acosh(v); }},
      {"asin", [](double v) { return std::asin(v); }},
      {"asinh", [](double v) { return std::asinh(v); }},
      {"atan", [](double v) { return std::atan(v); }},
      {"atanh", [](double v) { return std::atanh(v); }},
      {"ceil", [](double v) { return std::ceil(v); }},
      {"cos", [](double v) { return std::cos(v); }},
      {"cosh", [](double v) { return std::cosh(v); }},
      {"deg", to_degrees},
      {"exp", [](double v) { return std::exp(v); }},
      {"floor", [](double v) { return std::floor(v); }},
      {"ln", [](double v) { return std::log(v); }},
      {"log10", [](double v) { return std::log10(v); }},
      {"log2", [](double v) { return std::log2(v); }},
      {"rad", to_radians},
      {"sgn", sign},
      {"sin", [](double v) { return std::sin(v); }},
      {"sinh", [](double v) { return std::sinh(v); }},
      {"sqrt", [](double v) { return std::sqrt(v); }},
      {"tan", [](double v) { return std::tan(v); }},
      {"tanh", [](double v) { return std::tanh(v); }},
  };
  for (const Entry& entry : kFunctions) {
    if (entry.name == name) return entry.function;
  }
  return nullptr;
}

Result<Matrix> map_values(Evaluator& ev, const Node& arg, const Frame& frame,
                          const std::function<double(double)>& function) {
  ASSIGN_OR_RETURN(Matrix out, ev.vector(arg, frame));
  for (Series& series : out) {
    drop_name(series.labels);
    for (double& v : series.values) {
      if (is_present(v)) v = function(v);
    }
  }
  return merge_duplicates(std::move(out));
}

Result<Matrix> call_clamp(Evaluator& ev, const Call& call, const Frame& frame) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::string_view name = call.function->name;
  std::vector<double> low(frame.steps, -kInf), high(frame.steps, kInf);
  if (name != "clamp_max") {
    ASSIGN_OR_RETURN(low, ev.scalar(*call.args[1], frame));
  }
  if (name != "clamp_min") {
    ASSIGN_OR_RETURN(high, ev.scalar(*call.args.back(), frame));
  }
  ASSIGN_OR_RETURN(Matrix out, ev.vector(*call.args[0], frame));
  for (Series& series : out) {
    drop_name(series.labels);
    for (size_t step = 0; step < frame.steps; ++step) {
      double& v = series.values[step];
      if (!is_present(v)) continue;
      v = high[step] < low[step] ? absent() : go_max(low[step], go_min(high[step], v));
    }
  }
  drop_empty(out);
  return merge_duplicates(std::move(out));
}

Result<Matrix> call_round(Evaluator& ev, const Call& call, const Frame& frame) {
  std::vector<double> nearest(frame.steps, 1);
  if (call.args.size() > 1) {
    ASSIGN_OR_RETURN(nearest, ev.scalar(*call.args[1], frame));
  }
  ASSIGN_OR_RETURN(Matrix out, ev.vector(*call.args[0], frame));
  for (Series& series : out) {
    drop_name(series.labels);
    for (size_t step = 0; step < frame.steps; ++step) {
      double& v = series.values[step];
      // The inverse loses less: 0.1 has no exact form, 10 has.
      const double inverse = 1.0 / nearest[step];
      if (is_present(v)) v = std::floor(v * inverse + 0.5) / inverse;
    }
  }
  return merge_duplicates(std::move(out));
}

}  // namespace vedette::promql
