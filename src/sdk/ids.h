// Random trace and span ids, and the time a span is stamped with.
#pragma once

#include <cstdint>

namespace vedette::sdk {

/// Never 0. xoshiro256++ per thread, seeded by the system, reseeded in a forked child.
uint64_t random_id();

/// Call in a forked child before it makes ids.
void reseed_ids();

/// Wall time in nanoseconds. `*offset` receives wall minus monotonic time: later stamps of the same
/// span add it to the monotonic clock, so a step of the wall clock makes no span negative.
int64_t wall_now(int64_t* offset);
int64_t wall_now(int64_t offset);

}  // namespace vedette::sdk
