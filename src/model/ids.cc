#include "model/ids.h"

#include <cstring>

namespace vedette::model {
namespace {

uint64_t load_big_endian(const char* bytes) {
  uint64_t v;
  std::memcpy(&v, bytes, 8);
  return __builtin_bswap64(v);
}

void store_big_endian(uint64_t v, char* out) {
  v = __builtin_bswap64(v);
  std::memcpy(out, &v, 8);
}

std::optional<uint64_t> parse_hex(std::string_view hex) {
  uint64_t value = 0;
  for (char c : hex) {
    unsigned digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (c | 0x20) - 'a' + 10;
    } else {
      return std::nullopt;
    }
    value = value << 4 | digit;
  }
  return value;
}

void append_hex(std::string& out, uint64_t v) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[v >> shift & 15];
}

}  // namespace

TraceId TraceId::from_bytes(const char* bytes) {
  return {load_big_endian(bytes), load_big_endian(bytes + 8)};
}

std::optional<TraceId> TraceId::from_hex(std::string_view hex) {
  if (hex.empty() || hex.size() > 32) return std::nullopt;
  const size_t low_digits = std::min<size_t>(hex.size(), 16);
  const auto hi = parse_hex(hex.substr(0, hex.size() - low_digits));
  const auto lo = parse_hex(hex.substr(hex.size() - low_digits));
  if (!hi || !lo) return std::nullopt;
  return TraceId{*hi, *lo};
}

std::string TraceId::hex() const {
  std::string out;
  out.reserve(32);
  append_hex(out, hi);
  append_hex(out, lo);
  return out;
}

void TraceId::to_bytes(char* out) const {
  store_big_endian(hi, out);
  store_big_endian(lo, out + 8);
}

SpanId span_id_from_bytes(const char* bytes) {
  return load_big_endian(bytes);
}
void span_id_to_bytes(SpanId id, char* out) {
  store_big_endian(id, out);
}

std::optional<SpanId> span_id_from_hex(std::string_view hex) {
  if (hex.empty() || hex.size() > 16) return std::nullopt;
  return parse_hex(hex);
}

std::string span_id_hex(SpanId id) {
  std::string out;
  append_hex(out, id);
  return out;
}

}  // namespace vedette::model
