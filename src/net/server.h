// Listeners that each take HTTP/1.1 and gRPC (and plain requests) over HTTP/2 on one port, protocol
// sniffed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace vedette::net {

/// Where requests go. Filled before the server starts, read-only after.
class Router {
 public:
  /// Exact path, or a prefix when `path` ends in "/*" (the longest match wins). `methods` such as
  /// "GET,POST": others get 405 with Allow; HEAD is answered from GET. One path may have a route
  /// for each method.
  void http(std::string methods, std::string path, HttpHandler handler);
  /// "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  void grpc(std::string path, UnaryHandler handler);

  struct HttpRoute {
    std::string methods;
    std::string path;
    bool prefix;
    HttpHandler handler;
  };
  struct Match {
    const HttpRoute* route = nullptr;
    std::string allow;  // methods the path does have; empty with no route: no such path
  };
  Match find_http(std::string_view method, std::string_view path) const;
  const UnaryHandler* find_grpc(std::string_view path) const;

 private:
  std::vector<HttpRoute> http_;
  std::vector<std::pair<std::string, UnaryHandler>> grpc_;
};

struct Limits {
  size_t body_bytes_max = 64u << 20;       // before and after decompression
  size_t buffered_bytes_max = 512u << 20;  // all requests of the server together, until answered
  size_t header_bytes_max = 64u << 10;
  size_t connections_max = 2048;
  uint32_t streams_max = 128;  // concurrent, per HTTP/2 connection
  /// For a request's header to come in. A body has as long, plus a second for each KiB of it.
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};  // between requests, and for a reader to read
  size_t response_gzip_min = 1024;                 // smaller bodies are sent plain
};

struct ServerOptions {
  std::vector<std::string> listen;  // "127.0.0.1:4319", "[::1]:0"
  unsigned threads = 1;             // reactors
  Limits limits;
};

/// Counters of a server, for its own /metrics. Monotonic.
struct ServerStats {
  uint64_t connections_accepted = 0;
  uint64_t connections_refused = 0;
  uint64_t connections_open = 0;
  uint64_t requests = 0;
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
};

/// Serves from start() until stop(). Thread-safe.
class Server {
 public:
  /// Binds every address before it returns, so that an error names the address that is taken.
  static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                               std::shared_ptr<const Router> router);
  virtual ~Server() = default;

  /// Addresses as bound, with real port numbers, in the order of ServerOptions::listen.
  virtual const std::vector<std::string>& addresses() const = 0;
  virtual ServerStats stats() const = 0;
  /// Takes no new connection (GOAWAY to HTTP/2 clients), lets requests in progress end, at most for
  /// `grace`.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace vedette::net
