#include "store/engine/series_order.h"

#include <algorithm>

namespace vedette::store::engine {

void SeriesOrder::sort(std::vector<SeriesId>& ids) {
  if (ids.empty()) return;
  enum : uint8_t { kWanted = 1, kKnown = 2 };
  std::erase_if(sorted_, [this](SeriesId id) { return index_.canonical(id).empty(); });
  SeriesId end = *std::max_element(ids.begin(), ids.end()) + 1;
  for (SeriesId id : sorted_) end = std::max(end, id + 1);
  std::vector<uint8_t> marks(end, 0);
  for (SeriesId id : sorted_) marks[id] = kKnown;
  const auto old_size = static_cast<ptrdiff_t>(sorted_.size());
  for (SeriesId id : ids) {
    if (marks[id] == 0) sorted_.push_back(id);
    marks[id] |= kWanted;
  }
  const auto less = [this](SeriesId a, SeriesId b) { return index_.less(a, b); };
  std::sort(sorted_.begin() + old_size, sorted_.end(), less);
  std::inplace_merge(sorted_.begin(), sorted_.begin() + old_size, sorted_.end(), less);
  ids.clear();
  for (SeriesId id : sorted_) {
    if (marks[id] & kWanted) ids.push_back(id);
  }
}

}  // namespace vedette::store::engine
