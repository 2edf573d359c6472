// A queue of records in one fixed piece of memory: many threads put, one takes, nobody waits.
//
//   record = [ length:u32, kCommitted:1 bit | source:u32 | bytes, padded to 8 ]
//
// Full means: the newest record is refused, and counted by the caller. Memory that has been taken
// is zero again, so an uncommitted header reads as "not there yet". When the ring runs empty it
// starts again from its beginning, so a process that never bursts never touches most of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace vedette::sdk {

class Ring {
 public:
  /// `capacity` is rounded up to a power of two, at least 64 KiB.
  explicit Ring(size_t capacity);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Any thread. `size` bytes to be written and then committed; null when they do not fit now.
  char* reserve(size_t size, uint32_t source);
  static void commit(char* record);

  /// The taking thread. The first record not yet taken; false when there is none.
  struct Record {
    uint32_t source;
    std::string_view bytes;
  };
  bool peek(Record* out);
  /// Takes what peek() returned.
  void pop();

  size_t capacity() const { return capacity_; }
  size_t bytes_used() const {
    return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed);
  }

 private:
  struct Header;
  Header* header_at(uint64_t position) const;
  void release(uint64_t to);
  void rewind_if_empty();

  size_t capacity_;
  char* memory_;
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace vedette::sdk
