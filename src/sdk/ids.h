// Random trace and span ids.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace vedette::sdk {

/// Blackman and Vigna, "Scrambled linear pseudorandom number generators": xoshiro256++, seeded by
/// the system, and anew in a forked child. One thread at a time.
class IdGenerator {
 public:
  /// Never 0.
  uint64_t next() {
    if (generation_ != forks_.load(std::memory_order_relaxed)) [[unlikely]]
      seed();
    uint64_t id;
    do id = step();
    while (id == 0);
    return id;
  }

  /// Call in a forked child before it makes ids.
  static void reseed_all() { forks_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void seed();
  uint64_t step() {
    const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  static inline std::atomic<uint32_t> forks_{1};

  uint64_t state_[4] = {};
  uint32_t generation_ = 0;
};

/// The same for any thread, from a generator of its own.
uint64_t random_id();

}  // namespace vedette::sdk
