#include "store/engine/shapes.h"

#include <algorithm>
#include <cmath>

namespace vedette::store::engine {
namespace {

constexpr uint16_t kFree = UINT16_MAX;
constexpr size_t kJoinSlots = 32768;  // power of two, well over the nodes that one join may make
constexpr size_t kJoinNodesMax = 2 * kShapesMax;

uint64_t scramble(uint64_t v) {
  v *= 0x9e3779b97f4a7c15ull;
  return v ^ (v >> 31);
}

}  // namespace

std::optional<std::vector<uint16_t>> ValueNumbers::number(std::span<const model::ValueType> types,
                                                          std::span<const uint64_t> bits) {
  values_.clear();
  slots_.fill(kFree);
  std::vector<uint16_t> codes(bits.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    const model::Value value{types[i], bits[i]};
    size_t slot = scramble(bits[i] + static_cast<uint64_t>(types[i]) * 0x51ed) % kSlots;
    while (slots_[slot] != kFree && !(values_[slots_[slot]] == value)) slot = (slot + 1) % kSlots;
    if (slots_[slot] == kFree) {
      if (values_.size() == kJoinedValuesMax) return std::nullopt;
      slots_[slot] = static_cast<uint16_t>(values_.size());
      values_.push_back(value);
    }
    codes[i] = slots_[slot];
  }
  return codes;
}

ShapeJoin::ShapeJoin(size_t rows)
    : node_of_row_(rows),
      rows_of_node_{static_cast<uint32_t>(rows)},
      nodes_{{0, {0, 0}}},
      slots_(kJoinSlots, Slot{0, 0, 0}) {}

bool ShapeJoin::join(uint16_t column, std::span<const uint32_t> rows,
                     std::span<const uint16_t> codes, double bits_max) {
  ++epoch_;
  const size_t nodes_before = nodes_.size();
  moved_.resize(rows.size());
  std::vector<uint32_t> left(rows_of_node_);  // rows that stay in each old node
  size_t gone = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t from = node_of_row_[rows[i]];
    moved_[i] = split(from, {column, codes[i]});
    gone += --left[from] == 0;
    if (nodes_.size() - nodes_before > kJoinNodesMax) break;
  }
  const size_t fresh = nodes_.size() - nodes_before;
  const bool too_many = fresh > kJoinNodesMax || live_ + fresh - gone > kShapesMax;
  if (too_many || new_bits(nodes_before, left) > bits_max * static_cast<double>(rows.size())) {
    nodes_.resize(nodes_before);
    return false;
  }
  live_ += fresh - gone;
  rows_of_node_ = std::move(left);
  rows_of_node_.resize(nodes_.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    node_of_row_[rows[i]] = moved_[i];
    ++rows_of_node_[moved_[i]];
  }
  return true;
}

/// Entropy of the values of the rows that move, given the nodes they come from.
double ShapeJoin::new_bits(size_t nodes_before, std::span<const uint32_t> left) const {
  std::vector<uint32_t> into(nodes_.size() - nodes_before);
  for (const uint32_t node : moved_) ++into[node - nodes_before];
  double bits = 0;
  for (size_t i = 0; i < into.size(); ++i) {
    const uint32_t from = nodes_[nodes_before + i].parent;
    bits += into[i] * std::log2(static_cast<double>(rows_of_node_[from] - left[from]) / into[i]);
  }
  return bits;
}

uint32_t ShapeJoin::split(uint32_t node, ShapeEntry entry) {
  const uint64_t key = uint64_t{node} << 16 | entry.value;
  size_t slot = scramble(key) % kJoinSlots;
  while (slots_[slot].epoch == epoch_ && slots_[slot].key != key) slot = (slot + 1) % kJoinSlots;
  if (slots_[slot].epoch != epoch_) {
    slots_[slot] = {key, static_cast<uint32_t>(nodes_.size()), epoch_};
    nodes_.push_back({node, entry});
  }
  return slots_[slot].node;
}

std::vector<Shape> ShapeJoin::finish(std::vector<uint16_t>& codes) {
  std::vector<Shape> shapes;
  std::vector<uint16_t> shape_of_node(nodes_.size(), kFree);
  codes.resize(node_of_row_.size());
  for (size_t row = 0; row < codes.size(); ++row) {
    uint16_t& shape = shape_of_node[node_of_row_[row]];
    if (shape == kFree) {
      shape = static_cast<uint16_t>(shapes.size());
      Shape& entries = shapes.emplace_back();
      for (uint32_t n = node_of_row_[row]; n != 0; n = nodes_[n].parent)
        entries.push_back(nodes_[n].entry);
      std::sort(entries.begin(), entries.end(), [](auto a, auto b) { return a.column < b.column; });
    }
    codes[row] = shape;
  }
  return shapes;
}

}  // namespace vedette::store::engine
