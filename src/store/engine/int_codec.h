// Columns of integers in a chunk. docs/format/row_part.md, "Integers".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/engine/chunk.h"

namespace vedette::store::engine {

enum class IntKind : uint8_t {
  kNoise,  // measurements: each value gets its bit width as a symbol, the bits below the leading
           // one raw
  kCodes,  // dictionary codes and distances: bytes, for zstd to find repeats in
};

void encode_ints(std::span<const int64_t> values, IntKind kind, ChunkWriter& out);
/// `out` has the size that was encoded.
void decode_ints(ChunkReader& in, std::span<int64_t> out);

/// Same for unsigned numbers below 2^63.
template <typename T>
void encode_unsigned(std::span<const T> values, IntKind kind, ChunkWriter& out) {
  const std::vector<int64_t> wide(values.begin(), values.end());
  encode_ints(wide, kind, out);
}

/// Numbers of which each must be below `limit`; otherwise the chunk fails.
template <typename T>
void decode_below(ChunkReader& in, std::span<T> out, uint64_t limit) {
  std::vector<int64_t> wide(out.size());
  decode_ints(in, wide);
  uint64_t max = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    max = std::max(max, static_cast<uint64_t>(wide[i]));
    out[i] = static_cast<T>(wide[i]);
  }
  if (out.size() > 0 && max >= limit) in.fail();
}

}  // namespace vedette::store::engine
