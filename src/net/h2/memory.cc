#include "net/h2/memory.h"

#include <algorithm>

namespace vedette::net::h2 {
namespace {

constexpr size_t kPromiseBytesMax = 1u << 20;
constexpr size_t kBufferBytesMin = 4u << 10;  // smaller ones are cheap to allocate
constexpr size_t kBufferBytesMax = 4u << 20;  // larger ones are rare, and would sit here idle
constexpr size_t kPoolBytesMax = 8u << 20;

}  // namespace

std::string BufferPool::take(size_t size) {
  std::string buffer;
  if (size >= kBufferBytesMin && !free_.empty()) {
    buffer = std::move(free_.back());
    free_.pop_back();
    bytes_ -= buffer.capacity();
  }
  buffer.reserve(std::min(size, kPromiseBytesMax));
  return buffer;
}

void BufferPool::give(std::string&& buffer) {
  const size_t capacity = buffer.capacity();
  if (capacity < kBufferBytesMin || capacity > kBufferBytesMax) return;
  if (bytes_ + capacity > kPoolBytesMax) return;
  buffer.clear();
  bytes_ += capacity;
  free_.push_back(std::move(buffer));
}

}  // namespace vedette::net::h2
