#include "store/engine/int_codec.h"

#include <numeric>

namespace vedette::store::engine {
namespace {

using base::unzigzag;
using base::zigzag;

enum Mode : uint8_t { kConstant, kBytes, kPlanes, kClasses };
constexpr uint8_t kZigzag = 0x10;

/// value = base + scale * (zigzag or plain) small number
struct Shift {
  bool zigzag = false;
  int64_t base = 0;
  uint64_t scale = 1;
};

uint64_t magnitude(int64_t v) {
  return v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
}

uint64_t common_divisor(std::span<const int64_t> values, int64_t base) {
  uint64_t divisor = 0;
  for (const int64_t v : values) {
    divisor = std::gcd(divisor, magnitude(v - base));
    if (divisor == 1) break;
  }
  return std::max<uint64_t>(divisor, 1);
}

/// The small numbers; gives the largest.
uint64_t shrink(std::span<const int64_t> values, const Shift& shift, std::vector<uint64_t>& out) {
  out.resize(values.size());
  uint64_t max = 0;
  if (shift.zigzag) {
    const auto scale = static_cast<int64_t>(shift.scale);
    for (size_t i = 0; i < values.size(); ++i) {
      out[i] = zigzag(scale == 1 ? values[i] : values[i] / scale);
      max = std::max(max, out[i]);
    }
  } else {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto distance = static_cast<uint64_t>(values[i] - shift.base);
      out[i] = shift.scale == 1 ? distance : distance / shift.scale;
      max = std::max(max, out[i]);
    }
  }
  return max;
}

void put_classes(const std::vector<uint64_t>& values, ChunkWriter& out) {
  const size_t at = out.symbols.size();
  out.symbols.resize(at + values.size());
  char* symbol = out.symbols.data() + at;
  for (const uint64_t v : values) {
    const auto width = static_cast<unsigned>(std::bit_width(v));
    *symbol++ = static_cast<char>(width);
    if (width > 1) out.bits.put(v ^ (uint64_t{1} << (width - 1)), width - 1);
  }
}

void put_planes(const std::vector<uint64_t>& values, unsigned planes, ChunkWriter& out) {
  for (unsigned plane = 0; plane < planes; ++plane) {
    const size_t at = out.symbols.size();
    out.symbols.resize(at + values.size());
    char* byte = out.symbols.data() + at;
    for (const uint64_t v : values) *byte++ = static_cast<char>(v >> (plane * 8));
  }
}

}  // namespace

void encode_ints(std::span<const int64_t> values, IntKind kind, ChunkWriter& out) {
  base::ByteWriter meta = out.meta_writer();
  if (values.empty()) return;
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  if (*min == *max) {
    meta.fixed(static_cast<uint8_t>(kConstant));
    meta.signed_varint(*min);
    return;
  }
  Shift shift{*min < 0, *min < 0 ? 0 : *min, 1};
  std::vector<uint64_t> small;
  uint64_t largest = shrink(values, shift, small);
  // Not for the least of all numbers, whose magnitude has no int64.
  if (largest >= 256 && kind == IntKind::kNoise && *min != std::numeric_limits<int64_t>::min()) {
    shift.scale = common_divisor(values, shift.base);
    if (shift.scale > 1) largest = shrink(values, shift, small);
  }
  const uint8_t mode = largest < 256                                   ? kBytes
                       : kind == IntKind::kCodes && largest < 1u << 24 ? kPlanes
                                                                       : kClasses;
  meta.fixed(static_cast<uint8_t>(mode | (shift.zigzag ? kZigzag : 0)));
  if (!shift.zigzag) meta.signed_varint(shift.base);
  meta.varint(shift.scale);
  if (mode == kClasses) return put_classes(small, out);
  const unsigned planes = largest < 256 ? 1 : largest < 1u << 16 ? 2 : 3;
  if (mode == kPlanes) meta.fixed(static_cast<uint8_t>(planes));
  put_planes(small, planes, out);
}

namespace {

void get_classes(ChunkReader& in, std::span<int64_t> out) {
  const std::string_view widths = in.symbols.raw(out.size());
  if (widths.size() != out.size()) return in.fail();
  for (size_t i = 0; i < out.size(); ++i) {
    const auto width = static_cast<unsigned char>(widths[i]);
    if (width > 64) return in.fail();
    const uint64_t v = width < 2 ? width : uint64_t{1} << (width - 1) | in.bits.get(width - 1);
    out[i] = static_cast<int64_t>(v);
  }
}

void get_planes(ChunkReader& in, unsigned planes, std::span<int64_t> out) {
  std::fill(out.begin(), out.end(), 0);
  for (unsigned plane = 0; plane < planes; ++plane) {
    const std::string_view bytes = in.symbols.raw(out.size());
    if (bytes.size() != out.size()) return in.fail();
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] |= static_cast<int64_t>(static_cast<unsigned char>(bytes[i])) << (plane * 8);
    }
  }
}

}  // namespace

void decode_ints(ChunkReader& in, std::span<int64_t> out) {
  if (out.empty()) return;
  const auto head = in.meta.fixed<uint8_t>();
  const auto mode = static_cast<uint8_t>(head & ~kZigzag);
  if (mode == kConstant) {
    std::fill(out.begin(), out.end(), in.meta.signed_varint());
    return;
  }
  Shift shift;
  shift.zigzag = head & kZigzag;
  if (!shift.zigzag) shift.base = in.meta.signed_varint();
  shift.scale = in.meta.varint();
  const unsigned planes = mode == kPlanes ? in.meta.fixed<uint8_t>() : 1;
  if (mode > kClasses || planes == 0 || planes > 3 || !in.ok()) return in.fail();
  if (mode == kClasses) {
    get_classes(in, out);
  } else {
    get_planes(in, planes, out);
  }
  for (int64_t& v : out) {
    const uint64_t small = shift.zigzag ? static_cast<uint64_t>(unzigzag(static_cast<uint64_t>(v)))
                                        : static_cast<uint64_t>(v);
    v = static_cast<int64_t>(small * shift.scale + static_cast<uint64_t>(shift.base));
  }
}

}  // namespace vedette::store::engine
