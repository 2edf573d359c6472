#include "store/engine/chunk.h"

#include <zstd.h>

namespace vedette::store::engine {
namespace {

constexpr size_t kNotWorthCompressing = 24;
constexpr size_t kStreamBytesMax = 1u << 30;

struct ContextDeleter {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, ContextDeleter> context = [] {
    std::unique_ptr<ZSTD_CCtx, ContextDeleter> made(ZSTD_createCCtx());
    ZSTD_CCtx_setParameter(made.get(), ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(made.get(), ZSTD_c_contentSizeFlag, 0);
    return made;
  }();
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, ContextDeleter> context(ZSTD_createDCtx());
  return context.get();
}

/// Stream: length and whether it is compressed, packed length if so; the bytes follow the headers.
void put_stream(std::string_view stream, std::string& headers, std::string& bodies) {
  base::ByteWriter header(headers);
  const std::string packed =
      stream.size() < kNotWorthCompressing ? std::string() : compress(stream);
  header.varint(stream.size() << 1 | !packed.empty());
  if (!packed.empty()) header.varint(packed.size());
  bodies.append(packed.empty() ? stream : packed);
}

}  // namespace

uint64_t BitReader::get(unsigned width) {
  if (width == 0) return 0;
  const size_t at = at_;
  at_ += width;
  if (at_ > bytes_.size() * 8) return 0;
  const size_t byte = at / 8;
  const unsigned shift = at % 8;
  uint64_t low = 0;
  const size_t have = std::min<size_t>(8, bytes_.size() - byte);
  std::memcpy(&low, bytes_.data() + byte, have);
  uint64_t value = low >> shift;
  if (shift + width > 64) {
    value |= uint64_t{static_cast<unsigned char>(bytes_[byte + 8])} << (64 - shift);
  }
  return width == 64 ? value : value & ((uint64_t{1} << width) - 1);
}

void ChunkWriter::finish(std::string& out) {
  std::string bodies;
  put_stream(meta, out, bodies);
  put_stream(symbols, out, bodies);
  put_stream(text, out, bodies);
  const std::string& raw = bits.finish();
  base::ByteWriter(out).varint(raw.size());
  out += bodies;
  out += raw;
}

Result<ChunkReader> ChunkReader::open(std::string_view bytes, size_t rows) {
  ChunkReader chunk;
  base::ByteReader in(bytes);
  struct Stream {
    size_t size = 0;
    size_t packed = 0;
    bool is_packed = false;
  } streams[3];
  for (Stream& s : streams) {
    const uint64_t head = in.varint();
    s.size = head >> 1;
    s.is_packed = head & 1;
    s.packed = s.is_packed ? in.varint() : s.size;
  }
  const uint64_t raw = in.varint();
  base::ByteReader* readers[3] = {&chunk.meta, &chunk.symbols, &chunk.text};
  for (int i = 0; i < 3; ++i) {
    const Stream& s = streams[i];
    std::string_view body = s.packed <= in.left() ? in.raw(s.packed) : std::string_view();
    if (body.size() != s.packed || s.size > kStreamBytesMax) {
      return Error{Code::kCorruption, "a chunk is cut short"};
    }
    if (s.is_packed) {
      // Nothing we write packs better than this; it bounds what damaged lengths can make us
      // allocate.
      if (s.size > (s.packed + rows + 64) * 4096)
        return Error{Code::kCorruption, "a chunk claims too much"};
      ASSIGN_OR_RETURN(std::string unpacked, decompress(body, s.size));
      chunk.unpacked_[i] = std::make_unique<std::string>(std::move(unpacked));
      body = *chunk.unpacked_[i];
    }
    *readers[i] = base::ByteReader(body);
  }
  if (raw != in.left()) return Error{Code::kCorruption, "a chunk is cut short"};
  chunk.bits = BitReader(in.raw(raw));
  return chunk;
}

std::string compress(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t n = ZSTD_compress2(compressor(), out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(n) || n + 4 >= bytes.size()) return {};
  out.resize(n);
  return out;
}

Result<std::string> decompress(std::string_view bytes, size_t size) {
  std::string out(size, '\0');
  const size_t n =
      ZSTD_decompressDCtx(decompressor(), out.data(), size, bytes.data(), bytes.size());
  if (ZSTD_isError(n) || n != size)
    return Error{Code::kCorruption, "compressed bytes can't be unpacked"};
  return out;
}

}  // namespace vedette::store::engine
