#include "net/gzip.h"

#include <libdeflate.h>
#include <zlib.h>

namespace vedette::net {
namespace {

constexpr size_t kTrailerBytes = 4;        // ISIZE, the length modulo 2^32
constexpr size_t kMemberBytesMin = 18;     // header, empty block, CRC and ISIZE
constexpr size_t kStepBytes = 256u << 10;  // growth of a streamed result
constexpr size_t kRatioMax = 1032;         // deflate cannot do better than this

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
};

Error bad_gzip() {
  return {Code::kInvalidArgument, "the body is not valid gzip, though Content-Encoding says so"};
}

Error too_large(size_t bytes_max) {
  return {Code::kTooLarge, "the body is larger than " + std::to_string(bytes_max) +
                               " bytes after decompression; send it in smaller parts"};
}

/// For what the trailer does not describe: several members, or more than 4 GiB. zlib stops at the
/// limit.
Result<std::string> gunzip_streaming(std::string_view in, size_t bytes_max, std::string out) {
  z_stream z{};
  if (inflateInit2(&z, 15 + 16) != Z_OK)
    return Error{Code::kResourceExhausted, "out of memory for gzip"};
  struct End {
    z_stream* z;
    ~End() { inflateEnd(z); }
  } end{&z};
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  z.avail_in = static_cast<uInt>(in.size());
  out.clear();
  for (;;) {
    const size_t done = out.size();
    // One byte past the limit tells "exactly full" from "too large".
    out.resize(done + std::min(kStepBytes, bytes_max + 1 - done));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    z.avail_out = static_cast<uInt>(out.size() - done);
    const int rc = inflate(&z, Z_NO_FLUSH);
    out.resize(out.size() - z.avail_out);
    if (out.size() > bytes_max) return too_large(bytes_max);
    if (rc == Z_STREAM_END) {
      if (z.avail_in == 0) return out;
      if (inflateReset(&z) != Z_OK) return bad_gzip();
    } else if (rc != Z_OK || (z.avail_in == 0 && z.avail_out != 0)) {
      return bad_gzip();
    }
  }
}

}  // namespace

Result<std::string> gunzip(std::string_view in, size_t bytes_max, std::string buffer) {
  if (in.size() < kMemberBytesMin) return bad_gzip();
  uint32_t announced;
  std::memcpy(&announced, in.data() + in.size() - kTrailerBytes, kTrailerBytes);
  // The trailer is the sender's word: believe it only as far as it is possible and allowed.
  if (announced <= bytes_max && announced / kRatioMax <= in.size()) {
    thread_local std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
        libdeflate_alloc_decompressor());
    if (!decompressor) return Error{Code::kResourceExhausted, "out of memory for gzip"};
    buffer.resize(announced);
    size_t read = 0, written = 0;
    const auto rc = libdeflate_gzip_decompress_ex(decompressor.get(), in.data(), in.size(),
                                                  buffer.data(), buffer.size(), &read, &written);
    if (rc == LIBDEFLATE_SUCCESS && read == in.size()) {
      buffer.resize(written);
      return buffer;
    }
    if (rc == LIBDEFLATE_BAD_DATA) return bad_gzip();
  }
  return gunzip_streaming(in, bytes_max, std::move(buffer));
}

std::string gzip(std::string_view bytes, int level) {
  thread_local std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor;
  thread_local int compressor_level = 0;
  if (!compressor || compressor_level != level) {
    compressor.reset(libdeflate_alloc_compressor(level));
    compressor_level = level;
  }
  std::string out(libdeflate_gzip_compress_bound(compressor.get(), bytes.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor.get(), bytes.data(), bytes.size(), out.data(),
                                      out.size()));
  return out;
}

}  // namespace vedette::net
