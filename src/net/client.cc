#include "net/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <unordered_set>

#include "base/log.h"
#include "net/gzip.h"
#include "net/http1_parser.h"

namespace vedette::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kReadBytes = 64u << 10;
constexpr size_t kHeaderBytesMax = 64u << 10;

struct Target {
  std::string host;  // as resolved: without brackets
  std::string port;
  std::string authority;  // as in the URL
  std::string path;       // with the query
};

Result<Target> parse_url(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return Error{Code::kInvalidArgument,
                 "'" + std::string(url.substr(0, 200)) + "': " + std::string(why)};
  };
  if (url.starts_with("https://"))
    return Error{Code::kUnimplemented, "https is not supported yet: " + std::string(url)};
  if (!url.starts_with("http://")) return bad("a URL must begin with http://");
  for (char c : url) {
    if (c <= ' ' || c == 0x7f)
      return bad("a URL has no spaces or control characters; write them as %20 and the like");
  }
  std::string_view rest = url.substr(7);
  rest = rest.substr(0, rest.find('#'));
  const size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != authority.npos)
    return bad("send credentials in a header, not in the URL");

  Target target{.host = {},
                .port = "80",
                .authority = std::string(authority),
                .path = std::string(rest.substr(slash))};
  if (!target.path.starts_with('/')) target.path.insert(0, "/");
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  target.host = authority.substr(0, has_port ? colon : authority.size());
  if (has_port) target.port = authority.substr(colon + 1);
  if (target.host.size() > 2 && target.host.front() == '[' && target.host.back() == ']') {
    target.host = target.host.substr(1, target.host.size() - 2);
  }
  uint16_t port = 0;
  const auto [end, failed] =
      std::from_chars(target.port.data(), target.port.data() + target.port.size(), port);
  if (target.host.empty() || failed != std::errc() ||
      end != target.port.data() + target.port.size() || port == 0) {
    return bad("a URL needs a host and, if not 80, a port");
  }
  return target;
}

Result<std::string> serialize(const ClientRequest& request, const Target& target) {
  std::string out = request.method + " " + target.path + " HTTP/1.1\r\nhost: " + target.authority +
                    "\r\nconnection: close\r\naccept-encoding: gzip\r\n";
  if (!find_header(request.headers, "user-agent")) out += "user-agent: vedette\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out += "content-length: " + std::to_string(request.body.size()) + "\r\n";
  }
  for (const auto& [name, value] : request.headers) {
    for (char c : name + value) {
      if (c == '\r' || c == '\n' || c == '\0') {
        return Error{Code::kInvalidArgument,
                     "header " + name.substr(0, 64) + " has a line break in it"};
      }
    }
    out += name + ": " + value + "\r\n";
  }
  return out + "\r\n" + request.body;
}

class AsioClient;

/// One request from its name lookup to its answer. Lives until it has called `done_`.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(asio::io_context& io, ClientRequest request, Client::Done done)
      : resolver_(io),
        socket_(io),
        timer_(io),
        request_(std::move(request)),
        done_(std::move(done)) {}

  void start(std::function<void(std::shared_ptr<Exchange>)> ended) {
    ended_ = std::move(ended);
    auto target = parse_url(request_.url);
    if (!target.ok()) return finish(target.error());
    target_ = std::move(*target);
    auto bytes = serialize(request_, target_);
    if (!bytes.ok()) return finish(bytes.error());
    outgoing_ = std::move(*bytes);

    timer_.expires_after(request_.timeout);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      if (!ec) self->on_timeout();
    });
    error_code not_numeric;
    const auto address = asio::ip::make_address(target_.host, not_numeric);
    uint16_t port = 0;
    std::from_chars(target_.port.data(), target_.port.data() + target_.port.size(), port);
    if (!not_numeric) {
      const tcp::endpoint endpoint(address, port);
      return connect(tcp::resolver::results_type::create(endpoint, target_.host, target_.port));
    }
    step_ = "looking up the name";
    resolver_.async_resolve(
        target_.host, target_.port,
        [self = shared_from_this()](error_code ec, tcp::resolver::results_type found) {
          if (ec) return self->fail(ec);
          self->connect(std::move(found));
        });
  }

  void cancel() { finish(Error{Code::kCancelled, "the client is stopping"}); }

 private:
  void connect(tcp::resolver::results_type endpoints) {
    if (!done_) return;
    step_ = "connecting";
    asio::async_connect(socket_, endpoints,
                        [self = shared_from_this()](error_code ec, const tcp::endpoint&) {
                          if (ec) return self->fail(ec);
                          self->write();
                        });
  }

  void write() {
    if (!done_) return;
    step_ = "sending the request";
    asio::async_write(
        socket_, asio::buffer(outgoing_), [self = shared_from_this()](error_code ec, size_t) {
          // A server may answer, a refusal say, without reading to the end.
          if (ec && ec != asio::error::broken_pipe && ec != asio::error::connection_reset)
            return self->fail(ec);
          self->begin_response();
          self->read();
        });
  }

  void begin_response() {
    parser_ = MessageParser::create(MessageParser::Kind::kResponse,
                                    {kHeaderBytesMax, request_.body_bytes_max});
    if (request_.method == "HEAD") parser_->skip_body();
  }

  void read() {
    if (!done_) return;
    step_ = "waiting for the answer";
    const size_t held = incoming_.size();
    incoming_.resize(held + kReadBytes);
    socket_.async_read_some(asio::buffer(incoming_.data() + held, kReadBytes),
                            [self = shared_from_this(), held](error_code ec, size_t n) {
                              self->incoming_.resize(held + n);
                              self->on_read(ec);
                            });
  }

  void on_read(error_code ec) {
    if (!done_) return;
    if (ec == asio::error::eof) {
      parser_->end_of_stream();
    } else if (ec) {
      return fail(ec);
    }
    size_t used = 0;
    while (!parser_->done() && parser_->failure.status == 0 && used < incoming_.size()) {
      const size_t step = parser_->parse(std::string_view(incoming_).substr(used));
      used += step;
      const bool interim = parser_->done() && parser_->status / 100 == 1;
      if (interim) begin_response();
      if (step == 0) break;
    }
    incoming_.erase(0, used);
    if (parser_->failure.status == 413) {
      return finish(Error{Code::kTooLarge, request_.url + " answers with more than " +
                                               std::to_string(request_.body_bytes_max) + " bytes"});
    }
    if (parser_->failure.status != 0) {
      return finish(Error{Code::kUnavailable,
                          request_.url + " gave a broken answer: " + parser_->failure.message});
    }
    if (parser_->done()) return deliver();
    read();
  }

  void deliver() {
    HttpResponse response{.status = parser_->status};
    response.content_type = find_header(parser_->headers, "content-type").value_or("");
    response.body = std::move(parser_->body);
    const auto coding = find_header(parser_->headers, "content-encoding").value_or("");
    if ((coding == "gzip" || coding == "x-gzip") && !response.body.empty()) {
      auto plain = gunzip(response.body, request_.body_bytes_max);
      if (!plain.ok())
        return finish(Error{plain.error().code, request_.url + ": " + plain.error().message});
      response.body = std::move(*plain);
    } else if (!coding.empty() && coding != "identity" && coding != "gzip") {
      return finish(
          Error{Code::kUnimplemented,
                request_.url + " answers in a coding we did not ask for: " + std::string(coding)});
    }
    response.headers = std::move(parser_->headers);
    finish(std::move(response));
  }

  void on_timeout() {
    finish(Error{Code::kDeadlineExceeded, request_.url + ": no answer within " +
                                              std::to_string(request_.timeout.count()) + " ms (" +
                                              step_ + ")"});
  }

  void fail(error_code ec) {
    finish(Error{Code::kUnavailable, request_.url + ": " + step_ + " failed: " + ec.message()});
  }

  void finish(Result<HttpResponse> result) {
    auto done = std::exchange(done_, nullptr);
    if (!done) return;
    const auto self = shared_from_this();
    error_code ec;
    timer_.cancel();
    resolver_.cancel();
    socket_.close(ec);
    ended_(self);
    try {
      done(std::move(result));
    } catch (const std::exception& e) {
      log_error("the receiver of an HTTP response threw",
                {{"url", request_.url}, {"error", e.what()}});
    }
  }

  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  const ClientRequest request_;
  Client::Done done_;
  std::function<void(std::shared_ptr<Exchange>)> ended_;
  Target target_;
  const char* step_ = "starting";
  std::string outgoing_;
  std::string incoming_;
  std::unique_ptr<MessageParser> parser_;
};

class AsioClient final : public Client {
 public:
  AsioClient() : work_(io_.get_executor()), thread_([this] { run(); }) {}

  ~AsioClient() override {
    asio::post(io_, [this] {
      stopping_ = true;
      const auto open = open_;
      for (const auto& exchange : open) exchange->cancel();
      work_.reset();
    });
    thread_.join();
  }

  void send(ClientRequest request, Done done) override {
    auto exchange = std::make_shared<Exchange>(io_, std::move(request), std::move(done));
    asio::post(io_, [this, exchange = std::move(exchange)] {
      open_.insert(exchange);
      exchange->start([this](std::shared_ptr<Exchange> ended) { open_.erase(ended); });
      if (stopping_) exchange->cancel();
    });
  }

 private:
  void run() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& e) {
        log_error("a network event failed", {{"error", e.what()}});
      }
    }
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::unordered_set<std::shared_ptr<Exchange>> open_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Client> Client::create() {
  return std::make_unique<AsioClient>();
}

}  // namespace vedette::net
