#include "sdk/ring.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>
#include <new>

namespace vedette::sdk {
namespace {

constexpr uint32_t kCommitted = 1u << 31;
constexpr uint32_t kPadding = ~0u;
constexpr size_t kSmallest = 64u << 10;
/// An empty ring starts again from its beginning once it has gone this far.
constexpr size_t kRewindAfter = 256u << 10;

size_t padded(size_t size) {
  return (size + 7) & ~size_t{7};
}

}  // namespace

struct Ring::Header {
  std::atomic<uint32_t> length;
  uint32_t source;
};

Ring::Ring(size_t capacity) : capacity_(std::bit_ceil(std::max(capacity, kSmallest))) {
  void* mapped = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(mapped);
}

Ring::~Ring() {
  munmap(memory_, capacity_);
}

Ring::Header* Ring::header_at(uint64_t position) const {
  return reinterpret_cast<Header*>(memory_ + (position & (capacity_ - 1)));
}

char* Ring::reserve(size_t size, uint32_t source) {
  const size_t needed = sizeof(Header) + padded(size);
  if (size >= kCommitted || needed > capacity_ / 4) return nullptr;
  uint64_t head = head_.load(std::memory_order_relaxed);
  size_t to_end;
  while (true) {
    to_end = capacity_ - (head & (capacity_ - 1));
    const size_t total = needed <= to_end ? needed : to_end + needed;
    if (head + total - tail_.load(std::memory_order_acquire) > capacity_) return nullptr;
    if (head_.compare_exchange_weak(head, head + total, std::memory_order_relaxed)) break;
  }
  if (needed > to_end) {
    Header* padding = header_at(head);
    padding->source = kPadding;
    padding->length.store(static_cast<uint32_t>(to_end - sizeof(Header)) | kCommitted,
                          std::memory_order_release);
    head += to_end;
  }
  Header* header = header_at(head);
  header->source = source;
  header->length.store(static_cast<uint32_t>(size), std::memory_order_relaxed);
  return reinterpret_cast<char*>(header + 1);
}

void Ring::commit(char* record) {
  Header* header = reinterpret_cast<Header*>(record) - 1;
  const uint32_t length = header->length.load(std::memory_order_relaxed);
  header->length.store(length | kCommitted, std::memory_order_release);
}

bool Ring::peek(Record* out) {
  while (true) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) {
      rewind_if_empty();
      return false;
    }
    Header* header = header_at(tail);
    const uint32_t length = header->length.load(std::memory_order_acquire);
    if (!(length & kCommitted)) return false;
    const uint32_t size = length & ~kCommitted;
    if (header->source == kPadding) {
      release(tail + sizeof(Header) + size);
      continue;
    }
    *out = {header->source, {reinterpret_cast<char*>(header + 1), size}};
    return true;
  }
}

void Ring::pop() {
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  const uint32_t length = header_at(tail)->length.load(std::memory_order_relaxed) & ~kCommitted;
  release(tail + sizeof(Header) + padded(length));
}

// Records never cross the end of the memory, so [tail, to) is one stretch.
void Ring::release(uint64_t to) {
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  std::memset(memory_ + (tail & (capacity_ - 1)), 0, to - tail);
  tail_.store(to, std::memory_order_release);
}

// Moves an empty ring's position to the next multiple of its capacity, which is the start of the
// memory. A thread that reserves meanwhile makes the exchange fail, and then nothing has happened.
// Until the tail follows, the ring only looks fuller than it is.
void Ring::rewind_if_empty() {
  uint64_t position = tail_.load(std::memory_order_relaxed);
  const size_t offset = position & (capacity_ - 1);
  if (offset < std::min(kRewindAfter, capacity_ / 2)) return;
  const uint64_t start = position - offset + capacity_;
  if (head_.compare_exchange_strong(position, start, std::memory_order_relaxed)) {
    tail_.store(start, std::memory_order_release);
  }
}

}  // namespace vedette::sdk
