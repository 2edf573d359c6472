// deriv and predict_linear: a straight line through the samples by least squares.
#include <cmath>

#include "query/promql/kahan.h"
#include "query/promql/range_function.h"

namespace vedette::promql {
namespace {

class Deriv : public RangeFunction {
 public:
  std::optional<double> at(const Window& window) override {
    if (window.size() < 2) return std::nullopt;
    // Times relative to a sample keep the sums small.
    return fit_line(window.in_times(), window.in(), window.times[window.first]).slope;
  }
};

}  // namespace

Line fit_line(std::span<const int64_t> times, std::span<const double> values, int64_t time_ms) {
  KahanSum x_sum, y_sum, xy_sum, xx_sum;
  bool constant = true;
  for (size_t i = 0; i < values.size(); ++i) {
    constant = constant && values[i] == values[0];
    const double x = static_cast<double>(times[i] - time_ms) / 1000;
    x_sum.add(x);
    y_sum.add(values[i]);
    xy_sum.add(x * values[i]);
    xx_sum.add(x * x);
  }
  // A first value that is NaN differs from itself, but only later values count.
  if (values.size() == 1 || constant) {
    if (std::isinf(values[0])) return {std::nan(""), std::nan("")};
    return {0, values[0]};
  }
  const auto n = static_cast<double>(values.size());
  const double x = x_sum.sum + x_sum.compensation, y = y_sum.sum + y_sum.compensation;
  const double xy = xy_sum.sum + xy_sum.compensation, xx = xx_sum.sum + xx_sum.compensation;
  const double slope = (xy - x * y / n) / (xx - x * x / n);
  return {slope, y / n - slope * x / n};
}

std::unique_ptr<RangeFunction> make_deriv() {
  return std::make_unique<Deriv>();
}

}  // namespace vedette::promql
