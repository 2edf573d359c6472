// A base-2 exponential histogram (OpenTelemetry specification, "Metrics Data Model",
// ExponentialHistogram; "Metrics SDK", Base2 Exponential Bucket Histogram Aggregation): buckets of
// equal relative width, which halve their resolution whenever the values no longer fit.
//
// Bucket `i` at scale `s` takes (2^(i * 2^-s), 2^((i+1) * 2^-s)]. Owned by one thread at a time.
#pragma once

#include "sdk/metric_point.h"

namespace vedette::sdk {

class ExponentialHistogram {
 public:
  ExponentialHistogram(uint32_t max_size, int32_t max_scale)
      : max_size_(max_size), scale_(max_scale) {}

  /// `value` must be finite.
  void record(double value);

  int32_t scale() const { return scale_; }
  uint64_t zero_count() const { return zero_count_; }
  const ExponentialBuckets& positive() const { return positive_; }
  const ExponentialBuckets& negative() const { return negative_; }

  /// The bucket of a positive value.
  static int32_t index_of(double value, int32_t scale);

 private:
  void make_room(const ExponentialBuckets& side, int32_t index);
  static void downscale(ExponentialBuckets& side, int32_t change);

  const uint32_t max_size_;
  int32_t scale_;
  uint64_t zero_count_ = 0;
  ExponentialBuckets positive_, negative_;
};

}  // namespace vedette::sdk
