#include "store/engine/sample_bits.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace vedette::store::engine {
namespace {

constexpr size_t kGroup = 64;
constexpr size_t kGroupBytesMax = kGroup * 8;
/// Bytes that reading one number may touch behind the last one it needs.
constexpr size_t kSlack = 9;

void pack_group(std::span<const uint64_t> numbers, unsigned width, char* out) {
  uint64_t pending = 0;
  unsigned bits = 0;
  for (uint64_t number : numbers) {
    pending |= number << bits;
    if (bits + width >= 64) {
      std::memcpy(out, &pending, 8);
      out += 8;
      pending = bits == 0 ? 0 : number >> (64 - bits);
      bits = bits + width - 64;
      if (bits == 0) pending = 0;
    } else {
      bits += width;
    }
  }
  std::memcpy(out, &pending, 8);
}

void unpack_group(const char* in, unsigned width, std::span<uint64_t> out) {
  const uint64_t mask = ~uint64_t{0} >> (64 - width);
  size_t bit = 0;
  for (uint64_t& number : out) {
    uint64_t word;
    std::memcpy(&word, in + bit / 8, 8);
    const unsigned shift = bit % 8;
    word >>= shift;
    if (shift + width > 64)
      word |= uint64_t{static_cast<unsigned char>(in[bit / 8 + 8])} << (64 - shift);
    number = word & mask;
    bit += width;
  }
}

}  // namespace

void pack_bits(std::span<const uint64_t> numbers, std::string& out) {
  char packed[kGroupBytesMax + 8];
  while (!numbers.empty()) {
    const auto group = numbers.first(std::min(kGroup, numbers.size()));
    numbers = numbers.subspan(group.size());
    uint64_t all = 0;
    for (uint64_t number : group) all |= number;
    const auto width = static_cast<unsigned>(std::bit_width(all));
    out += static_cast<char>(width);
    if (width == 0) continue;
    pack_group(group, width, packed);
    out.append(packed, (group.size() * width + 7) / 8);
  }
}

bool unpack_bits(base::ByteReader& in, std::span<uint64_t> out) {
  while (!out.empty()) {
    const auto group = out.first(std::min(kGroup, out.size()));
    out = out.subspan(group.size());
    const auto width = in.fixed<uint8_t>();
    if (!in.ok() || width > 64) return false;
    if (width == 0) {
      std::fill(group.begin(), group.end(), 0);
      continue;
    }
    const size_t bytes = (group.size() * width + 7) / 8;
    if (in.left() < bytes) return false;
    if (in.left() >= bytes + kSlack) {
      unpack_group(in.position(), width, group);
    } else {
      char padded[kGroupBytesMax + kSlack] = {};
      std::memcpy(padded, in.position(), bytes);
      unpack_group(padded, width, group);
    }
    in.raw(bytes);
  }
  return true;
}

}  // namespace vedette::store::engine
