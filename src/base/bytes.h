// Little-endian numbers, varints and length-prefixed bytes, written to and read from plain memory.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace vedette::base {

static_assert(std::endian::native == std::endian::little, "on-disk formats are little-endian");

inline uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t unzigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

/// Appends to a string it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <typename T>
  void fixed(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      out_ += static_cast<char>(v | 0x80);
      v >>= 7;
    }
    out_ += static_cast<char>(v);
  }
  void signed_varint(int64_t v) { varint(zigzag(v)); }
  void raw(std::string_view bytes) { out_.append(bytes); }
  /// Length as a varint, then the bytes.
  void bytes(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  size_t size() const { return out_.size(); }

 private:
  std::string& out_;
};

/// Reads from memory it does not own. After the first read past the end `ok()` is false and every
/// further read gives zeros: check once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : at_(in.data()), end_(in.data() + in.size()) {}

  bool ok() const { return ok_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  const char* position() const { return at_; }

  template <typename T>
  T fixed() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (const char* from = take(sizeof value)) std::memcpy(&value, from, sizeof value);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) break;
      const auto byte = static_cast<unsigned char>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  int64_t signed_varint() { return unzigzag(varint()); }
  std::string_view raw(size_t n) {
    const char* from = take(n);
    return from ? std::string_view(from, n) : std::string_view();
  }
  std::string_view bytes() {
    const uint64_t n = varint();
    return n <= left() ? raw(n) : (fail(), std::string_view());
  }

 private:
  const char* take(size_t n) {
    if (n > left()) {
      fail();
      return nullptr;
    }
    const char* from = at_;
    at_ += n;
    return from;
  }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace vedette::base
