// Pages of a sample part: pieces of about 16 KiB, compressed and checked each for itself, and the
// sections behind them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/fs.h"
#include "base/result.h"

namespace vedette::store::engine {

/// Where compressed bytes stand in a file.
struct PageRef {
  uint64_t offset = 0;
  uint32_t stored = 0;  // bytes in the file; equal to `raw` when they are not compressed
  uint32_t raw = 0;
  uint64_t checksum = 0;  // XXH3 of the stored bytes
};

/// Compresses with zstd level 1. One thread at a time.
class PageCompressor {
 public:
  PageCompressor();
  ~PageCompressor();
  /// Valid until the next call. What doesn't shrink comes back as it is.
  std::string_view compress(std::string_view raw);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string out_;
};

/// Reads and decompresses into `out`. kCorruption when the bytes are not what was written.
Status read_page(const base::ReadableFile& file, const PageRef& page, std::string& out);

}  // namespace vedette::store::engine
