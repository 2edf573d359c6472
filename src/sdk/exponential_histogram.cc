#include "sdk/exponential_histogram.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace vedette::sdk {

int32_t ExponentialHistogram::index_of(double value, int32_t scale) {
  // Values below the normal range share the bucket of the smallest normal one.
  value = std::max(value, std::numeric_limits<double>::min());
  int exponent;
  const double fraction = std::frexp(value, &exponent);  // [0.5, 1)
  // Bounds are inclusive above: a power of two belongs to the bucket that ends with it.
  const bool power = fraction == 0.5;
  const int32_t whole = exponent - 1 - (power ? 1 : 0);
  if (scale <= 0) return whole >> -scale;
  if (power) return ((exponent - 1) << scale) - 1;
  const auto index =
      static_cast<int32_t>(std::floor(std::log(value) * std::ldexp(std::numbers::log2e, scale)));
  // Rounding must not carry a value over the power of two next to it.
  return std::clamp(index, (exponent - 1) << scale, (exponent << scale) - 1);
}

void ExponentialHistogram::record(double value) {
  if (value == 0) {
    ++zero_count_;
    return;
  }
  ExponentialBuckets& side = value > 0 ? positive_ : negative_;
  const double size = std::fabs(value);
  make_room(side, index_of(size, scale_));
  const int32_t index = index_of(size, scale_);
  auto& counts = side.counts;
  if (counts.empty()) {
    side.offset = index;
    counts.assign(1, 0);
  } else if (index < side.offset) {
    counts.insert(counts.begin(), static_cast<size_t>(side.offset - index), 0);
    side.offset = index;
  } else if (index - side.offset >= static_cast<int32_t>(counts.size())) {
    counts.resize(static_cast<size_t>(index - side.offset) + 1, 0);
  }
  ++counts[static_cast<size_t>(index - side.offset)];
}

/// Coarsens both sides until `side` can take `index`.
void ExponentialHistogram::make_room(const ExponentialBuckets& side, int32_t index) {
  if (side.counts.empty()) return;
  int64_t low = std::min<int64_t>(side.offset, index);
  int64_t high = std::max<int64_t>(side.offset + int64_t(side.counts.size()) - 1, index);
  int32_t change = 0;
  while (high - low >= int64_t{max_size_}) {
    low >>= 1;
    high >>= 1;
    ++change;
  }
  if (change == 0) return;
  downscale(positive_, change);
  downscale(negative_, change);
  scale_ -= change;
}

void ExponentialHistogram::downscale(ExponentialBuckets& side, int32_t change) {
  if (side.counts.empty()) return;
  const int32_t offset = side.offset >> change;
  std::vector<uint64_t> merged;
  for (size_t i = 0; i < side.counts.size(); ++i) {
    const auto at = static_cast<size_t>(((side.offset + int32_t(i)) >> change) - offset);
    if (at >= merged.size()) merged.resize(at + 1, 0);
    merged[at] += side.counts[i];
  }
  side.offset = offset;
  side.counts = std::move(merged);
}

}  // namespace vedette::sdk
