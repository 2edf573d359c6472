// Small numbers packed side by side: groups of up to 64, each a byte with the width in bits and
// then the numbers, from the lowest bit up, padded to a whole byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace vedette::store::engine {

void pack_bits(std::span<const uint64_t> numbers, std::string& out);
/// Fills `out`. False: `in` is malformed or too short.
bool unpack_bits(base::ByteReader& in, std::span<uint64_t> out);

}  // namespace vedette::store::engine
