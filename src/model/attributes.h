// Attributes as sparse columns: one column per key, each holding only the rows that have it.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_table.h"

namespace vedette::model {

using base::StringId;
using base::StringTable;

/// OTLP's AnyValue, with arrays and maps kept as JSON text.
enum class ValueType : uint8_t { kEmpty, kString, kBool, kInt, kDouble, kBytes, kArray, kMap };

/// A value whose text lives in the StringTable of its batch.
struct Value {
  ValueType type = ValueType::kEmpty;
  uint64_t bits = 0;  // StringId, 0 or 1, the int64, or the bits of the double

  static Value string(StringId id) { return {ValueType::kString, id}; }
  static Value boolean(bool b) { return {ValueType::kBool, b}; }
  static Value integer(int64_t v) { return {ValueType::kInt, static_cast<uint64_t>(v)}; }
  static Value real(double v) { return {ValueType::kDouble, std::bit_cast<uint64_t>(v)}; }
  static Value bytes(StringId id) { return {ValueType::kBytes, id}; }
  static Value array(StringId json) { return {ValueType::kArray, json}; }
  static Value map(StringId json) { return {ValueType::kMap, json}; }

  bool has_text() const { return type == ValueType::kString || type >= ValueType::kBytes; }
  StringId text_id() const { return static_cast<StringId>(bits); }
  int64_t as_int() const { return static_cast<int64_t>(bits); }
  double as_double() const { return std::bit_cast<double>(bits); }
  /// The number of an int or a double; nothing for other types.
  std::optional<double> number() const;
  /// As people read it and as searches compare it: 5, 0.25, true, text as is, bytes in base64.
  std::string to_string(const StringTable& strings) const;

  bool operator==(const Value&) const = default;
};

struct AttributeColumn {
  StringId key = 0;
  std::vector<uint32_t> rows;  // ascending, no row twice
  std::vector<ValueType> types;
  std::vector<uint64_t> bits;

  size_t size() const { return rows.size(); }
  Value value(size_t i) const { return {types[i], bits[i]}; }
  /// The value of `row`, if it has one. Logarithmic.
  std::optional<Value> find(uint32_t row) const;
};

/// The attributes of all rows of a batch.
class AttributeColumns {
 public:
  /// Rows must come in ascending order; a key given twice for one row keeps its last value.
  void add(uint32_t row, StringId key, Value value);
  /// A whole column at once; replaces nothing: the key must be new.
  void add_column(AttributeColumn column);

  std::span<const AttributeColumn> columns() const { return columns_; }
  std::vector<AttributeColumn>& mutable_columns() { return columns_; }
  const AttributeColumn* find(StringId key) const;
  std::optional<Value> get(uint32_t row, StringId key) const;

  /// Calls fn(key, value) for each attribute of `row`, in the columns' order.
  template <typename Fn>
  void for_each(uint32_t row, Fn&& fn) const {
    for (const AttributeColumn& column : columns_) {
      if (auto value = column.find(row)) fn(column.key, *value);
    }
  }
  bool empty() const { return columns_.empty(); }
  size_t bytes() const;

 private:
  std::vector<AttributeColumn> columns_;
  std::vector<uint32_t> column_of_key_;  // by StringId; 1 + index into columns_, 0: none
};

/// A short list of attributes, for the few things a batch has once: resources and scopes.
struct AttributeList {
  struct Item {
    StringId key;
    Value value;
    bool operator==(const Item&) const = default;
  };
  std::vector<Item> items;

  std::optional<Value> get(StringId key) const;
  bool operator==(const AttributeList&) const = default;
};

/// What produced the telemetry (OpenTelemetry resource).
struct Resource {
  StringId service =
      0;  // service.name, "unknown_service" where it is missing; also in `attributes` if sent
  StringId schema_url = 0;
  AttributeList attributes;
  bool operator==(const Resource&) const = default;
};

/// The library or tracer that recorded it (OpenTelemetry instrumentation scope).
struct Scope {
  StringId name = 0;
  StringId version = 0;
  StringId schema_url = 0;
  AttributeList attributes;
  bool operator==(const Scope&) const = default;
};

}  // namespace vedette::model
