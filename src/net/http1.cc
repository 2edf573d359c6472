// The server's side of an HTTP/1.1 connection (RFC 9112): requests one after the other, pipelined
// or not.
#include "net/exchange.h"
#include "net/http1_parser.h"
#include "net/protocol.h"

namespace vedette::net {
namespace {

constexpr size_t kPipelinedBytesMax = 64u << 10;
constexpr size_t kQueuedBytesMax = 1u << 20;
constexpr size_t kInlineBodyBytes = 16u << 10;  // smaller bodies share a chunk with their header

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

bool iequals(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() &&
         std::equal(a.begin(), a.end(), lower.begin(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y; });
}

/// A header value from a handler: a line end in it would start another header.
void append_value(std::string& out, std::string_view value) {
  for (char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

class Http1 final : public Protocol {
 public:
  Http1(Host& host, std::shared_ptr<ReplySink> sink, std::string peer)
      : host_(host), sink_(std::move(sink)), peer_(std::move(peer)), since_(host.now) {}

  void receive(std::string_view bytes) override {
    if (state_ == State::kClosing) return;
    if (in_.empty()) {
      const size_t used = advance(bytes);
      in_.assign(bytes.substr(used));
    } else {
      in_ += bytes;
      resume();
    }
  }

  void reply(uint64_t id, WireResponse&& response) override {
    if (id != exchange_id_ || state_ != State::kBusy) return;
    exchange_.reset();
    send(std::move(response), keep_alive_ && !stopping_);
    if (!advancing_) resume();
  }

  void output(std::vector<std::string>& chunks, size_t) override {
    for (auto& chunk : out_) chunks.push_back(std::move(chunk));
    out_.clear();
    const bool piled_up = std::exchange(out_bytes_, 0) >= kQueuedBytesMax;
    if (piled_up && !advancing_) resume();
  }

  bool wants_input() const override {
    return state_ != State::kClosing &&
           in_.size() <= std::max(kPipelinedBytesMax, host_.limits.header_bytes_max);
  }
  bool finished() const override { return state_ == State::kClosing; }

  void tick() override {
    const Limits& limits = host_.limits;
    if (state_ == State::kIdle &&
        host_.now - since_ > (served_ ? limits.idle_timeout : limits.header_timeout)) {
      close();
    } else if (state_ == State::kHeader && host_.now - since_ > limits.header_timeout) {
      refuse(408, "the request's header took too long");
    } else if (state_ == State::kBody &&
               host_.now - since_ > body_time(limits, parser_->body.size())) {
      refuse(408, "the request's body took too long");
    }
  }

  void stop() override {
    stopping_ = true;
    if (state_ == State::kIdle) close();
  }

  void peer_gone() override {
    if (exchange_) exchange_->cancelled.store(true, std::memory_order_relaxed);
    keep_alive_ = false;
    if (state_ != State::kBusy) close();
  }

 private:
  enum class State { kIdle, kHeader, kBody, kBusy, kClosing };

  void resume() {
    const size_t used = advance(in_);
    in_.erase(0, used);
  }

  /// Parses until the bytes run out, a handler has a request, or pipelined answers pile up. Returns
  /// the number of bytes used.
  size_t advance(std::string_view bytes) {
    advancing_ = true;
    size_t used = 0;
    while (used < bytes.size() && state_ != State::kBusy && state_ != State::kClosing &&
           out_bytes_ < kQueuedBytesMax) {
      if (state_ == State::kIdle) {
        // An empty line before a request is to be ignored (RFC 9112, 2.2).
        if (bytes[used] == '\r' || bytes[used] == '\n') {
          ++used;
          continue;
        }
        begin();
      }
      const size_t step = parser_->parse(bytes.substr(used));
      used += step;
      if (parser_->failure.status == 0 && state_ == State::kHeader && parser_->header_done())
        on_header();
      if (parser_->failure.status == 0 && state_ == State::kBody) on_body(step);
      if (parser_->failure.status != 0) {
        refuse(parser_->failure.status, parser_->failure.message);
      } else if (state_ == State::kBody && parser_->done()) {
        serve();
      } else if (step == 0) {
        break;
      }
    }
    advancing_ = false;
    return used;
  }

  void begin() {
    parser_ = MessageParser::create(MessageParser::Kind::kRequest,
                                    {host_.limits.header_bytes_max, host_.limits.body_bytes_max});
    exchange_ = std::make_shared<Exchange>(host_.budget);
    state_ = State::kHeader;
    since_ = host_.now;
    head_ = false;
  }

  void on_header() {
    state_ = State::kBody;
    keep_alive_ = parser_->keep_alive();
    parse_target();
    if (parser_->failure.status != 0 || !parser_->has_body()) return;

    if (auto refused = refuse_body(host_, method_, path_, parser_->headers)) {
      return refuse(std::move(*refused));
    }
    if (const auto expect = find_header(parser_->headers, "expect");
        expect && parser_->version >= 11) {
      if (!iequals(*expect, "100-continue"))
        return refuse(417, "the only expectation we meet is 100-continue");
      out_.push_back("HTTP/1.1 100 Continue\r\n\r\n");
    }
    parser_->body = host_.buffers.take(parser_->content_length);
  }

  void on_body(size_t bytes) {
    if (exchange_->held.add(bytes)) return;
    refuse(busy(parser_->headers));
  }

  void parse_target() {
    if (!split_target(parser_->target, path_, query_)) {
      parser_->failure = {400, "bad percent-encoding in the path: write a literal % as %25"};
      return;
    }
    head_ = parser_->method == "HEAD";
    method_ = head_ ? "GET" : std::move(parser_->method);
  }

  void serve() {
    state_ = State::kBusy;
    served_ = true;
    ++exchange_id_;
    HttpRequest request{.method = std::move(method_),
                        .path = std::move(path_),
                        .query = std::move(query_),
                        .headers = std::move(parser_->headers),
                        .body = std::move(parser_->body),
                        .peer = peer_,
                        .cancelled = nullptr};
    serve_http(host_, std::move(request), head_, exchange_, sink_, exchange_id_);
  }

  void refuse(int status, std::string_view message) {
    refuse(refusal(parser_->headers, status, message));
  }

  /// After a refusal the rest of the stream cannot be trusted, or is not worth reading.
  void refuse(HttpResponse&& response) {
    host_.counters->requests.fetch_add(1, std::memory_order_relaxed);
    send(to_wire(std::move(response), false, head_, SIZE_MAX), false);
  }

  void send(WireResponse&& response, bool keep_alive) {
    const bool bodiless = response.status == 204 || response.status == 304;
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
    head += reason_of(response.status);
    head += "\r\n";
    for (const auto& [name, value] : response.headers) {
      head += name;
      head += ": ";
      append_value(head, value);
      head += "\r\n";
    }
    head += "date: " + host_.date + "\r\n";
    if (!bodiless) head += "content-length: " + std::to_string(response.body.size()) + "\r\n";
    if (!keep_alive) {
      head += "connection: close\r\n";
    } else if (parser_->version < 11) {
      head += "connection: keep-alive\r\n";
    }
    head += "\r\n";
    const bool with_body = !bodiless && !response.head_only;
    out_bytes_ += head.size() + response.body.size();
    if (with_body && response.body.size() <= kInlineBodyBytes) head += response.body;
    out_.push_back(std::move(head));
    if (with_body && response.body.size() > kInlineBodyBytes)
      out_.push_back(std::move(response.body));
    since_ = host_.now;
    state_ = keep_alive ? State::kIdle : State::kClosing;
    if (!keep_alive) release();
  }

  void close() {
    state_ = State::kClosing;
    release();
  }

  void release() {
    exchange_.reset();
    in_.clear();
  }

  Host& host_;
  const std::shared_ptr<ReplySink> sink_;
  const std::string peer_;
  std::string in_;  // bytes that wait for more, or for the request before them
  std::vector<std::string> out_;
  size_t out_bytes_ = 0;

  State state_ = State::kIdle;
  bool advancing_ = false;
  bool stopping_ = false;
  bool served_ = false;  // at least one request
  TimePoint since_;      // when this state, or for a body its header, began

  // The request under way.
  std::unique_ptr<MessageParser> parser_;
  std::shared_ptr<Exchange> exchange_;
  uint64_t exchange_id_ = 0;
  std::string method_, path_, query_;
  bool head_ = false;
  bool keep_alive_ = true;
};

}  // namespace

std::unique_ptr<Protocol> make_http1(Host& host, std::shared_ptr<ReplySink> sink,
                                     std::string peer) {
  return std::make_unique<Http1>(host, std::move(sink), std::move(peer));
}

}  // namespace vedette::net
