// What the conditions of a query mean for a group, before any of its blocks is read: which shapes
// can match, what filters must hold.
#pragma once

#include <vector>

#include "store/engine/field_reader.h"
#include "store/engine/row_filter.h"
#include "store/engine/row_group.h"
#include "store/engine/row_part.h"

namespace vedette::store::engine {

/// A field as far as shapes tell it. Cells are in terms of the group's strings.
class ShapeReader {
 public:
  ShapeReader(const GroupMeta& meta, Field field, const std::string& key);
  /// Do shapes alone tell the field of every row?
  bool exact() const { return exact_; }
  /// The row's own value; only if the column is in the shapes, or not there at all.
  bool own_known() const { return own_known_; }
  Cell at(uint16_t shape) const;
  std::optional<uint32_t> column() const { return column_; }

 private:
  const GroupMeta& meta_;
  Field field_;
  std::optional<uint32_t> column_;
  bool own_known_ = false;
  bool exact_ = false;
};

/// Const and thread-safe once made.
class GroupFilter {
 public:
  GroupFilter(const GroupMeta& meta, const RowFilter& filter);

  /// By shapes, times and durations: false means that no row matches.
  bool may_match(const BlockMeta& block) const;
  /// By the filters on disk.
  bool may_match(const RowPart& part, size_t group, const GroupMeta& meta, size_t block) const;
  /// Do shapes alone tell which rows match, the time apart?
  bool exact() const { return exact_; }
  bool matches(uint16_t shape) const { return shape_ok_[shape]; }

 private:
  void add(const GroupMeta& meta, const RowFilter::Condition& condition);
  void add_attribute(const GroupMeta& meta, const RowFilter::Condition& condition,
                     const ShapeReader& reader);
  void add_body(const GroupMeta& meta, const RowFilter::Condition& condition,
                const ShapeReader& reader);
  void add_duration(const RowFilter::Condition& condition);
  void only(const std::vector<bool>& shapes);

  TimeRange range_;
  std::vector<bool> shape_ok_;
  bool none_ = false;
  bool exact_ = true;
  // Of all of each list, at least one (traces) or every one must be in the filter:
  std::vector<uint64_t> trace_hashes_;
  std::vector<uint64_t> value_hashes_;
  std::vector<uint64_t> word_hashes_;
  double min_duration_ = -1;
  double max_duration_ = std::numeric_limits<double>::infinity();
};

}  // namespace vedette::store::engine
