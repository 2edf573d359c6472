// The functions of instant vectors and scalars, by family. Internal to this module.
#pragma once

#include <functional>

#include "query/promql/evaluator.h"

namespace vedette::promql {

// math.cc
using MathFunction = double (*)(double);
MathFunction find_math_function(std::string_view name);
/// A function of each value; the metric name goes.
Result<Matrix> map_values(Evaluator& ev, const Node& arg, const Frame& frame,
                          const std::function<double(double)>& function);
Result<Matrix> call_clamp(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_round(Evaluator& ev, const Call& call, const Frame& frame);

// dates.cc
using DateFunction = double (*)(int64_t seconds);
DateFunction find_date_function(std::string_view name);
Result<Matrix> call_date(Evaluator& ev, const Call& call, const Frame& frame,
                         DateFunction function);

// labels.cc
Result<Matrix> call_label_replace(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_label_join(Evaluator& ev, const Call& call, const Frame& frame);

// histogram.cc
Result<Matrix> call_histogram_quantile(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_histogram_fraction(Evaluator& ev, const Call& call, const Frame& frame);

// vectors.cc
Result<Matrix> call_absent(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_absent_over_time(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_sort(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_timestamp(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_vector(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_predict_linear(Evaluator& ev, const Call& call, const Frame& frame);
Result<Matrix> call_quantile_over_time(Evaluator& ev, const Call& call, const Frame& frame);
Result<std::vector<double>> call_scalar(Evaluator& ev, const Call& call, const Frame& frame);

}  // namespace vedette::promql
