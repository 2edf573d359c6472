// rate, increase, delta and their instant kin. Extrapolation to the window's edges as in Prometheus
// (promql/functions.go, extrapolatedRate): only where the gap looks like the ordinary distance
// between samples.
#include "query/promql/range_function.h"

#include <vector>

namespace vedette::promql {
namespace {

class ExtrapolatedRate : public RangeFunction {
 public:
  ExtrapolatedRate(bool is_counter, bool is_rate) : is_counter_(is_counter), is_rate_(is_rate) {}

  void begin(std::span<const int64_t>, std::span<const double> values) override {
    resets_.clear();
    next_reset_ = 0;
    if (!is_counter_) return;
    for (size_t i = 1; i < values.size(); ++i) {
      if (values[i] < values[i - 1]) resets_.push_back(i);
    }
  }

  std::optional<double> at(const Window& w) override {
    if (w.size() < 2) return std::nullopt;
    const double first = w.values[w.first];
    double result = w.values[w.last - 1] - first;
    // Few windows have resets, so their places are known and nothing else is looked at.
    while (next_reset_ < resets_.size() && resets_[next_reset_] <= w.first) ++next_reset_;
    for (size_t r = next_reset_; r < resets_.size() && resets_[r] < w.last; ++r)
      result += w.values[resets_[r] - 1];

    const int64_t first_time = w.times[w.first], last_time = w.times[w.last - 1];
    double to_start = static_cast<double>(first_time - w.start_ms) / 1000;
    double to_end = static_cast<double>(w.end_ms - last_time) / 1000;
    const double sampled = static_cast<double>(last_time - first_time) / 1000;
    const double distance = sampled / static_cast<double>(w.size() - 1);
    const double threshold = distance * 1.1;
    if (to_start >= threshold) to_start = distance / 2;
    if (is_counter_) {
      // Counters never were below zero.
      double to_zero = to_start;
      if (result > 0 && first >= 0) to_zero = sampled * (first / result);
      if (to_zero < to_start) to_start = to_zero;
    }
    if (to_end >= threshold) to_end = distance / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    if (is_rate_) factor /= static_cast<double>(w.end_ms - w.start_ms) / 1000;
    return result * factor;
  }

 private:
  const bool is_counter_;
  const bool is_rate_;
  std::vector<size_t> resets_;  // indices of samples below the one before
  size_t next_reset_ = 0;       // the first inside of the window
};

/// irate, idelta: of the last two samples.
class InstantValue : public RangeFunction {
 public:
  explicit InstantValue(bool is_rate) : is_rate_(is_rate) {}

  std::optional<double> at(const Window& w) override {
    if (w.size() < 2) return std::nullopt;
    const double last = w.values[w.last - 1], before = w.values[w.last - 2];
    const int64_t interval = w.times[w.last - 1] - w.times[w.last - 2];
    if (interval == 0) return std::nullopt;
    const double result = is_rate_ && last < before ? last : last - before;
    return is_rate_ ? result / (static_cast<double>(interval) / 1000) : result;
  }

 private:
  const bool is_rate_;
};

}  // namespace

std::unique_ptr<RangeFunction> make_rate_function(std::string_view name) {
  if (name == "rate") return std::make_unique<ExtrapolatedRate>(true, true);
  if (name == "increase") return std::make_unique<ExtrapolatedRate>(true, false);
  if (name == "delta") return std::make_unique<ExtrapolatedRate>(false, false);
  if (name == "irate") return std::make_unique<InstantValue>(true);
  if (name == "idelta") return std::make_unique<InstantValue>(false);
  return nullptr;
}

}  // namespace vedette::promql
