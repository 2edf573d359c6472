// The checksum of everything on disk: XXH3, 64 bits.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::store::engine {

uint64_t checksum(std::string_view bytes, uint64_t seed = 0);

}  // namespace vedette::store::engine
