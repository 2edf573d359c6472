// Paths of an application that has no routes to name, as a label of few values: what is an id by
// its looks becomes a placeholder at once, what varies without looking like one becomes "{value}"
// as soon as it has been seen to vary.
//
//   /orders/550e8400-e29b-41d4-a716-446655440000/items/7  ->  /orders/{uuid}/items/{number}
//   /users/anna, /users/bert, … (more than 24 of them)    ->  /users/{value}
//
// Only whole segments are replaced: "2fa" and "v1" stay. Any thread. Memory is bounded by the
// number of nodes; once they are used up, what is not known yet is "{value}".
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace vedette::model {

/// "{number}", "{uuid}", "{ulid}", "{objectid}", "{hash}", "{email}", "{date}" or "{token}" for a
/// segment that looks like one; empty for one that looks like a word.
std::string_view placeholder_of(std::string_view segment);

class PathNormalizer {
 public:
  /// `distinct_max`: how many values a position may take before it counts as one that varies.
  explicit PathNormalizer(size_t distinct_max = 24, size_t nodes_max = 2000);
  ~PathNormalizer();

  /// Without query; the scheme and host are not part of it.
  std::string normalize(std::string_view path);

  size_t nodes() const;

 private:
  struct Node;
  Node* child(Node* node, std::string_view segment, bool* varies);
  void generalize(Node* node);

  const size_t distinct_max_;
  const size_t nodes_max_;
  mutable std::mutex mutex_;
  size_t nodes_ = 0;
  std::unique_ptr<Node> root_;
};

}  // namespace vedette::model
