#include "store/engine/sample_run.h"

#include <algorithm>
#include <numeric>

namespace vedette::store::engine {

void merge_run(SampleRun& run, const SampleRun& later) {
  SampleRun out;
  out.time_ms.reserve(run.size() + later.size());
  out.value.reserve(run.size() + later.size());
  size_t i = 0, j = 0;
  while (i < run.size() && j < later.size()) {
    if (run.time_ms[i] < later.time_ms[j]) {
      out.add(run.time_ms[i], run.value[i]);
      ++i;
    } else {
      if (run.time_ms[i] == later.time_ms[j]) ++i;
      out.add(later.time_ms[j], later.value[j]);
      ++j;
    }
  }
  for (; i < run.size(); ++i) out.add(run.time_ms[i], run.value[i]);
  for (; j < later.size(); ++j) out.add(later.time_ms[j], later.value[j]);
  run.swap(out);
}

void merge_tail(SampleRun& run, size_t at) {
  if (at == 0 || at == run.size() || run.time_ms[at - 1] < run.time_ms[at]) return;
  const auto from = static_cast<ptrdiff_t>(at);
  SampleRun later;
  later.time_ms.assign(run.time_ms.begin() + from, run.time_ms.end());
  later.value.assign(run.value.begin() + from, run.value.end());
  run.time_ms.resize(at);
  run.value.resize(at);
  merge_run(run, later);
}

void sort_arrivals(SampleRun& run) {
  const auto not_ascending = [](int64_t a, int64_t b) { return a >= b; };
  if (std::adjacent_find(run.time_ms.begin(), run.time_ms.end(), not_ascending) ==
      run.time_ms.end())
    return;
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
