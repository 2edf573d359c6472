// The time that spans and log records are stamped with.
#pragma once

#include <cstdint>

namespace vedette::sdk {

/// Wall time in nanoseconds. `*offset` receives wall minus monotonic time: later stamps of the same
/// span add it to the monotonic clock, so a step of the wall clock makes no span negative.
///
/// The wall clock itself is read every 10 ms at most: between, its offset is taken to be the same.
/// Any thread.
int64_t wall_now(int64_t* offset);
int64_t wall_now(int64_t offset);

}  // namespace vedette::sdk
