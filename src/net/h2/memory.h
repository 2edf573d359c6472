// Memory for bodies: a budget that all connections of a server share, and buffers used again,
// because a fresh 300 KB buffer per request costs more in page faults than in reading it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vedette::net::h2 {

/// A count of bytes with a ceiling. Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(size_t bytes_max) : bytes_max_(bytes_max) {}

  /// False, and nothing taken, when that would pass the ceiling.
  bool take(size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= bytes_max_) return true;
    give(bytes);
    return false;
  }
  void give(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t bytes_max_;
  std::atomic<size_t> used_{0};
};

/// Bytes taken from a budget, given back at the end. Owned by one thread at a time.
class BytesHeld {
 public:
  explicit BytesHeld(std::shared_ptr<ByteBudget> budget) : budget_(std::move(budget)) {}
  BytesHeld(BytesHeld&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  BytesHeld& operator=(BytesHeld&& other) noexcept {
    release();
    budget_ = std::move(other.budget_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  ~BytesHeld() { release(); }

  bool add(size_t bytes) {
    if (budget_ && !budget_->take(bytes)) return false;
    bytes_ += bytes;
    return true;
  }
  void release() {
    if (budget_ && bytes_ > 0) budget_->give(std::exchange(bytes_, 0));
  }

 private:
  std::shared_ptr<ByteBudget> budget_;
  size_t bytes_ = 0;
};

/// Empty strings with capacity. Single-threaded: one per reactor.
class BufferPool {
 public:
  /// A buffer for a body announced as `size` bytes. An announcement is only a promise, so it buys
  /// at most 1 MiB; what truly arrives makes the buffer grow.
  std::string take(size_t size);
  void give(std::string&& buffer);

 private:
  std::vector<std::string> free_;
  size_t bytes_ = 0;
};

}  // namespace vedette::net::h2
