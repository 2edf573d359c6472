// HTTP as the rest of the server sees it: whole requests in, whole responses out, from any thread.
// Sockets, Asio, Beast and nghttp2 stay in net's .cc files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/h2/grpc.h"
#include "net/h2/headers.h"

namespace vedette::net {

using h2::find_header;
using h2::GrpcCode;
using h2::Headers;

struct HttpRequest {
  std::string method;  // "GET"; a HEAD request arrives as GET
  std::string path;    // percent-decoded, no query
  std::string query;   // raw, without "?"
  Headers headers;
  std::string body;  // decompressed already
  std::string peer;  // "127.0.0.1:51344"
  /// Turns true when the client has gone away; a long query looks at it now and then.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

struct HttpResponse {
  int status = 200;
  std::string content_type{};  // empty: no Content-Type header
  std::string body{};
  Headers headers{};  // besides Content-Type and Content-Length
  /// Body is gzip already; sent as is to clients that take it, inflated for others.
  bool body_is_gzip = false;
};

/// Answers one request, once, from any thread. Dropped unused, it answers 500.
class Responder {
 public:
  using Send = std::function<void(HttpResponse&&)>;
  explicit Responder(Send send) : send_(std::move(send)) {}
  Responder(Responder&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  void operator()(HttpResponse&& response);

 private:
  Send send_;
};

/// Runs on a reactor thread and must not block: long work goes to a pool, the Responder with it. A
/// body that is read in place and left in the request goes back to the reactor's pool of buffers.
using HttpHandler = std::function<void(HttpRequest&&, Responder)>;

struct GrpcRequest {
  std::string path;     // "/package.Service/Method"
  std::string message;  // one message, decompressed
  Headers metadata;
  std::string peer;
};

struct GrpcResponse {
  GrpcCode code = GrpcCode::kOk;
  std::string error{};                  // grpc-message
  std::string message{};                // serialized reply; sent only when code is kOk
  std::optional<int> retry_after_ms{};  // sent as RetryInfo in grpc-status-details-bin
};

class GrpcResponder {
 public:
  using Send = std::function<void(GrpcResponse&&)>;
  explicit GrpcResponder(Send send) : send_(std::move(send)) {}
  GrpcResponder(GrpcResponder&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  GrpcResponder& operator=(GrpcResponder&&) = delete;
  ~GrpcResponder();

  void operator()(GrpcResponse&& response);

 private:
  Send send_;
};

/// One unary gRPC method. Same rule as HttpHandler: must not block.
using UnaryHandler = std::function<void(GrpcRequest&&, GrpcResponder)>;

int http_status(Code code);
using h2::grpc_code;

/// Percent-decoding; nullopt when malformed. `plus_is_space` for forms and query strings.
std::optional<std::string> url_decode(std::string_view text, bool plus_is_space);
std::string url_encode(std::string_view text);

/// The parameters of a query string and, for a form POST, of the body; in order, decoded.
class Parameters {
 public:
  static Result<Parameters> of(const HttpRequest& request);
  /// The first value of `name`.
  std::optional<std::string_view> get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace vedette::net
