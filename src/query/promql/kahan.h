// Sums with Neumaier's compensation, in the order and with the rounding of Prometheus.
#pragma once

#include <cmath>

namespace vedette::promql {

struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void add(double v) {
    const double t = sum + v;
    if (std::isinf(t)) {
      compensation = 0;
    } else if (std::abs(sum) >= std::abs(v)) {
      compensation += (sum - t) + v;
    } else {
      compensation += (v - t) + sum;
    }
    sum = t;
  }
  double value() const { return std::isinf(sum) ? sum : sum + compensation; }
};

/// The mean, by the sum for as long as it does not overflow.
class KahanMean {
 public:
  void add(double v) {
    count_ += 1;
    if (count_ == 1) {
      sum_.sum = v;
      return;
    }
    if (!incremental_) {
      KahanSum next = sum_;
      next.add(v);
      if (!std::isinf(next.sum)) {
        sum_ = next;
        return;
      }
      incremental_ = true;
      sum_ = {sum_.sum / (count_ - 1), sum_.compensation / (count_ - 1)};
    }
    const double q = (count_ - 1) / count_;
    sum_ = {q * sum_.sum, q * sum_.compensation};
    sum_.add(v / count_);
  }
  double value() const {
    if (incremental_) return sum_.sum + sum_.compensation;
    return sum_.sum / count_ + sum_.compensation / count_;
  }

 private:
  KahanSum sum_;  // of the mean itself once incremental
  double count_ = 0;
  bool incremental_ = false;
};

}  // namespace vedette::promql
