#include "model/attributes.h"

#include <algorithm>
#include <charconv>

namespace vedette::model {
namespace {

std::string base64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < n ? static_cast<unsigned char>(bytes[i + j]) : 0);
    }
    for (size_t j = 0; j < 4; ++j) out += j <= n ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace

std::optional<double> Value::number() const {
  if (type == ValueType::kInt) return static_cast<double>(as_int());
  if (type == ValueType::kDouble) return as_double();
  return std::nullopt;
}

std::string Value::to_string(const StringTable& strings) const {
  switch (type) {
    case ValueType::kEmpty:
      return {};
    case ValueType::kBool:
      return bits ? "true" : "false";
    case ValueType::kInt:
      return std::to_string(as_int());
    case ValueType::kDouble: {
      char buffer[32];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, as_double()).ptr;
      return {buffer, end};
    }
    case ValueType::kBytes:
      return base64(strings.view(text_id()));
    case ValueType::kString:
    case ValueType::kArray:
    case ValueType::kMap:
      return std::string(strings.view(text_id()));
  }
  return {};
}

std::optional<Value> AttributeColumn::find(uint32_t row) const {
  const auto it = std::lower_bound(rows.begin(), rows.end(), row);
  if (it == rows.end() || *it != row) return std::nullopt;
  return value(static_cast<size_t>(it - rows.begin()));
}

void AttributeColumns::add(uint32_t row, StringId key, Value value) {
  if (key >= column_of_key_.size()) column_of_key_.resize(size_t{key} + 16);
  uint32_t& slot = column_of_key_[key];
  if (slot == 0) {
    columns_.emplace_back().key = key;
    slot = static_cast<uint32_t>(columns_.size());
  }
  AttributeColumn& column = columns_[slot - 1];
  if (!column.rows.empty() && column.rows.back() == row) {
    column.types.back() = value.type;
    column.bits.back() = value.bits;
    return;
  }
  column.rows.push_back(row);
  column.types.push_back(value.type);
  column.bits.push_back(value.bits);
}

void AttributeColumns::add_column(AttributeColumn column) {
  const StringId key = column.key;
  if (key >= column_of_key_.size()) column_of_key_.resize(size_t{key} + 16);
  columns_.push_back(std::move(column));
  column_of_key_[key] = static_cast<uint32_t>(columns_.size());
}

const AttributeColumn* AttributeColumns::find(StringId key) const {
  if (key >= column_of_key_.size() || column_of_key_[key] == 0) return nullptr;
  return &columns_[column_of_key_[key] - 1];
}

std::optional<Value> AttributeColumns::get(uint32_t row, StringId key) const {
  const AttributeColumn* column = find(key);
  return column ? column->find(row) : std::nullopt;
}

size_t AttributeColumns::bytes() const {
  size_t total = column_of_key_.capacity() * sizeof(uint32_t);
  for (const AttributeColumn& c : columns_) {
    total += sizeof c + c.rows.capacity() * 4 + c.types.capacity() + c.bits.capacity() * 8;
  }
  return total;
}

std::optional<Value> AttributeList::get(StringId key) const {
  for (const Item& item : items) {
    if (item.key == key) return item.value;
  }
  return std::nullopt;
}

}  // namespace vedette::model
