// Series in part order. Comparing label sets is slow and their order never changes, so it is kept
// from one flush or merge to the next, and only series that are new are sorted.
//
// One thread at a time, under SeriesIndex::pin().
#pragma once

#include <vector>

#include "store/engine/series_index.h"

namespace vedette::store::engine {

class SeriesOrder {
 public:
  explicit SeriesOrder(const SeriesIndex& index) : index_(index) {}
  /// Sorts distinct ids.
  void sort(std::vector<SeriesId>& ids);

 private:
  const SeriesIndex& index_;
  std::vector<SeriesId> sorted_;
};

}  // namespace vedette::store::engine
