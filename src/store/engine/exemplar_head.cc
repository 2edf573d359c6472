#include "store/engine/exemplar_head.h"

#include <algorithm>
#include <tuple>

namespace vedette::store::engine {
namespace {

size_t bytes_of(const ExemplarRow& row) {
  return sizeof row + row.labels.capacity();
}

}  // namespace

void sort_exemplars(std::vector<ExemplarRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const ExemplarRow& a, const ExemplarRow& b) {
    return std::tie(a.time_ms, a.trace_id, a.span_id, a.labels) <
           std::tie(b.time_ms, b.trace_id, b.span_id, b.labels);
  });
  rows.erase(std::unique(rows.begin(), rows.end(),
                         [](const ExemplarRow& a, const ExemplarRow& b) { return a.same(b); }),
             rows.end());
}

void ExemplarHead::add(SeriesId id, ExemplarRow row) {
  const std::lock_guard lock(mutex_);
  std::vector<ExemplarRow>& rows = rows_[id];
  for (const ExemplarRow& known : rows) {
    if (known.same(row)) return;
  }
  const auto at = std::upper_bound(rows.begin(), rows.end(), row.time_ms,
                                   [](int64_t t, const ExemplarRow& r) { return t < r.time_ms; });
  bytes_ += bytes_of(row);
  rows.insert(at, std::move(row));
  if (rows.size() > kExemplarsPerSeries) {
    bytes_ -= bytes_of(rows.front());
    rows.erase(rows.begin());
  }
}

void ExemplarHead::collect(SeriesId id, int64_t begin_ms, int64_t end_ms,
                           std::vector<ExemplarRow>& out) const {
  const std::lock_guard lock(mutex_);
  const auto it = rows_.find(id);
  if (it == rows_.end()) return;
  for (const ExemplarRow& row : it->second) {
    if (row.time_ms >= begin_ms && row.time_ms < end_ms) out.push_back(row);
  }
}

std::vector<SeriesId> ExemplarHead::series() const {
  const std::lock_guard lock(mutex_);
  std::vector<SeriesId> out;
  out.reserve(rows_.size());
  for (const auto& [id, rows] : rows_) out.push_back(id);
  return out;
}

bool ExemplarHead::empty() const {
  const std::lock_guard lock(mutex_);
  return rows_.empty();
}

size_t ExemplarHead::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_ + rows_.size() * 64;
}

}  // namespace vedette::store::engine
