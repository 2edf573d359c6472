// Columns of attribute values in a chunk, of one type or several. docs/format/row_part.md,
// "Values".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/attributes.h"
#include "store/engine/chunk.h"

namespace vedette::store::engine {

/// Numbers things in the order of their first use, again and again without clearing a table.
class FirstUse {
 public:
  /// Starts anew, for keys below `keys`.
  void begin(size_t keys) {
    if (epoch_of_.size() < keys) {
      epoch_of_.resize(keys);
      index_of_.resize(keys);
    }
    ++epoch_;
    count_ = 0;
  }
  /// The key's number, and whether it is new.
  std::pair<uint32_t, bool> operator()(uint32_t key) {
    if (epoch_of_[key] == epoch_) return {index_of_[key], false};
    epoch_of_[key] = epoch_;
    index_of_[key] = count_;
    return {count_++, true};
  }
  uint32_t count() const { return count_; }

 private:
  std::vector<uint32_t> epoch_of_;
  std::vector<uint32_t> index_of_;
  uint32_t epoch_ = 0;
  uint32_t count_ = 0;
};

struct ValueSpan {
  std::span<const model::ValueType> types;
  std::span<const uint64_t> bits;
};

/// `texts` gets the distinct strings (values of type kString), for filters.
void encode_values(ValueSpan values, const model::StringTable& strings, FirstUse& scratch,
                   ChunkWriter& out, std::vector<model::StringId>* texts = nullptr);
/// Texts are added to `strings`.
void decode_values(ChunkReader& in, size_t count, model::StringTable& strings,
                   std::vector<model::ValueType>& types, std::vector<uint64_t>& bits);

/// Distances to the last use of each of a sequence of keys, 0 for a first use: what encode_values
/// makes of texts. `firsts` gets the position of each first use.
void encode_references(std::span<const uint32_t> keys, size_t key_limit, FirstUse& scratch,
                       ChunkWriter& out, std::vector<uint32_t>& firsts);
/// The number, in order of first use, of each of `count` things; gives how many there are.
size_t decode_references(ChunkReader& in, std::span<uint32_t> numbers);

}  // namespace vedette::store::engine
