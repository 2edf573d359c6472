// A chunk: one column of one block, in four streams that are compressed apart because they look
// unalike. docs/format/row_part.md, "Chunks".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace vedette::store::engine {

/// Numbers of given widths, one behind the other, low bits first.
class BitWriter {
 public:
  /// `width` up to 64; higher bits of `value` must be zero.
  void put(uint64_t value, unsigned width) {
    pending_ |= value << used_;
    if (used_ + width < 64) {
      used_ += width;
      return;
    }
    append(pending_, 8);
    const unsigned written = 64 - used_;
    pending_ = written < 64 ? value >> written : 0;
    used_ = used_ + width - 64;
  }
  /// The bytes so far, the last one filled up.
  const std::string& finish() {
    append(pending_, (used_ + 7) / 8);
    pending_ = used_ = 0;
    return bytes_;
  }

 private:
  void append(uint64_t word, size_t n) { bytes_.append(reinterpret_cast<const char*>(&word), n); }
  std::string bytes_;
  uint64_t pending_ = 0;
  unsigned used_ = 0;
};

/// Past the end it gives zeros, and ok() is false.
class BitReader {
 public:
  BitReader() = default;
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t get(unsigned width);
  bool ok() const { return at_ <= bytes_.size() * 8; }
  size_t bits_left() const { return ok() ? bytes_.size() * 8 - at_ : 0; }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

struct ChunkWriter {
  std::string meta;     // counts, modes: varints
  std::string symbols;  // small numbers, a byte each
  std::string text;
  BitWriter bits;  // noise: never compressed

  base::ByteWriter meta_writer() { return base::ByteWriter(meta); }
  bool empty() const { return meta.empty(); }
  /// Appends the finished chunk to `out`.
  void finish(std::string& out);
};

/// The streams of a chunk. What is read from it is bounds-checked; ok() tells whether all was
/// there.
class ChunkReader {
 public:
  /// `bytes` must outlive the reader. `rows`: of the block; no stream unpacks to more than a bound
  /// that follows from it.
  static Result<ChunkReader> open(std::string_view bytes, size_t rows);
  ChunkReader(ChunkReader&&) = default;

  base::ByteReader meta{{}};
  base::ByteReader symbols{{}};
  base::ByteReader text{{}};
  BitReader bits;

  bool ok() const { return !failed_ && meta.ok() && symbols.ok() && text.ok() && bits.ok(); }
  void fail() { failed_ = true; }

 private:
  ChunkReader() = default;
  std::unique_ptr<std::string> unpacked_[3];  // behind pointers: the readers point into them
  bool failed_ = false;
};

/// zstd, level 1. Empty where it gains nothing.
std::string compress(std::string_view bytes);
/// kCorruption unless it unpacks to exactly `size` bytes.
Result<std::string> decompress(std::string_view bytes, size_t size);

}  // namespace vedette::store::engine
