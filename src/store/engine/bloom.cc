#include "store/engine/bloom.h"

#include <cstring>

namespace vedette::store::engine {
namespace {

constexpr size_t kWords = 8;
constexpr size_t kBlockBytes = kWords * 4;
constexpr uint32_t kSalts[kWords] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                     0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

size_t block_of(uint64_t hash, size_t blocks) {
  return static_cast<size_t>(((hash >> 32) * blocks) >> 32);
}
uint32_t bit_of(uint64_t hash, size_t word) {
  return uint32_t{1} << ((static_cast<uint32_t>(hash) * kSalts[word]) >> 27);
}

}  // namespace

void append_bloom(std::span<const uint64_t> hashes, size_t bits_per_key, std::string& out) {
  const size_t blocks = hashes.size() * bits_per_key / (kBlockBytes * 8) + 1;
  const size_t start = out.size();
  out.resize(start + blocks * kBlockBytes);
  for (const uint64_t hash : hashes) {
    char* block = out.data() + start + block_of(hash, blocks) * kBlockBytes;
    for (size_t w = 0; w < kWords; ++w) {
      uint32_t word;
      std::memcpy(&word, block + w * 4, 4);
      word |= bit_of(hash, w);
      std::memcpy(block + w * 4, &word, 4);
    }
  }
}

bool bloom_may_hold(std::string_view filter, uint64_t hash) {
  const size_t blocks = filter.size() / kBlockBytes;
  if (blocks == 0) return true;
  const char* block = filter.data() + block_of(hash, blocks) * kBlockBytes;
  for (size_t w = 0; w < kWords; ++w) {
    uint32_t word;
    std::memcpy(&word, block + w * 4, 4);
    if (!(word & bit_of(hash, w))) return false;
  }
  return true;
}

}  // namespace vedette::store::engine
