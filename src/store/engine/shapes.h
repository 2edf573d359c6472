// Shapes: all columns with few values of a group of rows, joined into one code a row.
// docs/format/row_part.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/attributes.h"

namespace vedette::store::engine {

inline constexpr size_t kShapesMax = 4096;       // of a group
inline constexpr size_t kJoinedValuesMax = 300;  // of a column that is joined

/// Numbers the distinct values of a column, up to kJoinedValuesMax of them.
class ValueNumbers {
 public:
  /// Codes of all values, or nothing if there are too many.
  std::optional<std::vector<uint16_t>> number(std::span<const model::ValueType> types,
                                              std::span<const uint64_t> bits);
  std::vector<model::Value>& values() { return values_; }

 private:
  static constexpr size_t kSlots = 1024;
  std::vector<model::Value> values_;
  std::array<uint16_t, kSlots> slots_;
};

/// A column's part in a shape.
struct ShapeEntry {
  uint16_t column;
  uint16_t value;
};
using Shape = std::vector<ShapeEntry>;

/// Starts with one empty shape for all rows; each join splits the shapes by one more column. The
/// join is exact, and touches only the rows that have a value.
class ShapeJoin {
 public:
  explicit ShapeJoin(size_t rows);
  /// False, with nothing changed, if there would be too many shapes, or if the values are too
  /// random to be told from the shapes so far: more than `bits_max` bits of new information for
  /// each.
  bool join(uint16_t column, std::span<const uint32_t> rows, std::span<const uint16_t> codes,
            double bits_max);
  /// Shapes in use, numbered by their first row; `codes` becomes each row's shape.
  std::vector<Shape> finish(std::vector<uint16_t>& codes);

 private:
  struct Node {
    uint32_t parent;
    ShapeEntry entry;
  };
  uint32_t split(uint32_t node, ShapeEntry entry);
  double new_bits(size_t nodes_before, std::span<const uint32_t> left) const;

  std::vector<uint32_t> node_of_row_;
  std::vector<uint32_t> rows_of_node_;
  std::vector<Node> nodes_;
  size_t live_ = 1;
  // One join's map from (node, code) to the new node, open addressing.
  struct Slot {
    uint64_t key;
    uint32_t node;
    uint32_t epoch;
  };
  std::vector<Slot> slots_;
  uint32_t epoch_ = 0;
  std::vector<uint32_t> moved_;
};

}  // namespace vedette::store::engine
