// Functions of the samples in a window, such as rate and max_over_time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace vedette::promql {

/// Samples [first, last) of a series lie in (start, end]. There is at least one.
struct Window {
  std::span<const int64_t> times;  // of the whole series
  std::span<const double> values;
  size_t first = 0;
  size_t last = 0;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_time_ms = 0;  // when the query asks
  size_t step = 0;

  size_t size() const { return last - first; }
  std::span<const double> in() const { return values.subspan(first, size()); }
  std::span<const int64_t> in_times() const { return times.subspan(first, size()); }
};

/// Called series by series, and within one with windows that only move forward.
class RangeFunction {
 public:
  virtual ~RangeFunction() = default;
  virtual void begin(std::span<const int64_t> times, std::span<const double> values) {
    (void)times;
    (void)values;
  }
  /// No value: the window has too few samples.
  virtual std::optional<double> at(const Window& window) = 0;
};

/// Functions with a range vector as their only argument; null for other names.
std::unique_ptr<RangeFunction> make_rate_function(std::string_view name);       // rate.cc
std::unique_ptr<RangeFunction> make_over_time_function(std::string_view name);  // over_time.cc
/// Slope and value at `time_ms` of the line through the samples (least squares).
struct Line {
  double slope = 0;
  double intercept = 0;
};
Line fit_line(std::span<const int64_t> times, std::span<const double> values,
              int64_t time_ms);  // regression.cc
std::unique_ptr<RangeFunction> make_deriv();

}  // namespace vedette::promql
