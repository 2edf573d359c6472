// Trace and span ids (W3C Trace Context, section 3.2.2).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vedette::model {

/// 16 bytes as two numbers in big-endian reading order: `hi` holds the first eight bytes. All zero:
/// no id.
struct TraceId {
  uint64_t hi = 0;
  uint64_t lo = 0;

  bool valid() const { return (hi | lo) != 0; }
  auto operator<=>(const TraceId&) const = default;

  /// From exactly 16 bytes, as OTLP carries it.
  static TraceId from_bytes(const char* bytes);
  /// From 1 to 32 hex digits, in any case; short ones are padded with zeros on the left, as Jaeger
  /// does.
  static std::optional<TraceId> from_hex(std::string_view hex);
  /// 32 lower-case digits.
  std::string hex() const;
  void to_bytes(char* out) const;
};

/// Eight bytes in big-endian reading order; 0: no id.
using SpanId = uint64_t;

SpanId span_id_from_bytes(const char* bytes);
void span_id_to_bytes(SpanId id, char* out);
std::optional<SpanId> span_id_from_hex(std::string_view hex);
/// 16 lower-case digits.
std::string span_id_hex(SpanId id);

struct TraceIdHash {
  /// Ids are random already, but not every client's first half is.
  size_t operator()(const TraceId& id) const { return id.lo ^ (id.hi * 0x9e3779b97f4a7c15ull); }
};

}  // namespace vedette::model
