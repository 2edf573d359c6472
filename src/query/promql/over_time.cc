// *_over_time, changes, resets: functions that look at each sample of a window.
#include <cmath>

#include "query/promql/kahan.h"
#include "query/promql/range_function.h"

namespace vedette::promql {
namespace {

using Values = std::span<const double>;

double sum(Values values) {
  KahanSum out;
  for (double v : values) out.add(v);
  return out.value();
}

double average(Values values) {
  KahanMean out;
  for (double v : values) out.add(v);
  return out.value();
}

double maximum(Values values) {
  double out = values[0];
  for (double v : values) {
    if (v > out || std::isnan(out)) out = v;
  }
  return out;
}

double minimum(Values values) {
  double out = values[0];
  for (double v : values) {
    if (v < out || std::isnan(out)) out = v;
  }
  return out;
}

/// Welford's method, each part with compensation.
double variance(Values values) {
  double count = 0;
  KahanSum mean, aux;
  for (double v : values) {
    count += 1;
    const double delta = v - (mean.sum + mean.compensation);
    mean.add(delta / count);
    aux.add(delta * (v - (mean.sum + mean.compensation)));
  }
  return (aux.sum + aux.compensation) / count;
}

double deviation(Values values) {
  return std::sqrt(variance(values));
}

double changes(Values values) {
  double out = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] != values[i - 1] && !(std::isnan(values[i]) && std::isnan(values[i - 1])))
      out += 1;
  }
  return out;
}

double resets(Values values) {
  double out = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) out += 1;
  }
  return out;
}

double count(Values values) {
  return static_cast<double>(values.size());
}
double last(Values values) {
  return values.back();
}
double one(Values) {
  return 1;
}

class OverTime : public RangeFunction {
 public:
  explicit OverTime(double (*function)(Values)) : function_(function) {}
  std::optional<double> at(const Window& window) override { return function_(window.in()); }

 private:
  double (*function_)(Values);
};

}  // namespace

std::unique_ptr<RangeFunction> make_over_time_function(std::string_view name) {
  struct Entry {
    std::string_view name;
    double (*function)(Values);
  };
  static constexpr Entry kFunctions[] = {
      {"sum_over_time", sum},         {"avg_over_time", average},
      {"max_over_time", maximum},     {"min_over_time", minimum},
      {"stdvar_over_time", variance}, {"stddev_over_time", deviation},
      {"changes", changes},           {"resets", resets},
      {"count_over_time", count},     {"last_over_time", last},
      {"present_over_time", one},     {"absent_over_time", one},
  };
  for (const Entry& entry : kFunctions) {
    if (entry.name == name) return std::make_unique<OverTime>(entry.function);
  }
  return nullptr;
}

}  // namespace vedette::promql
