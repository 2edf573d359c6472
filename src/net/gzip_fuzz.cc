// Any bytes as gzip: no more memory than allowed, and what we compress comes back.
#include "net/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kBytesMax = 1 << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto plain = vedette::net::gunzip(bytes, kBytesMax);
      plain.ok() && plain->size() > kBytesMax) {
    __builtin_trap();
  }
  const auto back = vedette::net::gunzip(vedette::net::gzip(bytes), kBytesMax);
  if (size <= kBytesMax && (!back.ok() || *back != bytes)) __builtin_trap();
  return 0;
}
