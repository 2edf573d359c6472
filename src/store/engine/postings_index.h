// The inverted index of series: label name -> value -> the ids of the series that have it.
//
// Thread rule: one writer; readers on any thread. A shared mutex guards the sets and tables; both
// sides hold it for short steps only (one series added; a batch of values looked at), never while a
// regular expression runs. Names and values, once there, stay at their place until remove(), which
// the caller must not call while a reader is inside (SeriesIndex sees to that).
#pragma once

#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/string_table.h"
#include "store/engine/postings_matcher.h"
#include "store/engine/postings_set.h"
#include "store/engine/series_labels.h"
#include "store/predicate.h"

namespace vedette::store::engine {

class PostingsIndex {
 public:
  // Writer.
  void add(SeriesId id, std::span<const LabelView> labels);
  /// The caller excludes readers.
  void remove(SeriesId id, std::span<const LabelView> labels);

  // Readers.
  /// Series that satisfy all matchers, after the rules of Prometheus for labels that are missing.
  Result<PostingsSet> select(std::span<const Matcher> matchers) const;
  /// Names of labels; only those that a series of `among` has, where it is given. Not sorted.
  std::vector<std::string> names(const PostingsSet* among) const;
  std::vector<std::string> values(std::string_view name, const PostingsSet* among) const;
  /// How many distinct values the label has.
  size_t cardinality(std::string_view name) const;

 private:
  struct Value {
    std::string text;
    PostingsSet ids;
    size_t place = 0;  // in Name::list
  };
  struct Hash {
    size_t operator()(std::string_view text) const { return base::hash_string(text); }
  };
  struct Name {
    std::string text;
    PostingsSet ids;  // of all values
    std::unordered_map<std::string_view, std::unique_ptr<Value>, Hash> values;
    std::vector<const Value*> list;
  };

  const Name* find(std::string_view name) const;
  std::vector<const Value*> list(const Name* name) const;
  /// Series of the values that the matcher, taken without its negation, hits.
  PostingsSet hit_series(const Name* name, const CompiledMatcher& matcher) const;

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string_view, std::unique_ptr<Name>, Hash> names_;
  PostingsSet all_;
};

}  // namespace vedette::store::engine
