// gRPC and plain requests over HTTP/2, through real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/gzip.h"
#include "net/h2/grpc_client.h"
#include "net/raw_socket.h"
#include "net/server.h"

namespace vedette::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// A client over a socket of its own.
class Http2Client {
 public:
  explicit Http2Client(const std::string& address, h2::SessionLimits limits = {})
      : socket_(address), session_(limits) {}

  int32_t send(h2::Request request) {
    request.authority = "test";
    auto stream = session_.send(std::move(request));
    EXPECT_TRUE(stream.ok());
    flush();
    return stream.ok() ? *stream : 0;
  }

  /// The next stream to end; nullopt when the connection did first.
  std::optional<h2::ClientSession::Finished> next() {
    for (;;) {
      flush();
      if (auto finished = session_.next()) return finished;
      const std::string bytes = socket_.read_some();
      if (bytes.empty() || !session_.receive(bytes).ok()) return std::nullopt;
    }
  }

  h2::Response exchange(h2::Request request) {
    send(std::move(request));
    auto finished = next();
    if (!finished || !finished->response.ok()) {
      ADD_FAILURE() << (finished ? finished->response.error().message : "the connection ended");
      return {};
    }
    return std::move(*finished->response);
  }

  h2::GrpcOutcome call(std::string path, std::string message, bool gzipped = false) {
    return h2::read_grpc_response(exchange(h2::make_grpc_request({.authority = {},
                                                                  .path = std::move(path),
                                                                  .message = std::move(message),
                                                                  .message_is_gzip = gzipped})));
  }

  void flush() {
    std::string out;
    do {
      out.clear();
      session_.output(out, 1 << 16);
      socket_.send(out);
    } while (!out.empty());
  }

  RawSocket& socket() { return socket_; }
  h2::ClientSession& session() { return session_; }

 private:
  RawSocket socket_;
  h2::ClientSession session_;
};

class GrpcServerTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(Limits limits) {
    auto router = std::make_shared<Router>();
    router->grpc("/t.T/Reverse", [](GrpcRequest&& request, GrpcResponder respond) {
      respond({.message = std::string(request.message.rbegin(), request.message.rend())});
    });
    router->grpc("/t.T/Length", [](GrpcRequest&& request, GrpcResponder respond) {
      std::thread([n = request.message.size(), respond = std::move(respond)]() mutable {
        respond({.message = std::to_string(n)});
      }).detach();
    });
    router->grpc("/t.T/Busy", [](GrpcRequest&&, GrpcResponder respond) {
      respond(
          {.code = GrpcCode::kResourceExhausted, .error = "full — später", .retry_after_ms = 1500});
    });
    router->grpc("/t.T/Dropped", [](GrpcRequest&&, GrpcResponder) {});
    router->grpc("/t.T/Throws",
                 [](GrpcRequest&&, GrpcResponder) { throw std::runtime_error("oops"); });
    router->grpc("/t.T/Held", [this](GrpcRequest&&, GrpcResponder respond) {
      std::lock_guard lock(mutex_);
      held_.emplace(std::move(respond));
      ready_.notify_all();
    });
    router->http("GET,POST", "/echo", [](HttpRequest&& request, Responder respond) {
      respond({.content_type = "text/plain",
               .body = request.method + " " + request.query + " " + request.body + " " +
                       std::string(find_header(request.headers, "host").value_or("?"))});
    });
    router->http("GET", "/sized/*", [](HttpRequest&& request, Responder respond) {
      respond({.content_type = "text/plain",
               .body = std::string(std::stoul(request.path.substr(7)), 'x')});
    });
    server_.reset();
    auto server =
        Server::start({.listen = {"127.0.0.1:0"}, .threads = 2, .limits = limits}, router);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }
  void TearDown() override {
    held_.reset();
    server_.reset();
  }

  GrpcResponder take_held() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return held_.has_value(); });
    GrpcResponder held = std::move(*held_);
    held_.reset();
    return held;
  }

  const std::string& address() const { return server_->addresses()[0]; }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<GrpcResponder> held_;
  std::unique_ptr<Server> server_;
};

TEST_F(GrpcServerTest, AnswersUnaryCalls) {
  Http2Client client(address());
  EXPECT_EQ(client.call("/t.T/Reverse", "abc").message, "cba");
  EXPECT_EQ(client.call("/t.T/Reverse", "").message, "");
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(client.call("/t.T/Length", large).message, "5000000");
  EXPECT_EQ(client.call("/t.T/Reverse", large).message, large);
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
  EXPECT_EQ(server_->stats().requests, 4u);
}

TEST_F(GrpcServerTest, AnswersManyCallsAtOnce) {
  Http2Client client(address());
  std::map<int32_t, std::string> expected;
  for (int i = 0; i < 100; ++i) {
    const size_t n = static_cast<size_t>(i) * 1000;
    const int32_t stream = client.send(h2::make_grpc_request(
        {.authority = {}, .path = "/t.T/Length", .message = std::string(n, 'x')}));
    expected[stream] = std::to_string(n);
  }
  for (int i = 0; i < 100; ++i) {
    auto finished = client.next();
    ASSERT_TRUE(finished && finished->response.ok());
    EXPECT_EQ(h2::read_grpc_response(std::move(*finished->response)).message,
              expected[finished->stream]);
  }
}

TEST_F(GrpcServerTest, InflatesGzipMessages) {
  Http2Client client(address());
  EXPECT_EQ(client.call("/t.T/Length", gzip(std::string(300'000, 'z')), true).message, "300000");
  EXPECT_EQ(client.call("/t.T/Length", "not gzip at all, not at all", true).code,
            GrpcCode::kInvalidArgument);

  auto unknown = h2::make_grpc_request(
      {.authority = {}, .path = "/t.T/Length", .message = "x", .message_is_gzip = true});
  for (auto& [name, value] : unknown.headers) {
    if (name == "grpc-encoding") value = "snappy";
  }
  const auto response = client.exchange(unknown);
  EXPECT_EQ(find_header(response.headers, "grpc-status"), "12");
  EXPECT_EQ(find_header(response.headers, "grpc-accept-encoding"), "identity,gzip");
  std::erase_if(unknown.headers, [](const auto& h) { return h.first == "grpc-encoding"; });
  EXPECT_EQ(h2::read_grpc_response(client.exchange(unknown)).code, GrpcCode::kInternal);
}

TEST_F(GrpcServerTest, RefusalsKeepTheConnection) {
  start({.body_bytes_max = 100'000});
  Http2Client client(address());
  EXPECT_EQ(client.call("/t.T/None", "x").code, GrpcCode::kUnimplemented);
  EXPECT_EQ(client.call("/t.T/Dropped", "x").code, GrpcCode::kInternal);
  EXPECT_EQ(client.call("/t.T/Throws", "x").code, GrpcCode::kInternal);
  const auto large = client.call("/t.T/Length", std::string(3'000'000, 'x'));
  EXPECT_EQ(large.code, GrpcCode::kResourceExhausted);
  EXPECT_FALSE(large.retry_after);
  EXPECT_EQ(client.call("/t.T/Length", gzip(std::string(100'001, 'x')), true).code,
            GrpcCode::kResourceExhausted);
  EXPECT_EQ(client.call("/t.T/Length", gzip(std::string(100'000, 'x')), true).message, "100000");

  auto two = h2::make_grpc_request({.authority = {}, .path = "/t.T/Length", .message = "x"});
  two.body += two.body;
  EXPECT_EQ(h2::read_grpc_response(client.exchange(two)).code, GrpcCode::kInternal);
  auto none = two;
  none.body.clear();
  EXPECT_EQ(h2::read_grpc_response(client.exchange(none)).code, GrpcCode::kInternal);

  const auto busy = client.call("/t.T/Busy", "x");
  EXPECT_EQ(busy.code, GrpcCode::kResourceExhausted);
  EXPECT_EQ(busy.error, "full — später");
  EXPECT_EQ(busy.retry_after, milliseconds(1500));
  EXPECT_EQ(client.call("/t.T/Length", "abc").message, "3");
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
}

TEST_F(GrpcServerTest, DeadlinesPass) {
  start({.header_timeout = milliseconds(40)});
  Http2Client client(address());
  client.send(h2::make_grpc_request(
      {.authority = {}, .path = "/t.T/Held", .message = "x", .timeout = milliseconds(1)}));
  auto finished = client.next();
  ASSERT_TRUE(finished && finished->response.ok());
  EXPECT_EQ(h2::read_grpc_response(std::move(*finished->response)).code,
            GrpcCode::kDeadlineExceeded);
  take_held()({.message = "late"});
  EXPECT_EQ(client.call("/t.T/Length", "abc").message, "3");
}

TEST_F(GrpcServerTest, ServesPlainRequestsToo) {
  Http2Client client(address());
  auto response = client.exchange({.path = "/echo?a=b", .body = "hello"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "POST a=b hello test");
  EXPECT_EQ(find_header(response.headers, "content-length"), std::to_string(response.body.size()));

  response = client.exchange({.method = "HEAD", .path = "/sized/5"});
  EXPECT_EQ(find_header(response.headers, "content-length"), "5");
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(client.exchange({.method = "GET", .path = "/none"}).status, 404);
  EXPECT_EQ(client.exchange({.method = "GET", .path = "/ec%zz"}).status, 400);
  EXPECT_EQ(client.exchange({.method = "PUT", .path = "/echo"}).status, 405);
  EXPECT_EQ(client.exchange({.path = "/echo", .headers = {{"content-encoding", "br"}}, .body = "x"})
                .status,
            415);

  response = client.exchange(
      {.method = "GET", .path = "/sized/5000", .headers = {{"accept-encoding", "gzip"}}});
  EXPECT_EQ(find_header(response.headers, "content-encoding"), "gzip");
  EXPECT_EQ(gunzip(response.body, 1 << 20).value(), std::string(5000, 'x'));
}

TEST_F(GrpcServerTest, LimitsPlainBodiesAndHeaders) {
  start({.body_bytes_max = 1000, .header_bytes_max = 2000});
  Http2Client client(address());
  EXPECT_EQ(client.exchange({.path = "/echo", .body = std::string(1001, 'x')}).status, 413);
  EXPECT_EQ(client
                .exchange({.path = "/echo",
                           .headers = {{"content-encoding", "gzip"}},
                           .body = gzip(std::string(1001, 'x'))})
                .status,
            413);
  EXPECT_EQ(client.exchange({.path = "/echo", .headers = {{"x", std::string(3000, 'y')}}}).status,
            431);
  EXPECT_EQ(client.exchange({.path = "/echo", .body = std::string(1000, 'x')}).status, 200);
}

TEST_F(GrpcServerTest, StopsWithGoaway) {
  Http2Client client(address());
  client.send(h2::make_grpc_request({.authority = {}, .path = "/t.T/Held", .message = "x"}));
  GrpcResponder responder = take_held();
  std::thread stopper([&] { server_->stop(milliseconds(10'000)); });
  while (client.session().usable()) {
    const std::string bytes = client.socket().read_some();
    ASSERT_FALSE(bytes.empty());
    ASSERT_TRUE(client.session().receive(bytes).ok());
  }
  responder({.message = "last words"});
  auto finished = client.next();
  ASSERT_TRUE(finished && finished->response.ok());
  EXPECT_EQ(h2::read_grpc_response(std::move(*finished->response)).message, "last words");
  client.socket().close();
  stopper.join();
}

TEST_F(GrpcServerTest, IdleConnectionsEnd) {
  start({.idle_timeout = milliseconds(40)});
  Http2Client client(address());
  EXPECT_EQ(client.call("/t.T/Length", "abc").message, "3");
  EXPECT_FALSE(client.next());
  EXPECT_FALSE(client.session().usable());
}

TEST_F(GrpcServerTest, GarbageEndsOnlyItsConnection) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const std::string& bytes :
       {preface + "this is no frame at all, is it?", preface + std::string(1000, '\0'),
        preface + std::string(1000, '\xff'),
        preface.substr(0, 20) + "XXXX" + std::string(100, 'x')}) {
    RawSocket socket(address());
    socket.send(bytes);
    socket.read_all();
  }
  Http2Client client(address());
  EXPECT_EQ(client.call("/t.T/Length", "abc").message, "3");
}

}  // namespace
}  // namespace vedette::net
