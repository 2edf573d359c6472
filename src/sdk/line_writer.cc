#include "sdk/line_writer.h"

#include <poll.h>
#include <pthread.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <mutex>

namespace vedette::sdk {
namespace {

/// How long a descriptor in non-blocking mode may be full before the line is given up.
constexpr int kFullMillis = 100;

std::atomic<uint64_t> dropped{0};
std::mutex* lock = new std::mutex;

void reset_in_child() {
  // Another thread of the parent may have held it. The old one is left behind.
  lock = new std::mutex;
}

bool wait_for_room(int descriptor) {
  pollfd wanted{descriptor, POLLOUT, 0};
  return poll(&wanted, 1, kFullMillis) > 0;
}

bool write_all(int descriptor, iovec* parts, int count) {
  while (count > 0) {
    const ssize_t written = writev(descriptor, parts, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      if ((errno == EAGAIN || errno == EWOULDBLOCK) && wait_for_room(descriptor)) continue;
      return false;
    }
    auto left = static_cast<size_t>(written);
    while (count > 0 && left >= parts->iov_len) {
      left -= parts->iov_len;
      ++parts;
      --count;
    }
    if (count > 0) {
      parts->iov_base = static_cast<char*>(parts->iov_base) + left;
      parts->iov_len -= left;
    }
  }
  return true;
}

}  // namespace

bool write_line(int descriptor, std::string_view text) {
  [[maybe_unused]] static const int installed = pthread_atfork(nullptr, nullptr, reset_in_child);
  char end = '\n';
  iovec parts[2] = {{const_cast<char*>(text.data()), text.size()}, {&end, 1}};
  const std::lock_guard guard(*lock);
  if (write_all(descriptor, parts, 2)) return true;
  dropped.fetch_add(1, std::memory_order_relaxed);
  return false;
}

uint64_t lines_dropped() {
  return dropped.load(std::memory_order_relaxed);
}

}  // namespace vedette::sdk
