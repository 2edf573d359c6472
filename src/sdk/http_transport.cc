// OTLP/HTTP (opentelemetry-proto, docs/specification.md, "OTLP/HTTP"): one POST a batch,
// keep-alive. No "Expect: 100-continue": servers that do not answer it cost a second a batch.
#include <time.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "sdk/transport.h"

namespace vedette::sdk {
namespace {

namespace http = boost::beast::http;
using std::chrono::milliseconds;

/// Retry-After (RFC 9110, 10.2.3): seconds or a date.
milliseconds parse_retry_after(std::string_view value) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size()) {
    tm parsed{};
    const std::string text(value);
    if (!strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parsed)) return milliseconds(0);
    seconds = timegm(&parsed) - ::time(nullptr);
  }
  return milliseconds(std::clamp<int64_t>(seconds, 0, 3600) * 1000);
}

SendResult failed(const Status& status, bool connected) {
  SendResult result;
  result.kind = SendResult::Kind::kRetry;
  result.connected = connected;
  result.message = status.error().message;
  return result;
}

struct Response {
  int status = 0;
  std::string body;
  std::string retry_after;
  bool keep_alive = false;
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(Endpoint endpoint)
      : endpoint_(std::move(endpoint)), connection_(endpoint_) {
    const std::string type = endpoint_.json ? "application/json" : "application/x-protobuf";
    head_ = "POST " + endpoint_.path + " HTTP/1.1\r\nHost: " + host_header() +
            "\r\nUser-Agent: " + std::string(user_agent()) + "\r\nContent-Type: " + type +
            "\r\nAccept: " + type + "\r\n";
    if (endpoint_.gzip) head_ += "Content-Encoding: gzip\r\n";
    if (endpoint_.deflate) head_ += "Content-Encoding: deflate\r\n";
    for (const auto& [name, value] : endpoint_.headers) head_ += name + ": " + value + "\r\n";
    head_ += "Content-Length: ";
  }

  const Endpoint& endpoint() const override { return endpoint_; }
  void close() override { connection_.close(); }
  void abandon() override { connection_.abandon(); }
  void obey(WaitLimits* limits) override { connection_.obey(limits); }

  SendResult send(std::string_view body, int64_t deadline_ns) override {
    std::string json, packed;
    if (endpoint_.json) {
      json = json_of(endpoint_.signal, body);
      body = json;
    }
    if (endpoint_.gzip || endpoint_.deflate) {
      packed = endpoint_.gzip ? gzip(body) : deflate(body);
      body = packed;
    }
    const std::string head = head_ + std::to_string(body.size()) + "\r\n\r\n";
    bool fresh = false;
    while (true) {
      if (connection_.open() && connection_.stale()) connection_.close();
      if (!connection_.open()) {
        fresh = true;
        if (Status status = connection_.connect(deadline_ns); !status.ok()) {
          return failed(status, false);
        }
      }
      Response response;
      Status status = exchange(head, body, deadline_ns, &response);
      if (status.ok()) return judge(std::move(response));
      connection_.close();
      // A kept connection may have been closed by the server just as we wrote: once more, anew.
      if (fresh || status.error().code != Code::kIo) return failed(status, true);
    }
  }

 private:
  std::string host_header() const {
    const bool v6 = endpoint_.host.find(':') != std::string::npos;
    const std::string host = v6 ? '[' + endpoint_.host + ']' : endpoint_.host;
    const bool usual = endpoint_.port == (endpoint_.tls ? 443 : 80);
    return usual ? host : host + ':' + std::to_string(endpoint_.port);
  }

  Status exchange(std::string_view head, std::string_view body, int64_t deadline_ns,
                  Response* response) {
    // Small batches in one packet, large ones without a copy.
    if (body.size() <= 16u << 10) {
      RETURN_IF_ERROR(connection_.write(std::string(head).append(body), deadline_ns));
    } else {
      RETURN_IF_ERROR(connection_.write(head, deadline_ns));
      RETURN_IF_ERROR(connection_.write(body, deadline_ns));
    }
    return read_response(deadline_ns, response);
  }

  Status read_response(int64_t deadline_ns, Response* response) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(kResponseBytesMax);
    parser.header_limit(64u << 10);
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    bool closed = false;
    while (!parser.is_done() && !closed) {
      const auto room = buffer.prepare(16u << 10);
      ASSIGN_OR_RETURN(const size_t n,
                       connection_.read(static_cast<char*>(room.data()), room.size(), deadline_ns));
      buffer.commit(n);
      closed = n == 0;
      if (closed && parser.got_some()) parser.put_eof(error);
      while (!closed && buffer.size() > 0 && !parser.is_done()) {
        const size_t used = parser.put(buffer.data(), error);
        buffer.consume(used);
        if (error == http::error::need_more) {
          error = {};
          break;
        }
        if (error || used == 0) break;
      }
      if (error) break;
    }
    if (!parser.is_header_done()) {
      return {Code::kIo, error ? "malformed answer: " + error.message()
                               : "the peer closed the connection without an answer"};
    }
    // An answer that is too long, or ends early, still tells its status.
    response->status = parser.get().result_int();
    response->keep_alive = !error && !closed && parser.is_done() && parser.get().keep_alive();
    response->retry_after = std::string(parser.get()[http::field::retry_after]);
    response->body = std::move(parser.get().body());
    return {};
  }

  SendResult judge(Response response) {
    if (!response.keep_alive) connection_.close();
    SendResult result;
    const int status = response.status;
    if (status >= 200 && status < 300) {
      if (endpoint_.json) {
        read_json_partial_success(response.body, &result);
      } else {
        read_partial_success(response.body, &result);
      }
      return result;
    }
    const bool retryable = status == 429 || status == 502 || status == 503 || status == 504;
    result.kind = retryable ? SendResult::Kind::kRetry : SendResult::Kind::kRefused;
    result.message = "HTTP " + std::to_string(status);
    if (status == 404) result.message += " (is the path right?)";
    if (retryable) result.retry_after = parse_retry_after(response.retry_after);
    return result;
  }

  const Endpoint endpoint_;
  Connection connection_;
  std::string head_;
};

}  // namespace

std::unique_ptr<Transport> make_http_transport(Endpoint endpoint) {
  return std::make_unique<HttpTransport>(std::move(endpoint));
}

}  // namespace vedette::sdk
