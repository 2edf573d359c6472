#include "query/promql/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vedette::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// Differences between neighbouring buckets up to this share are rounding.
constexpr double kTolerance = 1e-12;

void coalesce(std::vector<Bucket>& buckets) {
  size_t last = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper == buckets[last].upper) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
}

bool almost_equal(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::abs(a) + std::abs(b), difference = std::abs(a - b);
  constexpr double kSmallestNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kSmallestNormal) return difference < kTolerance * kSmallestNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

void ensure_monotonic(std::vector<Bucket>& buckets, BucketQuantile& out) {
  out.bucket_min = kInf;
  out.bucket_max = -kInf;
  double before = buckets[0].count;
  for (size_t i = 1; i < buckets.size(); ++i) {
    Bucket& bucket = buckets[i];
    if (bucket.count == before) continue;
    if (almost_equal(before, bucket.count)) {
      bucket.count = before;
    } else if (bucket.count < before) {
      out.forced_monotonic = true;
      out.bucket_min = std::min(out.bucket_min, bucket.upper);
      out.bucket_max = std::max(out.bucket_max, bucket.upper);
      out.difference_max = std::max(out.difference_max, before - bucket.count);
      bucket.count = before;
    } else {
      before = bucket.count;
    }
  }
}

}  // namespace

double quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return kNaN;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  std::sort(values.begin(), values.end(), [](double a, double b) {
    if (std::isnan(a)) return !std::isnan(b);
    return a < b;
  });
  const auto n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<size_t>(lower)] * (1 - weight) +
         values[static_cast<size_t>(upper)] * weight;
}

BucketQuantile bucket_quantile(double q, std::vector<Bucket>& buckets) {
  BucketQuantile out{kNaN};
  if (std::isnan(q)) return out;
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  if (buckets.back().upper != kInf) return out;
  coalesce(buckets);
  ensure_monotonic(buckets, out);
  if (buckets.size() < 2 || buckets.back().count == 0) return {kNaN};
  double rank = q * buckets.back().count;
  const size_t last = buckets.size() - 1;
  const auto found =
      std::partition_point(buckets.begin(), buckets.begin() + static_cast<ptrdiff_t>(last),
                           [&](const Bucket& b) { return !(b.count >= rank); });
  const auto b = static_cast<size_t>(found - buckets.begin());
  if (b == last) {
    out.value = buckets[last - 1].upper;
  } else if (b == 0 && buckets[0].upper <= 0) {
    out.value = buckets[0].upper;
  } else {
    double start = 0, count = buckets[b].count;
    if (b > 0) {
      start = buckets[b - 1].upper;
      count -= buckets[b - 1].count;
      rank -= buckets[b - 1].count;
    }
    out.value = start + (buckets[b].upper - start) * (rank / count);
  }
  return out;
}

double bucket_fraction(double lower, double upper, std::vector<Bucket>& buckets) {
  if (buckets.back().upper != kInf) return kNaN;
  coalesce(buckets);
  const double total = buckets.back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
  if (lower >= upper) return 0;
  // How many observations are at or below a value.
  const auto rank_of = [&](double v) {
    double bound = buckets[0].upper > 0 ? 0 : -kInf;  // positive histograms start at zero
    double below = 0;
    for (const Bucket& bucket : buckets) {
      if (bound >= v) return below;
      if (bucket.upper > v) {
        if (bound == -kInf) return bucket.count;
        return below + (bucket.count - below) * (v - bound) / (bucket.upper - bound);
      }
      bound = bucket.upper;
      below = bucket.count;
    }
    return total;
  };
  return (std::min(rank_of(upper), total) - std::min(rank_of(lower), total)) / total;
}

}  // namespace vedette::promql
