// One TCP or TLS connection with deadlines, that another thread can interrupt. Never blocks beyond
// its deadline, except while a host name is resolved. Owned by the export thread, but for
// WaitLimits.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sdk/endpoint.h"

struct ssl_st;
struct ssl_ctx_st;
struct addrinfo;

namespace vedette::sdk {

/// Monotonic nanoseconds.
int64_t monotonic_now();

/// Ends waits: of the export thread between batches and inside a connection.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Any thread.
  void wake();
  void clear();
  int fd() const { return fd_; }
  /// A new descriptor, in a forked child.
  void reopen();
  /// Waits for wake() or until `deadline_ns` (monotonic; INT64_MAX: for ever).
  void wait(int64_t deadline_ns);

 private:
  int fd_;
};

/// Set by the thread that wants the export thread to end; then wake it.
struct WaitLimits {
  Waker waker;
  std::atomic<int64_t> connect_by{INT64_MAX};  // monotonic
  std::atomic<int64_t> all_by{INT64_MAX};
};

/// Waits until the descriptor is ready for `events`, as long as the deadline and `limits` (null:
/// none) let it. `connecting`: those for connecting hold, too.
Status wait_until_ready(int fd, short events, int64_t deadline_ns, WaitLimits* limits,
                        bool connecting = false);

class Connection {
 public:
  explicit Connection(const Endpoint& endpoint, std::string_view alpn = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const { return fd_ >= 0; }
  Status connect(int64_t deadline_ns);
  Status write(std::string_view bytes, int64_t deadline_ns);
  /// At least one byte into `buffer`; 0 when the peer has closed.
  Result<size_t> read(char* buffer, size_t size, int64_t deadline_ns);
  /// Has the peer closed, or said something, since we last read?
  bool stale() const;
  void close();
  /// Drops the connection without touching the peer's side of it: it belongs to the parent process.
  void abandon();

  /// Bounds every wait besides its own deadline, also one under way.
  void obey(WaitLimits* limits) { limits_ = limits; }

 private:
  Status connect_to_host(int64_t deadline_ns);
  Status connect_to(const addrinfo& address, int64_t deadline_ns);
  Status wait_for(short events, int64_t deadline_ns) {
    return wait_until_ready(fd_, events, deadline_ns, limits_, connecting_);
  }
  Status start_tls(int64_t deadline_ns);
  Status make_context();
  Result<bool> tls_wants(int result, int64_t deadline_ns);

  const Endpoint& endpoint_;
  std::string alpn_;
  int fd_ = -1;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  WaitLimits* limits_ = nullptr;
  bool connecting_ = false;
};

}  // namespace vedette::sdk
