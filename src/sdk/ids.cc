#include "sdk/ids.h"

#include <sys/random.h>
#include <time.h>

#include <atomic>
#include <bit>

namespace vedette::sdk {
namespace {

std::atomic<uint32_t> fork_generation{1};

int64_t read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Blackman and Vigna, "Scrambled linear pseudorandom number generators": xoshiro256++.
struct Generator {
  uint64_t state[4];
  uint32_t generation = 0;

  void seed(uint32_t now) {
    if (getrandom(state, sizeof state, 0) != sizeof state) {
      uint64_t x =
          static_cast<uint64_t>(read_clock(CLOCK_MONOTONIC)) ^ reinterpret_cast<uintptr_t>(this);
      for (uint64_t& word : state) {
        x += 0x9e3779b97f4a7c15;  // splitmix64
        uint64_t z = x;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        word = z ^ (z >> 31);
      }
    }
    state[0] |= 1;
    generation = now;
  }
  uint64_t next() {
    const uint64_t result = std::rotl(state[0] + state[3], 23) + state[0];
    const uint64_t t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = std::rotl(state[3], 45);
    return result;
  }
};

thread_local Generator generator;

}  // namespace

uint64_t random_id() {
  Generator& g = generator;
  const uint32_t now = fork_generation.load(std::memory_order_relaxed);
  if (g.generation != now) g.seed(now);
  uint64_t id;
  do id = g.next();
  while (id == 0);
  return id;
}

void reseed_ids() {
  fork_generation.fetch_add(1, std::memory_order_relaxed);
}

int64_t wall_now(int64_t* offset) {
  const int64_t wall = read_clock(CLOCK_REALTIME);
  *offset = wall - read_clock(CLOCK_MONOTONIC);
  return wall;
}

int64_t wall_now(int64_t offset) {
  return read_clock(CLOCK_MONOTONIC) + offset;
}

}  // namespace vedette::sdk
