// One field of the rows of a batch, whatever kind of column it lives in.
#pragma once

#include <optional>
#include <string_view>

#include "model/log_batch.h"
#include "model/span_batch.h"
#include "store/predicate.h"
#include "store/store.h"

namespace vedette::store::engine {

/// What a row has in a field. Exactly one of: nothing, a name that is in no string table, a value.
struct Cell {
  enum Kind : uint8_t { kMissing, kName, kValue } kind = kMissing;
  std::string_view name;
  model::Value value;

  static Cell missing() { return {}; }
  static Cell of_name(std::string_view text) { return {kName, text, {}}; }
  static Cell of(model::Value v) { return {kValue, {}, v}; }
  /// The empty string counts as missing.
  static Cell of_string(model::StringId id) {
    return id ? of(model::Value::string(id)) : missing();
  }
  std::string to_string(const model::StringTable& strings) const;
};

/// Rows must be asked for in ascending order. The batch must outlive the reader.
template <typename Batch>
class FieldReader {
 public:
  FieldReader(const Batch& batch, Field field, const std::string& key);
  Cell at(uint32_t row);

 private:
  Cell attribute(uint32_t row);

  const Batch& batch_;
  Field field_;
  std::optional<model::StringId> key_;
  const model::AttributeColumn* column_ = nullptr;
  size_t next_ = 0;  // of column_
};

extern template class FieldReader<model::SpanBatch>;
extern template class FieldReader<model::LogBatch>;

/// Does the field exist for the table at all?
bool field_fits(Table table, Field field);
/// Adds the columns that reading the field takes.
void add_columns(Field field, const std::string& key, Columns& columns);

}  // namespace vedette::store::engine
