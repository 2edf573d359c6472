#include "store/engine/postings_set.h"

#include <algorithm>
#include <roaring/roaring.hh>

namespace vedette::store::engine {

struct PostingsSet::Bitmap {
  Roaring set;
};

namespace {
constexpr size_t kFewMax = 24;
}  // namespace

PostingsSet::PostingsSet() = default;
PostingsSet::~PostingsSet() = default;
PostingsSet::PostingsSet(PostingsSet&&) noexcept = default;
PostingsSet::PostingsSet(const PostingsSet& other)
    : few_(other.few_), many_(other.many_ ? std::make_unique<Bitmap>(*other.many_) : nullptr) {}

PostingsSet& PostingsSet::operator=(PostingsSet other) noexcept {
  few_.swap(other.few_);
  many_.swap(other.many_);
  return *this;
}

void PostingsSet::to_bitmap() {
  if (many_) return;
  many_ = std::make_unique<Bitmap>();
  many_->set.addMany(few_.size(), few_.data());
  few_ = {};
}

void PostingsSet::add(SeriesId id) {
  if (many_) {
    many_->set.add(id);
    return;
  }
  const auto at = std::lower_bound(few_.begin(), few_.end(), id);
  if (at != few_.end() && *at == id) return;
  few_.insert(at, id);
  if (few_.size() > kFewMax) to_bitmap();
}

void PostingsSet::remove(SeriesId id) {
  if (many_) {
    many_->set.remove(id);
    return;
  }
  const auto at = std::lower_bound(few_.begin(), few_.end(), id);
  if (at != few_.end() && *at == id) few_.erase(at);
}

bool PostingsSet::contains(SeriesId id) const {
  return many_ ? many_->set.contains(id) : std::binary_search(few_.begin(), few_.end(), id);
}

size_t PostingsSet::size() const {
  return many_ ? many_->set.cardinality() : few_.size();
}

void PostingsSet::unite(const PostingsSet& other) {
  if (other.many_) {
    to_bitmap();
    many_->set |= other.many_->set;
    return;
  }
  for (SeriesId id : other.few_) add(id);
}

void PostingsSet::intersect(const PostingsSet& other) {
  if (many_ && other.many_) {
    many_->set &= other.many_->set;
  } else if (many_) {
    PostingsSet kept(other);
    kept.intersect(*this);
    *this = std::move(kept);
  } else {
    std::erase_if(few_, [&other](SeriesId id) { return !other.contains(id); });
  }
}

void PostingsSet::subtract(const PostingsSet& other) {
  if (many_ && other.many_) {
    many_->set -= other.many_->set;
  } else if (many_) {
    for (SeriesId id : other.few_) many_->set.remove(id);
  } else {
    std::erase_if(few_, [&other](SeriesId id) { return other.contains(id); });
  }
}

bool PostingsSet::intersects(const PostingsSet& other) const {
  if (many_ && other.many_) return many_->set.intersect(other.many_->set);
  if (many_) return other.intersects(*this);
  return std::any_of(few_.begin(), few_.end(),
                     [&other](SeriesId id) { return other.contains(id); });
}

std::vector<SeriesId> PostingsSet::ids() const {
  if (!many_) return few_;
  std::vector<SeriesId> out(many_->set.cardinality());
  many_->set.toUint32Array(out.data());
  return out;
}

}  // namespace vedette::store::engine
