// Quantiles of values and of classic histograms (promql/quantile.go of Prometheus).
#pragma once

#include <vector>

namespace vedette::promql {

/// The φ-quantile, interpolated between neighbours. Sorts the values, NaN first.
double quantile(double q, std::vector<double>& values);

/// A bucket of a classic histogram: how many observations were at most `upper`.
struct Bucket {
  double upper = 0;
  double count = 0;
};

struct BucketQuantile {
  double value = 0;
  bool forced_monotonic = false;  // counts fell by more than rounding explains, and were lifted
  double bucket_min = 0, bucket_max = 0, difference_max = 0;  // of the lifted ones
};

/// Buckets sorted by bound; at least one. They are changed.
BucketQuantile bucket_quantile(double q, std::vector<Bucket>& buckets);
/// The share of observations between two bounds.
double bucket_fraction(double lower, double upper, std::vector<Bucket>& buckets);

}  // namespace vedette::promql
