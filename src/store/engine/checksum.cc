#include "store/engine/checksum.h"

#include <xxhash.h>

namespace vedette::store::engine {

uint64_t checksum(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace vedette::store::engine
