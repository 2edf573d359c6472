// The two sides of an HTTP/2 connection against each other, in memory, and against raw frames.
#include "net/h2/session.h"

#include <gtest/gtest.h>

#include "net/h2/grpc_client.h"

namespace vedette::net::h2 {
namespace {

using namespace std::chrono_literals;
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + std::string(payload);
}

const std::string kSettings = frame(4, 0, 0, "");
// HPACK: :method GET, :scheme http, :path /, :authority "t" as a literal.
const std::string kGetHeaders = std::string("\x82\x86\x84\x41\x01t", 6);

class SessionTest : public testing::Test {
 protected:
  /// Carries bytes both ways until neither side has more.
  void carry() {
    for (bool moved = true; moved;) {
      moved = false;
      std::string out;
      client_.output(out, 1 << 20);
      if (!out.empty()) server_->receive(out, now_), moved = true;
      out.clear();
      server_->output(out, 1 << 20, now_);
      if (!out.empty()) (void)client_.receive(out), moved = true;
    }
  }

  std::string server_output() {
    std::string out;
    server_->output(out, SIZE_MAX, now_);
    return out;
  }

  int32_t send(Request request) {
    request.authority = "host";
    auto stream = client_.send(std::move(request));
    EXPECT_TRUE(stream.ok());
    return *stream;
  }

  void restart(ServerOptions options) {
    server_ = std::make_unique<ServerSession>(std::move(options), now_);
  }

  TimePoint now_{};
  ClientSession client_{SessionLimits{.body_bytes_max = 1 << 20}};
  std::unique_ptr<ServerSession> server_ = std::make_unique<ServerSession>(ServerOptions{}, now_);
};

TEST_F(SessionTest, CarriesRequestAndResponse) {
  const int32_t stream = send({.path = "/p", .headers = {{"x-a", "1"}}, .body = "ping"});
  carry();
  auto request = server_->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->path, "/p");
  EXPECT_EQ(request->authority, "host");
  EXPECT_EQ(find_header(request->headers, "x-a"), "1");
  EXPECT_EQ(request->body, "ping");
  server_->respond(request->stream, {.status = 201, .headers = {{"x-b", "2"}}, .body = "pong"});
  carry();
  auto finished = client_.next();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->stream, stream);
  ASSERT_TRUE(finished->response.ok());
  EXPECT_EQ(finished->response->status, 201);
  EXPECT_EQ(find_header(finished->response->headers, "x-b"), "2");
  EXPECT_EQ(finished->response->body, "pong");
  EXPECT_EQ(server_->streams_open(), 0u);
  EXPECT_EQ(client_.streams_open(), 0u);
}

TEST_F(SessionTest, CarriesLargeBodiesThroughSmallWindows) {
  restart({.limits = {.stream_window = 65'535, .connection_window = 65'535}});
  const std::string up(3'000'000, 'u'), down(1'000'000, 'd');
  send({.body = up});
  carry();
  auto request = server_->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, up);
  server_->respond(request->stream, {.body = down});
  carry();
  auto finished = client_.next();
  ASSERT_TRUE(finished && finished->response.ok());
  EXPECT_EQ(finished->response->body, down);
}

TEST_F(SessionTest, ManyStreamsQueueBehindTheLimit) {
  restart({.streams_max = 3});
  carry();  // before it knows the limit, a client may send more; those are refused
  for (int i = 0; i < 50; ++i) send({.body = std::to_string(i)});
  std::set<std::string> seen;
  for (carry(); auto request = server_->next_request(); carry()) {
    EXPECT_LE(server_->streams_open(), 3u);
    seen.insert(request->body);
    server_->respond(request->stream, {});
  }
  EXPECT_EQ(seen.size(), 50u);
}

TEST_F(SessionTest, GrpcMessageStandsApartFromItsPrefix) {
  const std::string message(100'000, 'm');
  send(make_grpc_request({.authority = "h", .path = "/s/M", .message = message, .timeout = 2s}));
  carry();
  auto request = server_->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, message);
  EXPECT_EQ(parse_grpc_prefix(request->grpc_prefix)->length, message.size());
  EXPECT_EQ(find_header(request->headers, "grpc-timeout"), "2000m");
  std::string reply;
  append_grpc_prefix(reply, {false, 5});
  server_->respond(request->stream, {.headers = {{"content-type", "application/grpc"}},
                                     .body = reply + "hello",
                                     .trailers = {{"grpc-status", "0"}}});
  carry();
  auto finished = client_.next();
  ASSERT_TRUE(finished && finished->response.ok());
  EXPECT_EQ(read_grpc_response(std::move(*finished->response)).message, "hello");
}

TEST_F(SessionTest, TooLargeBodiesAreRefusedEarly) {
  restart({.limits = {.body_bytes_max = 1000}});
  send({.body = std::string(500'000, 'x')});
  send({.headers = {{"content-length", "99999"}}, .body = std::string(99'999, 'x')});
  send(make_grpc_request({.authority = "h", .path = "/s/M", .message = std::string(1001, 'x')}));
  send(make_grpc_request({.authority = "h", .path = "/s/M", .message = std::string(1000, 'x')}));
  carry();
  std::vector<ServerRequest::Problem> problems;
  while (auto request = server_->next_request()) {
    problems.push_back(request->problem);
    server_->respond(request->stream, {.status = 413});
  }
  using P = ServerRequest::Problem;
  std::sort(problems.begin(), problems.end());
  EXPECT_EQ(problems,
            (std::vector<P>{P::kNone, P::kBodyTooLarge, P::kBodyTooLarge, P::kBodyTooLarge}));
  carry();
  for (int i = 0; i < 4; ++i) {
    auto finished = client_.next();
    ASSERT_TRUE(finished && finished->response.ok());
    EXPECT_EQ(finished->response->status, 413);
  }
}

TEST_F(SessionTest, TooLargeHeadersAndSpentBudgetsAreReported) {
  restart({.limits = {.header_bytes_max = 2000}, .budget = std::make_shared<ByteBudget>(100)});
  send({.headers = {{"x", std::string(3000, 'y')}}, .body = {}});
  send({.body = std::string(101, 'x')});
  carry();
  EXPECT_EQ(server_->next_request()->problem, ServerRequest::Problem::kHeaderTooLarge);
  EXPECT_EQ(server_->next_request()->problem, ServerRequest::Problem::kOverBudget);
}

TEST_F(SessionTest, ClientLimitsWhatItTakes) {
  send({});
  carry();
  server_->respond(server_->next_request()->stream, {.body = std::string((1 << 20) + 1, 'x')});
  carry();
  auto finished = client_.next();
  ASSERT_TRUE(finished);
  ASSERT_FALSE(finished->response.ok());
  EXPECT_EQ(finished->response.error().code, Code::kTooLarge);
  EXPECT_TRUE(client_.usable());
}

TEST_F(SessionTest, CancelledStreamsAreReportedGone) {
  const int32_t stream = send({});
  carry();
  ASSERT_TRUE(server_->next_request());
  EXPECT_FALSE(server_->next_gone());
  client_.cancel(stream);
  carry();
  EXPECT_EQ(server_->next_gone(), stream);
  EXPECT_FALSE(client_.next());
  server_->respond(stream, {.body = "too late"});
  carry();
}

TEST_F(SessionTest, ShutDownFinishesWhatIsBegun) {
  const int32_t begun = send({});
  carry();
  auto request = server_->next_request();
  server_->shut_down();
  carry();
  EXPECT_FALSE(client_.usable());
  EXPECT_EQ(client_.send({}).error().code, Code::kUnavailable);
  EXPECT_FALSE(server_->finished());
  server_->respond(request->stream, {.body = "last"});
  carry();
  auto finished = client_.next();
  ASSERT_TRUE(finished && finished->response.ok());
  EXPECT_EQ(finished->stream, begun);
  EXPECT_TRUE(server_->finished());
}

TEST_F(SessionTest, LostConnectionFailsWhatIsOpen) {
  send({});
  send({});
  client_.lost({Code::kIo, "reset by peer"});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client_.next()->response.error().message, "reset by peer");
  EXPECT_FALSE(client_.usable());
}

TEST_F(SessionTest, GarbageEndsTheClient) {
  send({});
  EXPECT_FALSE(
      client_.receive("HTTP/1.1 400 Bad Request\r\n\r\n and more than a frame header").ok() &&
      client_.usable());
  std::string out;
  client_.output(out, 1 << 20);
  EXPECT_FALSE(client_.usable());
}

TEST_F(SessionTest, StalledBodiesAndReadersAreReset) {
  std::string out;
  ClientSession client{SessionLimits{}};
  ASSERT_TRUE(client.send({.authority = "host", .body = std::string(3'000'000, 'x')}).ok());
  client.output(out, 100'000);
  server_->receive(out, now_);
  server_->expire(now_ + 9s);
  EXPECT_EQ(server_->streams_open(), 1u);
  server_->expire(now_ + 200s);
  server_output();
  EXPECT_EQ(server_->streams_open(), 0u);

  restart({});  // a header that never ends
  server_->receive(std::string(kPreface) + kSettings + frame(1, 1, 1, kGetHeaders), now_);
  EXPECT_EQ(server_->streams_open(), 1u);
  server_->expire(now_ + 11s);
  server_output();
  EXPECT_EQ(server_->streams_open(), 0u);

  restart({});
  server_->receive(std::string(kPreface) + kSettings + frame(1, 5, 1, kGetHeaders), now_);
  server_->respond(server_->next_request()->stream, {.body = std::string(1 << 20, 'x')});
  server_output();  // as much as the window takes; it is never opened again
  server_->expire(now_ + 9s);
  EXPECT_EQ(server_->streams_open(), 1u);
  server_->expire(now_ + 11s);
  server_output();
  EXPECT_EQ(server_->streams_open(), 0u);
}

struct Abuse {
  const char* what;
  std::function<std::string(int)> nth;
};

TEST_F(SessionTest, AbuseEndsTheConnection) {
  const auto stream_of = [](int i) { return static_cast<uint32_t>(2 * i + 1); };
  const std::vector<Abuse> abuses = {
      {"rapid reset",
       [&](int i) {
         return frame(1, 5, stream_of(i), kGetHeaders) +
                frame(3, 0, stream_of(i), std::string("\0\0\0\x08", 4));
       }},
      {"made to reset",
       [&](int i) {  // a window update of zero is an error of the stream
         return frame(1, 4, stream_of(i), kGetHeaders) +
                frame(8, 0, stream_of(i), std::string(4, '\0'));
       }},
      {"pings", [](int) { return frame(6, 0, 0, "12345678"); }},
      {"settings", [](int) { return frame(4, 0, 0, std::string("\0\x04\0\1\0\0", 6)); }},
      {"empty data",
       [&](int i) { return i == 0 ? frame(1, 4, 1, kGetHeaders) : frame(0, 0, 1, ""); }},
      {"continuations",
       [&](int i) {
         return i == 0 ? frame(1, 1, 1, kGetHeaders)
                       : frame(9, 0, 1, std::string("\x0f\x0f\1x", 0));
       }},
  };
  for (const Abuse& abuse : abuses) {
    SCOPED_TRACE(abuse.what);
    restart({});
    server_->receive(std::string(kPreface) + kSettings, now_);
    int frames = 0;
    for (; frames < 20'000 && !server_->finished(); ++frames) {
      server_->receive(abuse.nth(frames), now_);
      server_output();
      while (auto request = server_->next_request()) server_->respond(request->stream, {});
      server_output();
      while (server_->next_gone()) {
      }
    }
    EXPECT_LE(frames, 1'100);
    EXPECT_TRUE(server_->finished());
  }
}

TEST_F(SessionTest, HonestPaceIsNoAbuse) {
  server_->receive(std::string(kPreface) + kSettings, now_);
  for (int i = 0; i < 5000; ++i) {
    now_ += 100ms;
    const auto id = static_cast<uint32_t>(2 * i + 1);
    server_->receive(frame(6, 0, 0, "12345678") + frame(1, 5, id, kGetHeaders) +
                         (i % 2 ? frame(3, 0, id, std::string("\0\0\0\x08", 4)) : ""),
                     now_);
    server_output();
    while (auto request = server_->next_request()) server_->respond(request->stream, {.body = "x"});
    server_output();
    server_->receive(frame(8, 0, 0, std::string("\0\0\0\1", 4)), now_);
  }
  EXPECT_FALSE(server_->finished());
}

TEST_F(SessionTest, BytesMayComeOneByOneOrCutOff) {
  const std::string whole =
      std::string(kPreface) + kSettings + frame(1, 4, 1, kGetHeaders) + frame(0, 1, 1, "body");
  for (char c : whole) server_->receive({&c, 1}, now_);
  EXPECT_EQ(server_->next_request()->body, "body");
  for (size_t n = 0; n < whole.size(); ++n) {
    restart({});
    server_->receive(whole.substr(0, n), now_);
    server_output();
    EXPECT_FALSE(server_->next_request());
  }
}

}  // namespace
}  // namespace vedette::net::h2
