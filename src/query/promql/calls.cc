// Which code answers which function.
#include "query/promql/calls.h"

#include <numbers>
#include <unordered_map>

namespace vedette::promql {
namespace {

using Handler = Result<Matrix> (*)(Evaluator&, const Call&, const Frame&);

Result<Matrix> needs_native_histograms(Evaluator&, const Call& call, const Frame&) {
  return Error{Code::kExecution,
               std::string(call.function->name) +
                   "() works on native histograms, which are not supported yet; for classic "
                   "histograms use the _sum and _count series"};
}

Result<Matrix> over_range(Evaluator& ev, const Call& call, const Frame& frame) {
  const std::string_view name = call.function->name;
  auto function = make_rate_function(name);
  if (!function) function = make_over_time_function(name);
  if (!function) function = make_deriv();
  return ev.range_call(call, *call.args[0], frame, *function, name == "last_over_time");
}

const std::unordered_map<std::string_view, Handler>& handlers() {
  static const std::unordered_map<std::string_view, Handler> map = {
      {"absent", call_absent},
      {"absent_over_time", call_absent_over_time},
      {"clamp", call_clamp},
      {"clamp_max", call_clamp},
      {"clamp_min", call_clamp},
      {"histogram_avg", needs_native_histograms},
      {"histogram_count", needs_native_histograms},
      {"histogram_fraction", call_histogram_fraction},
      {"histogram_quantile", call_histogram_quantile},
      {"histogram_stddev", needs_native_histograms},
      {"histogram_stdvar", needs_native_histograms},
      {"histogram_sum", needs_native_histograms},
      {"label_join", call_label_join},
      {"label_replace", call_label_replace},
      {"predict_linear", call_predict_linear},
      {"quantile_over_time", call_quantile_over_time},
      {"round", call_round},
      {"sort", call_sort},
      {"sort_desc", call_sort},
      {"timestamp", call_timestamp},
      {"vector", call_vector},
  };
  return map;
}

}  // namespace

Result<Matrix> evaluate_call(Evaluator& ev, const Call& call, const Frame& frame) {
  const auto it = handlers().find(call.function->name);
  if (it != handlers().end()) return it->second(ev, call, frame);
  if (const auto f = find_math_function(call.function->name))
    return map_values(ev, *call.args[0], frame, f);
  if (const auto f = find_date_function(call.function->name)) return call_date(ev, call, frame, f);
  return over_range(ev, call, frame);
}

Result<std::vector<double>> evaluate_scalar_call(Evaluator& ev, const Call& call,
                                                 const Frame& frame) {
  const std::string_view name = call.function->name;
  if (name == "pi") return std::vector<double>(frame.steps, std::numbers::pi);
  if (name == "scalar") return call_scalar(ev, call, frame);
  std::vector<double> out(frame.steps);  // time()
  for (size_t step = 0; step < frame.steps; ++step)
    out[step] = static_cast<double>(frame.time(step)) / 1000;
  return out;
}

}  // namespace vedette::promql
