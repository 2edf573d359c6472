// Bloom filters of 256-bit blocks: one cache line a look-up. docs/format/row_part.md, "Filters".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vedette::store::engine {

/// Appends a filter that knows all of `hashes`; about `bits_per_key` bits each.
void append_bloom(std::span<const uint64_t> hashes, size_t bits_per_key, std::string& out);
/// Can `filter` hold the hash? Yes where it is empty or not a filter.
bool bloom_may_hold(std::string_view filter, uint64_t hash);

inline uint64_t hash_pair(uint64_t a, uint64_t b) {
  uint64_t h = (a ^ (b * 0x9e3779b97f4a7c15ull)) * 0xff51afd7ed558ccdull;
  h ^= h >> 32;
  h *= 0xc4ceb9fe1a85ec53ull;
  return h ^ (h >> 29);
}

}  // namespace vedette::store::engine
