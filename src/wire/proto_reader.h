// Reads protobuf's wire format from plain memory: no copy, no allocation, no exception.
// Spec: protobuf.dev/programming-guides/encoding. Groups, which proto3 does not have, count as
// malformed.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace vedette::wire {

// A tag is a field's number together with its wire type, so that a switch on it checks both: a
// known field of the wrong type is as unknown as any other.
constexpr uint32_t varint_tag(uint32_t field) {
  return field << 3;
}
constexpr uint32_t fixed64_tag(uint32_t field) {
  return field << 3 | 1;
}
constexpr uint32_t bytes_tag(uint32_t field) {
  return field << 3 | 2;
}
constexpr uint32_t fixed32_tag(uint32_t field) {
  return field << 3 | 5;
}

/// Walks the fields of one message:
///
///   ProtoReader in(bytes);
///   while (in.next()) {
///     switch (in.tag()) {
///       case bytes_tag(1): name = in.bytes(); break;
///       default: in.skip();
///     }
///   }
///   if (!in.ok()) → malformed
///
/// Each field must be read or skipped once. After a fault next() is false and values are zero or
/// empty.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view in) : at_(in.data()), end_(in.data() + in.size()) {}

  bool ok() const { return ok_; }
  uint32_t tag() const { return tag_; }

  bool next() {
    if (at_ == end_) return false;
    const uint64_t tag = varint();
    if (tag < 8 || tag > UINT32_MAX) {  // field number 0, or more than protobuf has
      fail();
      return false;
    }
    tag_ = static_cast<uint32_t>(tag);
    return ok_;
  }

  uint64_t varint() {
    if (at_ != end_) [[likely]] {
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte < 0x80) {
        ++at_;
        return byte;
      }
    }
    return long_varint();
  }
  uint64_t fixed64() { return fixed<uint64_t>(); }
  uint32_t fixed32() { return fixed<uint32_t>(); }
  double real() { return std::bit_cast<double>(fixed64()); }

  std::string_view bytes() {
    const uint64_t n = varint();
    if (n > static_cast<size_t>(end_ - at_)) {
      fail();
      return {};
    }
    const std::string_view out(at_, static_cast<size_t>(n));
    at_ += n;
    return out;
  }

  void skip() {
    switch (tag_ & 7) {
      case 0:
        varint();
        break;
      case 1:
        fixed64();
        break;
      case 2:
        bytes();
        break;
      case 5:
        fixed32();
        break;
      default:
        fail();
    }
  }

 private:
  uint64_t long_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  template <typename T>
  T fixed() {
    T value{};
    if (static_cast<size_t>(end_ - at_) < sizeof value) {
      fail();
      return value;
    }
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  const char* at_;
  const char* end_;
  uint32_t tag_ = 0;
  bool ok_ = true;
};

}  // namespace vedette::wire
