// The conditions of a query, compiled once and put to one batch after the other.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "store/engine/field_reader.h"
#include "store/engine/group_reader.h"
#include "store/engine/value_check.h"
#include "store/store.h"

namespace vedette::store::engine {

/// Some trace ids, asked "is this one of them" for millions of rows.
class TraceIdSet {
 public:
  TraceIdSet() = default;
  explicit TraceIdSet(std::vector<model::TraceId> ids);
  bool contains(const model::TraceId& id) const {
    const uint64_t h = model::TraceIdHash()(id) & kMask;
    return bits_[h / 64] >> (h % 64) & 1 && find(id);
  }
  std::span<const model::TraceId> ids() const { return ids_; }
  bool empty() const { return ids_.empty(); }

 private:
  static constexpr uint64_t kMask = 4095;
  bool find(const model::TraceId& id) const;
  std::vector<model::TraceId> ids_;  // sorted
  std::array<uint64_t, (kMask + 1) / 64> bits_{};
};

/// Does a cell pass the test? Its strings are in `strings`.
bool passes(const ValueCheck& test, const Cell& cell, const model::StringTable& strings);

/// Const and thread-safe once made.
class RowFilter {
 public:
  struct Condition {
    Predicate predicate;
    ValueCheck test;
    TraceIdSet trace_ids;  // kTraceId
  };

  /// kInvalidArgument for conditions that the table can't have.
  static Result<RowFilter> make(Table table, TimeRange range, std::span<const Predicate> where);

  /// The rows that match, ascending.
  template <typename Batch>
  void select(const Batch& batch, std::vector<uint32_t>& rows) const;

  const TimeRange& range() const { return range_; }
  std::span<const Condition> conditions() const { return conditions_; }
  /// What select() looks at.
  const ReadSet& needs() const { return needs_; }

 private:
  TimeRange range_;
  std::vector<Condition> conditions_;
  ReadSet needs_;
};

}  // namespace vedette::store::engine
