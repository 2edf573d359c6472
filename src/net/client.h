// An HTTP/1.1 client for scrapes and probes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http.h"

namespace vedette::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url{};  // http://host[:port]/path?query
  Headers headers{};
  std::string body{};
  std::chrono::milliseconds timeout{10'000};  // for the whole exchange
  size_t body_bytes_max = 64u << 20;          // after decompression
};

/// Runs requests on a thread of its own. Thread-safe. The callback runs on that thread and must not
/// block.
class Client {
 public:
  static std::unique_ptr<Client> create();
  /// Cancels what is under way; callbacks get kCancelled.
  virtual ~Client() = default;

  using Done = std::function<void(Result<HttpResponse>)>;
  virtual void send(ClientRequest request, Done done) = 0;
};

}  // namespace vedette::net
