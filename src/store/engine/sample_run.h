// Samples of one series in two columns, and how runs of them become one.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace vedette::store::engine {

inline constexpr int64_t kMsPerDay = 86'400'000;
inline constexpr int64_t kNsPerMs = 1'000'000;
/// The last millisecond that a time in nanoseconds can tell (year 2262).
inline constexpr int64_t kTimeMsMax = INT64_MAX / kNsPerMs;

/// Day number since 1970; days begin at midnight UTC.
inline int64_t day_of(int64_t time_ms) {
  return time_ms >= 0 ? time_ms / kMsPerDay : -((-time_ms + kMsPerDay - 1) / kMsPerDay);
}

/// Times ascending and distinct. Values are compared by their bits: stale markers are NaN.
struct SampleRun {
  std::vector<int64_t> time_ms;
  std::vector<double> value;

  size_t size() const { return time_ms.size(); }
  bool empty() const { return time_ms.empty(); }
  void clear() {
    time_ms.clear();
    value.clear();
  }
  void add(int64_t t, double v) {
    time_ms.push_back(t);
    value.push_back(v);
  }
  void swap(SampleRun& other) {
    time_ms.swap(other.time_ms);
    value.swap(other.value);
  }
};

/// Puts the samples of `later`, which must be sorted, into `run`; at equal times `later` wins.
void merge_run(SampleRun& run, const SampleRun& later);
/// The same for samples that stand in `run` already, from place `at` on.
void merge_tail(SampleRun& run, size_t at);
/// Sorts samples that stand in the order of their arrival; of equal times the last arrival stays.
void sort_arrivals(SampleRun& run);

}  // namespace vedette::store::engine
