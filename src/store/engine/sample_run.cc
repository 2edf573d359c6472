#include "store/engine/sample_run.h"

#include <algorithm>
#include <numeric>

namespace vedette::store::engine {

void merge_run(SampleRun& run, std::span<const int64_t> later_time, std::span<const double> later_value,
               SampleRun& scratch) {
  if (later_time.empty()) return;
  if (run.empty() || run.time_ms.back() < later_time.front()) {
    run.time_ms.insert(run.time_ms.end(), later_time.begin(), later_time.end());
    run.value.insert(run.value.end(), later_value.begin(), later_value.end());
    return;
  }
  scratch.clear();
  scratch.time_ms.reserve(run.size() + later_time.size());
  scratch.value.reserve(run.size() + later_time.size());
  size_t i = 0, j = 0;
  while (i < run.size() && j < later_time.size()) {
    if (run.time_ms[i] < later_time[j]) {
      scratch.add(run.time_ms[i], run.value[i]);
      ++i;
    } else {
      if (run.time_ms[i] == later_time[j]) ++i;
      scratch.add(later_time[j], later_value[j]);
      ++j;
    }
  }
  for (; i < run.size(); ++i) scratch.add(run.time_ms[i], run.value[i]);
  for (; j < later_time.size(); ++j) scratch.add(later_time[j], later_value[j]);
  run.swap(scratch);
}

void sort_arrivals(SampleRun& run) {
  const auto not_ascending = [](int64_t a, int64_t b) { return a >= b; };
  if (std::adjacent_find(run.time_ms.begin(), run.time_ms.end(), not_ascending) == run.time_ms.end()) return;
  std::vector<uint32_t> order(run.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&run](uint32_t a, uint32_t b) { return run.time_ms[a] < run.time_ms[b]; });
  SampleRun out;
  out.time_ms.reserve(run.size());
  out.value.reserve(run.size());
  for (uint32_t i : order) {
    if (!out.empty() && out.time_ms.back() == run.time_ms[i]) {
      out.value.back() = run.value[i];
    } else {
      out.add(run.time_ms[i], run.value[i]);
    }
  }
  run.swap(out);
}

}  // namespace vedette::store::engine
