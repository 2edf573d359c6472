// HTTP/2 connections (RFC 9113) as state machines over bytes, one class for each side: bytes that
// arrived go in, bytes to be sent and finished messages come out. No sockets, no threads; nghttp2
// does the frames.
//
// Both classes are single-threaded and never throw. They take whole messages: a body is sent when
// it is complete and handed out when it is complete, so what a peer can make us hold is bounded by
// the limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/h2/headers.h"
#include "net/h2/memory.h"

namespace vedette::net::h2 {

using TimePoint = std::chrono::steady_clock::time_point;

struct SessionLimits {
  size_t body_bytes_max = 64u << 20;    // of a message received, as it is on the wire
  size_t header_bytes_max = 64u << 10;  // of a message received, uncompressed
  // What a peer may send before we have taken it: more of it, fewer stops on a long line.
  uint32_t stream_window = 1u << 20;
  uint32_t connection_window = 4u << 20;
};

struct Request {
  std::string method = "POST";
  std::string scheme = "http";
  std::string authority{};  // "collector:4317"
  std::string path = "/";
  Headers headers{};  // lower case, without pseudo-headers
  std::string body{};
};

struct Response {
  int status = 0;
  Headers headers{};
  std::string body{};
  Headers trailers{};
};

/// The client's side. A blocking caller:
///
///   auto stream = session.send(request);
///   for (;;) {
///     std::string out;
///     session.output(out, 256 << 10);   // write it to the socket
///     if (auto done = session.next()) return done->response;
///     session.receive(bytes);           // as read from the socket; session.lost(why) when that
///     fails
///   }
class ClientSession {
 public:
  explicit ClientSession(const SessionLimits& limits);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  /// Queues a request and returns its stream. kUnavailable when this connection takes no more (the
  /// server sent GOAWAY, or it broke): open another. Streams over the server's limit wait in the
  /// queue.
  Result<int32_t> send(Request request);
  /// Gives up on a stream; nothing more is heard of it.
  void cancel(int32_t stream);

  /// Takes bytes as they arrived. After an error the connection is of no use: what was open has
  /// failed.
  Status receive(std::string_view bytes);
  /// Appends bytes to be sent, stopping at about `bytes_max`; nothing when there are none.
  void output(std::string& out, size_t bytes_max);
  /// The connection broke: fails what is open.
  void lost(const Error& why);

  struct Finished {
    int32_t stream;
    /// kUnavailable: the server did not process it, safe to send again. kTooLarge: over the limits.
    Result<Response> response;
  };
  /// The next stream that ended, in the order they did.
  std::optional<Finished> next();

  bool usable() const;
  size_t streams_open() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct ServerOptions {
  SessionLimits limits{};
  uint32_t streams_max = 128;                   // concurrent
  std::chrono::milliseconds stall_max{10'000};  // a body has that, plus a second for each KiB
  std::shared_ptr<ByteBudget> budget{};         // may be null
  BufferPool* buffers = nullptr;                // may be null; else outlives the session
};

struct ServerRequest {
  enum class Problem { kNone, kHeaderTooLarge, kBodyTooLarge, kOverBudget };

  int32_t stream = 0;
  /// Not kNone: the request is to be refused; its body is not here, and its header may not be
  /// whole.
  Problem problem = Problem::kNone;
  std::string method{};
  std::string path{};
  std::string authority{};
  Headers headers{};
  /// Of a gRPC request the first five bytes stand apart, so that the message needs no copy.
  std::string grpc_prefix{};
  std::string body{};
  BytesHeld held{nullptr};
};

struct ServerResponse {
  int status = 200;
  Headers headers{};
  std::string body{};
  bool head_only = false;  // do not send the body
  Headers trailers{};
};

/// The server's side. Resets, pings, settings and the like come out of budgets; a peer that uses
/// one up is told ENHANCE_YOUR_CALM and the connection ends.
class ServerSession {
 public:
  ServerSession(ServerOptions options, TimePoint now);
  ~ServerSession();
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  /// Takes bytes as they arrived, the client's preface first.
  void receive(std::string_view bytes, TimePoint now);
  /// Appends bytes to be sent, stopping at about `bytes_max`; nothing when there are none.
  void output(std::string& out, size_t bytes_max, TimePoint now);

  /// The next request that is whole, or is to be refused.
  std::optional<ServerRequest> next_request();
  /// The next stream that ended before it was answered.
  std::optional<int32_t> next_gone();
  /// Ignored when the stream is gone.
  void respond(int32_t stream, ServerResponse response);

  /// Resets streams whose request, or whose reader, has stalled.
  void expire(TimePoint now);
  /// GOAWAY: streams begun are finished, new ones refused (and the client told so).
  void shut_down();

  /// Nothing more to say or hear: close once the output is sent.
  bool finished() const;
  size_t streams_open() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vedette::net::h2
