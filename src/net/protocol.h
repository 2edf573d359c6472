// What a connection speaks, as a state machine over bytes: no sockets, no threads, no clock. The
// connection feeds it what arrived and writes what it puts out. TLS will be one more Protocol,
// wrapped around these.
#pragma once

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/h2/memory.h"
#include "net/h2/session.h"
#include "net/http.h"
#include "net/server.h"

namespace vedette::net {

using h2::TimePoint;

struct Counters {
  std::atomic<uint64_t> accepted{0}, refused{0}, open{0}, requests{0}, bytes_in{0}, bytes_out{0};
};

/// A response ready to be sent, whichever protocol carries it. The protocol adds framing and
/// Content-Length.
struct WireResponse {
  int status = 200;
  Headers headers{};
  std::string body{};
  Headers trailers{};      // gRPC
  bool head_only = false;  // the answer to HEAD: Content-Length of `body`, but no body
  bool is_grpc = false;    // no Content-Length; an error is its headers alone
};

/// Takes a response from any thread to the connection it belongs to; once that is gone, drops it.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void reply(uint64_t exchange, WireResponse&& response) = 0;
};

/// What the protocols of one reactor's connections share. Owned by the reactor's thread.
struct Host {
  std::shared_ptr<const Router> router;
  Limits limits;
  std::shared_ptr<h2::ByteBudget> budget;  // shared by all reactors
  std::shared_ptr<Counters> counters;      // shared by all reactors
  h2::BufferPool buffers{};
  TimePoint now{};     // set before every call into a Protocol
  std::string date{};  // the Date header's value, renewed with every tick
};

/// All calls from one thread.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual void receive(std::string_view bytes) = 0;
  virtual void reply(uint64_t exchange, WireResponse&& response) = 0;
  /// Appends what is to be sent next, stopping at about `bytes_max`.
  virtual void output(std::vector<std::string>& chunks, size_t bytes_max) = 0;
  /// False while there is nothing to gain from reading on: the connection then pushes back.
  virtual bool wants_input() const = 0;
  /// True: close once the output is sent.
  virtual bool finished() const = 0;
  /// Called now and then: ends what has taken too long.
  virtual void tick() = 0;
  /// No new requests: finish what is under way.
  virtual void stop() = 0;
  /// The client closed its side, or the connection broke.
  virtual void peer_gone() = 0;
};

std::unique_ptr<Protocol> make_http1(Host& host, std::shared_ptr<ReplySink> sink, std::string peer);
std::unique_ptr<Protocol> make_http2(Host& host, std::shared_ptr<ReplySink> sink, std::string peer);

/// How long a body that came in `bytes` far may take: a second for each KiB after the first grace.
std::chrono::milliseconds body_time(const Limits& limits, size_t bytes);

/// As in the Date header (RFC 9110, 5.6.7), whatever the locale.
std::string http_date(std::time_t now);

}  // namespace vedette::net
