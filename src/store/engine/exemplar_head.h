// The newest exemplars in memory: at most kExemplarsPerSeries of a series, the newest by time.
//
// Thread-safe: one mutex, held for the rows of one series. Exemplars are rare next to samples.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/ids.h"
#include "store/store.h"

namespace vedette::store::engine {

/// Of a series in a head, and of a series in each hour of a part.
inline constexpr size_t kExemplarsPerSeries = 8;

struct ExemplarRow {
  int64_t time_ms = 0;
  double value = 0;
  model::TraceId trace_id;
  model::SpanId span_id = 0;
  std::string labels;  // canonical

  /// Same observation: it is kept once.
  bool same(const ExemplarRow& other) const {
    return time_ms == other.time_ms && trace_id == other.trace_id && span_id == other.span_id &&
           labels == other.labels;
  }
};

/// Sorts by time and drops what is there twice.
void sort_exemplars(std::vector<ExemplarRow>& rows);

class ExemplarHead {
 public:
  void add(SeriesId id, ExemplarRow row);
  /// Rows with begin <= time < end behind what `out` holds.
  void collect(SeriesId id, int64_t begin_ms, int64_t end_ms, std::vector<ExemplarRow>& out) const;
  std::vector<SeriesId> series() const;
  bool empty() const;
  size_t bytes() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<SeriesId, std::vector<ExemplarRow>> rows_;  // by time
  size_t bytes_ = 0;
};

}  // namespace vedette::store::engine
