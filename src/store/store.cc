#include "store/store.h"

#include "base/clock.h"

namespace vedette::store {

Status ReadContext::check() const {
  if (cancelled && cancelled->load(std::memory_order_relaxed)) {
    return {Code::kCancelled, "the client has gone away"};
  }
  if (deadline_monotonic_ns != std::numeric_limits<int64_t>::max() &&
      base::Clock::system().monotonic_ns() > deadline_monotonic_ns) {
    return {Code::kDeadlineExceeded, "the query took longer than its time limit"};
  }
  return {};
}

}  // namespace vedette::store
