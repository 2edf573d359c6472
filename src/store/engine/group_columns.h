// A batch as the sparse columns that a group stores: attributes, and every other field whose rows
// differ little. What has a codec of its own (ids, times) is not among them.
#pragma once

#include <deque>
#include <span>
#include <vector>

#include "model/log_batch.h"
#include "model/span_batch.h"
#include "store/engine/row_group.h"

namespace vedette::store::engine {

inline constexpr size_t kAttributeColumnsMax = 256;  // of a group; further keys share a chunk

/// Rows without a value have the field's zero.
struct SparseColumn {
  ColumnId id;
  std::span<const uint32_t> rows;
  std::span<const model::ValueType> types;
  std::span<const uint64_t> bits;
};

struct SparseColumns {
  std::vector<SparseColumn> columns;
  std::vector<const model::AttributeColumn*> rest;  // of keys beyond kAttributeColumnsMax
  std::deque<model::AttributeColumn>
      made;  // what columns point into, where the batch does not have it so
};

/// The batch must outlive the columns.
SparseColumns sparse_columns(const model::SpanBatch& batch,
                             std::span<const uint32_t> service_of_resource);
SparseColumns sparse_columns(const model::LogBatch& batch,
                             std::span<const uint32_t> service_of_resource);

/// The reverse, for one column of a block: fills the batch's dense field. `texts` maps values of
/// text to the batch's strings already.
void set_field(model::SpanBatch& batch, FixedColumn field, uint32_t row, model::Value value);
void set_field(model::LogBatch& batch, FixedColumn field, uint32_t row, model::Value value);

}  // namespace vedette::store::engine
