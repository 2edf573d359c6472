// Protobuf out, for requests made up by the benchmarks: fields appended to a string.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace vedette::bench {

inline void varint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}
inline void tag(std::string& out, int field, int wire_type) {
  varint(out, static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type));
}
inline void number(std::string& out, int field, uint64_t v) {
  tag(out, field, 0);
  varint(out, v);
}
inline void bytes(std::string& out, int field, std::string_view v) {
  tag(out, field, 2);
  varint(out, v.size());
  out.append(v);
}
template <typename T>
void fixed(std::string& out, int field, T v) {
  static_assert(sizeof v == 4 || sizeof v == 8);
  tag(out, field, sizeof v == 8 ? 1 : 5);
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

/// opentelemetry.proto.common.v1.KeyValue with a text, or a whole number.
inline void attribute(std::string& out, int field, std::string_view key, std::string_view text) {
  std::string value, pair;
  bytes(value, 1, text);
  bytes(pair, 1, key);
  bytes(pair, 2, value);
  bytes(out, field, pair);
}
inline void attribute(std::string& out, int field, std::string_view key, int64_t v) {
  std::string value, pair;
  number(value, 3, static_cast<uint64_t>(v));
  bytes(pair, 1, key);
  bytes(pair, 2, value);
  bytes(out, field, pair);
}

/// A small fast generator with a seed: the same load every time (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double p) { return unit() < p; }

 private:
  uint64_t state_;
};

}  // namespace vedette::bench
