// What aggregation makes of measurements: points, as they are exported (OpenTelemetry
// specification, "Metrics Data Model"). Plain values, owned by whoever collected them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sdk/span_record.h"

namespace vedette::sdk {

enum class Aggregation : uint8_t { kDrop, kSum, kLastValue, kHistogram, kExponential };

/// A measurement or a sum. It stays a whole number as long as only such are added and fit.
struct Number {
  bool whole = true;
  int64_t integer = 0;
  double real = 0;

  static Number of(int64_t v) { return {true, v, 0}; }
  static Number of(double v) { return {false, 0, v}; }
  double as_double() const { return whole ? static_cast<double>(integer) : real; }

  void add(Number other) {
    int64_t sum;
    if (whole && other.whole && !__builtin_add_overflow(integer, other.integer, &sum)) {
      integer = sum;
    } else {
      *this = of(as_double() + other.as_double());
    }
  }
  Number minus(Number other) const {
    int64_t difference;
    if (whole && other.whole && !__builtin_sub_overflow(integer, other.integer, &difference)) {
      return of(difference);
    }
    return of(as_double() - other.as_double());
  }
};

/// A measurement kept as an example of its point.
struct PointExemplar {
  std::string attributes;  // those the point does not have: KeyValue messages, OTLP's field 7
  uint64_t time = 0;       // Unix, ns
  Number value;
  TraceId trace_id;  // invalid: measured outside of any span
  uint64_t span_id = 0;
};

struct ExponentialBuckets {
  int32_t offset = 0;  // index of counts[0]
  std::vector<uint64_t> counts;
};

/// Filled as far as its stream's aggregation has it.
struct Point {
  std::string attributes;  // KeyValue messages, in the field that attributes_field() names
  uint64_t start = 0;      // Unix, ns
  uint64_t time = 0;
  Number value;  // sum or last value
  uint64_t count = 0;
  Number min, max;  // meaningless when count is 0
  std::vector<uint64_t> buckets;
  int32_t scale = 0;
  uint64_t zero_count = 0;
  ExponentialBuckets positive, negative;
  std::vector<PointExemplar> exemplars;
  std::shared_ptr<void> extension;  // of the cell
};

/// The field a point keeps its attributes in.
uint32_t attributes_field(Aggregation aggregation);

}  // namespace vedette::sdk
