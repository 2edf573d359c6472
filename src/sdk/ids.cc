#include "sdk/ids.h"

#include <sys/random.h>
#include <time.h>

namespace vedette::sdk {

void IdGenerator::seed() {
  if (getrandom(state_, sizeof state_, 0) != sizeof state_) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t x = static_cast<uint64_t>(now.tv_nsec) ^ static_cast<uint64_t>(now.tv_sec) << 30 ^
                 reinterpret_cast<uintptr_t>(this);
    for (uint64_t& word : state_) {
      x += 0x9e3779b97f4a7c15;  // splitmix64
      uint64_t z = x;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  state_[0] |= 1;
  generation_ = forks_.load(std::memory_order_relaxed);
}

uint64_t random_id() {
  thread_local IdGenerator generator;
  return generator.next();
}

}  // namespace vedette::sdk
