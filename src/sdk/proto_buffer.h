// Protobuf wire format, written forwards into memory that is kept and used again.
//
// A recorded span is written with this, attribute by attribute, on the application's thread: so no
// allocation in the steady state, no virtual call, no exception. Owned by one thread at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace vedette::sdk {

enum class WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr uint32_t tag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}

constexpr size_t varint_size(uint64_t v) {
  return static_cast<size_t>((std::bit_width(v | 1) + 6) / 7);
}

inline char* write_varint(char* at, uint64_t v) {
  while (v >= 0x80) {
    *at++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *at++ = static_cast<char>(v);
  return at;
}

inline char* write_raw(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

inline char* write_bytes_field(char* at, uint32_t field, std::string_view bytes) {
  at = write_varint(at, tag(field, WireType::kBytes));
  at = write_varint(at, bytes.size());
  return write_raw(at, bytes);
}

inline char* write_fixed64_field(char* at, uint32_t field, uint64_t v) {
  at = write_varint(at, tag(field, WireType::kFixed64));
  std::memcpy(at, &v, sizeof v);
  return at + sizeof v;
}

inline char* write_fixed32_field(char* at, uint32_t field, uint32_t v) {
  at = write_varint(at, tag(field, WireType::kFixed32));
  std::memcpy(at, &v, sizeof v);
  return at + sizeof v;
}

inline char* write_varint_field(char* at, uint32_t field, uint64_t v) {
  at = write_varint(at, tag(field, WireType::kVarint));
  return write_varint(at, v);
}

/// Growing bytes. When memory is short the write is dropped and `failed()` says so.
class ProtoBuffer {
 public:
  ProtoBuffer() = default;
  ProtoBuffer(ProtoBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ProtoBuffer& operator=(ProtoBuffer&&) = delete;
  ~ProtoBuffer() { std::free(data_); }

  std::string_view view() const { return {data_, size_}; }
  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool failed() const { return failed_; }

  void truncate(size_t size) { size_ = size; }
  void clear() {
    size_ = 0;
    failed_ = false;
  }
  /// Gives memory back when it has grown beyond `keep` bytes.
  void shrink(size_t keep) {
    if (capacity_ <= keep) return;
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  /// Room for `n` more bytes at the end, or null. The bytes count once advance() is called.
  char* room(size_t n) {
    if (capacity_ - size_ < n && !grow(n)) return nullptr;
    return data_ + size_;
  }
  void advance_to(const char* end) { size_ = static_cast<size_t>(end - data_); }

  void bytes_field(uint32_t field, std::string_view bytes) {
    if (char* at = room(bytes.size() + 15)) advance_to(write_bytes_field(at, field, bytes));
  }
  void varint_field(uint32_t field, uint64_t v) {
    if (char* at = room(15)) advance_to(write_varint_field(at, field, v));
  }
  void fixed64_field(uint32_t field, uint64_t v) {
    if (char* at = room(13)) advance_to(write_fixed64_field(at, field, v));
  }
  void fixed32_field(uint32_t field, uint32_t v) {
    if (char* at = room(9)) advance_to(write_fixed32_field(at, field, v));
  }
  void raw(std::string_view bytes) {
    if (char* at = room(bytes.size())) advance_to(write_raw(at, bytes));
  }

  /// Starts a message field whose size is not known yet; hand the result to end_message().
  size_t begin_message(uint32_t field) {
    char* at = room(15);
    if (!at) return 0;
    at = write_varint(at, tag(field, WireType::kBytes));
    *at++ = 0;
    advance_to(at);
    return size_;
  }
  void end_message(size_t start) {
    if (failed_) return;
    const size_t length = size_ - start;
    const size_t wanted = varint_size(length);
    if (wanted > 1) {
      if (!room(wanted - 1)) return;
      std::memmove(data_ + start + wanted - 1, data_ + start, length);
      size_ += wanted - 1;
    }
    write_varint(data_ + start - 1, length);
  }

 private:
  bool grow(size_t n) {
    if (failed_) return false;
    size_t wanted = capacity_ ? capacity_ * 2 : 512;
    while (wanted - size_ < n) wanted *= 2;
    auto* grown = static_cast<char*>(std::realloc(data_, wanted));
    if (!grown) {
      failed_ = true;
      return false;
    }
    data_ = grown;
    capacity_ = wanted;
    return true;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace vedette::sdk
