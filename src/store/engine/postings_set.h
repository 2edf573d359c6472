// A set of series ids: a short sorted array while it is small, a roaring bitmap after that. Most
// label values belong to a handful of series, a few to nearly all; both must be cheap.
//
// Not synchronised: PostingsIndex says who may touch which set when.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "store/store.h"

namespace vedette::store::engine {

class PostingsSet {
 public:
  PostingsSet();
  ~PostingsSet();
  PostingsSet(const PostingsSet& other);
  PostingsSet(PostingsSet&& other) noexcept;
  PostingsSet& operator=(PostingsSet other) noexcept;

  /// Cheapest in ascending order.
  void add(SeriesId id);
  void remove(SeriesId id);
  bool contains(SeriesId id) const;
  bool empty() const { return size() == 0; }
  size_t size() const;

  void unite(const PostingsSet& other);
  void intersect(const PostingsSet& other);
  void subtract(const PostingsSet& other);
  bool intersects(const PostingsSet& other) const;

  /// Ascending.
  std::vector<SeriesId> ids() const;

 private:
  struct Bitmap;
  void to_bitmap();

  std::vector<SeriesId> few_;  // sorted; unused once many_ is set
  std::unique_ptr<Bitmap> many_;
};

}  // namespace vedette::store::engine
