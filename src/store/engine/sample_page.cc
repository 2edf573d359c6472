#include "store/engine/sample_page.h"

#include <zstd.h>

#include "base/string_table.h"

namespace vedette::store::engine {
namespace {

constexpr int kLevel = 1;
/// A section may be large; a figure beyond this is damage.
constexpr uint32_t kRawMax = 1u << 30;

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_DCtx* decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return context.get();
}

}  // namespace

struct PageCompressor::State {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~State() { ZSTD_freeCCtx(context); }
};

PageCompressor::PageCompressor() : state_(std::make_unique<State>()) {}
PageCompressor::~PageCompressor() = default;

std::string_view PageCompressor::compress(std::string_view raw) {
  out_.resize(ZSTD_compressBound(raw.size()));
  const size_t n =
      ZSTD_compressCCtx(state_->context, out_.data(), out_.size(), raw.data(), raw.size(), kLevel);
  if (ZSTD_isError(n) || n >= raw.size()) return raw;
  return {out_.data(), n};
}

Status read_page(const base::ReadableFile& file, const PageRef& page, std::string& out) {
  if (page.raw > kRawMax || page.stored > page.raw || page.offset > file.size() ||
      page.stored > file.size() - page.offset) {
    return {Code::kCorruption, "a page lies outside the file"};
  }
  thread_local std::string stored;
  stored.resize(page.stored);
  RETURN_IF_ERROR(file.read(page.offset, stored));
  if (base::hash_string(stored) != page.checksum) {
    return {Code::kCorruption,
            "the checksum of the page at byte " + std::to_string(page.offset) + " is wrong"};
  }
  if (page.stored == page.raw) {
    out = stored;
    return {};
  }
  out.resize(page.raw);
  const size_t n =
      ZSTD_decompressDCtx(decompressor(), out.data(), out.size(), stored.data(), stored.size());
  if (ZSTD_isError(n) || n != page.raw) {
    return {Code::kCorruption,
            "the page at byte " + std::to_string(page.offset) + " does not decompress"};
  }
  return {};
}

}  // namespace vedette::store::engine
