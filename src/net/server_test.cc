#include "net/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "net/gzip.h"
#include "net/raw_socket.h"

namespace vedette::net {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Holds what a handler was given until the test takes it.
class Held {
 public:
  void put(HttpRequest request, Responder responder) {
    std::lock_guard lock(mutex_);
    request_.emplace(std::move(request));
    responder_.emplace(std::move(responder));
    ready_.notify_all();
  }
  HttpRequest& request() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return responder_.has_value(); });
    return *request_;
  }
  Responder take() {
    request();
    std::lock_guard lock(mutex_);
    Responder responder = std::move(*responder_);
    responder_.reset();
    return responder;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<HttpRequest> request_;
  std::optional<Responder> responder_;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(Limits limits) {
    held_ = std::make_shared<Held>();
    auto router = std::make_shared<Router>();
    router->http("GET,POST", "/echo", [](HttpRequest&& request, Responder respond) {
      respond(
          {.content_type = "text/plain",
           .body = request.method + " " + request.path + "?" + request.query + " " + request.body});
    });
    router->http("GET", "/sized/*", [](HttpRequest&& request, Responder respond) {
      respond({.content_type = "text/plain",
               .body = std::string(std::stoul(request.path.substr(7)), 'x')});
    });
    router->http("POST", "/length", [](HttpRequest&& request, Responder respond) {
      respond({.body = std::to_string(request.body.size())});
    });
    router->http("GET", "/held", [held = held_](HttpRequest&& request, Responder respond) {
      held->put(std::move(request), std::move(respond));
    });
    router->http("GET", "/zipped", [](HttpRequest&&, Responder respond) {
      respond({.content_type = "text/plain", .body = gzip("unzip me"), .body_is_gzip = true});
    });
    router->http("GET", "/dropped", [](HttpRequest&&, Responder) {});
    router->http("GET", "/throws",
                 [](HttpRequest&&, Responder) { throw std::runtime_error("oops"); });
    server_.reset();
    auto server =
        Server::start({.listen = {"127.0.0.1:0"}, .threads = 2, .limits = limits}, router);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }

  const std::string& address() const { return server_->addresses()[0]; }

  /// Sends bytes on a connection of their own and reads to the end of one response.
  std::string exchange(std::string_view bytes) {
    RawSocket socket(address());
    socket.send(bytes);
    return socket.read_response();
  }

  std::shared_ptr<Held> held_;
  std::unique_ptr<Server> server_;
};

std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

size_t peak_rss() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  RawSocket socket(address());
  for (int i = 0; i < 3; ++i) {
    socket.send("GET /echo?a=1&b=%20 HTTP/1.1\r\nHost: t\r\n\r\n");
    const std::string response = socket.read_response();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(response, EndsWith("\r\n\r\nGET /echo?a=1&b=%20 "));
  }
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
  EXPECT_EQ(server_->stats().requests, 3u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  RawSocket socket(address());
  std::string all;
  for (int i = 0; i < 200; ++i) all += post("/echo", std::to_string(i));
  socket.send(all);
  for (int i = 0; i < 200; ++i)
    EXPECT_THAT(socket.read_response(), EndsWith(" " + std::to_string(i)));
}

TEST_F(ServerTest, PipelinedRequestWaitsForTheOneBefore) {
  RawSocket socket(address());
  socket.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\nGET /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  std::thread([&] { held_->take()({.body = "late"}); }).join();
  EXPECT_THAT(socket.read_response(), EndsWith("late"));
  EXPECT_THAT(socket.read_response(), EndsWith("GET /echo? "));
}

TEST_F(ServerTest, PipelinedFloodOfLargeAnswersIsAnsweredWhole) {
  RawSocket socket(address());
  std::string all;
  for (int i = 0; i < 300; ++i) all += "GET /sized/300000 HTTP/1.1\r\nHost: t\r\n\r\n";
  std::thread sender([&] { socket.send(all); });
  for (int i = 0; i < 300; ++i) ASSERT_THAT(socket.read_response().size(), testing::Gt(300'000u));
  sender.join();
}

TEST_F(ServerTest, TakesRequestsByteByByte) {
  RawSocket socket(address());
  const std::string chunked =
      "POST /echo?y HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
  const std::string empty =
      "POST /echo?z HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (char c : post("/echo?x", "hello") + chunked + empty) socket.send({&c, 1});
  EXPECT_THAT(socket.read_response(), EndsWith("POST /echo?x hello"));
  EXPECT_THAT(socket.read_response(), EndsWith("POST /echo?y hi"));
  EXPECT_THAT(socket.read_response(), EndsWith("POST /echo?z "));
}

TEST_F(ServerTest, TakesChunkedBodies) {
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n"),
              EndsWith("POST /echo? hello world"));
}

TEST_F(ServerTest, AnswersExpectContinue) {
  RawSocket socket(address());
  socket.send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("ok");
  EXPECT_THAT(socket.read_response(), EndsWith("POST /echo? ok"));
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
  RawSocket socket(address());
  socket.send("HEAD /sized/7 HTTP/1.1\r\nHost: t\r\n\r\nGET /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(socket.read_response(false), HasSubstr("content-length: 7\r\n"));
  EXPECT_THAT(socket.read_response(), EndsWith("GET /echo? "));
}

TEST_F(ServerTest, ClosesWhenAsked) {
  EXPECT_THAT(exchange("GET /echo HTTP/1.0\r\n\r\n"), HasSubstr("connection: close"));
  EXPECT_THAT(exchange("GET /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"),
              HasSubstr("connection: close"));
}

TEST_F(ServerTest, AnswersAfterTheClientClosedItsSide) {
  RawSocket socket(address());
  socket.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\n");
  held_->request();
  socket.end_sending();
  while (!*held_->request().cancelled) std::this_thread::yield();
  held_->take()({.body = "still"});
  EXPECT_THAT(socket.read_all(), EndsWith("still"));
}

TEST_F(ServerTest, DroppedAndThrowingHandlersAnswer500) {
  EXPECT_THAT(exchange("GET /dropped HTTP/1.1\r\nHost: t\r\n\r\n"), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(exchange("GET /throws HTTP/1.1\r\nHost: t\r\n\r\n"), StartsWith("HTTP/1.1 500 "));
}

TEST_F(ServerTest, MarksRequestsOfGoneClientsCancelled) {
  RawSocket socket(address());
  socket.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_FALSE(*held_->request().cancelled);
  socket.close();
  while (!*held_->request().cancelled) std::this_thread::yield();
  held_->take()({.body = "nobody hears"});
}

struct Refused {
  const char* what;
  std::string bytes;
  const char* status;
  const char* says;
};

TEST_F(ServerTest, RefusesBadRequestsPlainly) {
  const std::string huge(70'000, 'a');
  const std::vector<Refused> cases = {
      {"not HTTP", "hello there\r\n\r\n", "400", "malformed"},
      {"no path", "GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n", "404", "nothing at /nothing"},
      {"method", "DELETE /echo HTTP/1.1\r\nHost: t\r\n\r\n", "405", "allow: GET,POST\r\n"},
      {"no host", "GET /echo HTTP/1.1\r\n\r\n", "400", "Host"},
      {"two hosts", "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", "Host"},
      {"CL and TE",
       "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       "400", ""},
      {"TE and CL",
       "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nContent-Length: "
       "3\r\n\r\n0\r\n\r\n",
       "400", ""},
      {"CL twice",
       "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400",
       "twice"},
      {"CL list", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3, 3\r\n\r\nabc", "400",
       "list"},
      {"CL negative", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: -3\r\n\r\nabc", "400", ""},
      {"TE unknown",
       "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501",
       "chunked"},
      {"TE on 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501",
       ""},
      {"bad chunk",
       "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", "400", ""},
      {"folded", "GET /echo HTTP/1.1\r\nHost: t\r\nA: b\r\n c\r\n\r\n", "400", "folded"},
      {"bare LF", "GET /echo HTTP/1.1\nHost: t\n\n", "400", ""},
      {"bare LF in field", "GET /echo HTTP/1.1\r\nHost: t\r\nA: b\nC: d\r\n\r\n", "400", ""},
      {"bare CR in field", "GET /echo HTTP/1.1\r\nHost: t\r\nA: b\rC: d\r\n\r\n", "400", ""},
      {"space before colon", "GET /echo HTTP/1.1\r\nHost: t\r\nA : b\r\n\r\n", "400", ""},
      {"version", "GET /echo HTTP/3.0\r\nHost: t\r\n\r\n", "400", ""},
      {"bad escape", "GET /ec%zzho HTTP/1.1\r\nHost: t\r\n\r\n", "400", "%25"},
      {"expectation", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n",
       "417", ""},
      {"long target", "GET /" + huge + " HTTP/1.1\r\nHost: t\r\n\r\n", "431", "header"},
      {"long field", "GET /echo HTTP/1.1\r\nHost: t\r\nA: " + huge + "\r\n\r\n", "431", "header"},
      {"body too large", "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999\r\n\r\n",
       "413", "larger"},
      {"chunk too large",
       "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n", "413",
       "larger"},
      {"coding", post("/echo", "x", "Content-Encoding: br\r\n"), "415", "gzip"},
      {"not gzip", post("/echo", "this is not gzip at all", "Content-Encoding: gzip\r\n"), "400",
       "gzip"},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.what);
    const std::string response = exchange(c.bytes);
    EXPECT_THAT(response, StartsWith(std::string("HTTP/1.1 ") + c.status + " "));
    EXPECT_THAT(response, HasSubstr(c.says));
    EXPECT_THAT(exchange("GET /echo HTTP/1.1\r\nHost: t\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  }
}

TEST_F(ServerTest, RefusesInTheShapeOfTheRequest) {
  EXPECT_THAT(exchange(post("/nothing", "{}", "Content-Type: application/json\r\n")),
              EndsWith(R"({"code":12,"message":"there is nothing at /nothing"})"));
  EXPECT_THAT(
      exchange(post("/nothing", "{}", "Content-Type: application/x-protobuf\r\n")),
      EndsWith(h2::encode_rpc_status(GrpcCode::kUnimplemented, "there is nothing at /nothing")));
}

TEST_F(ServerTest, TruncatedRequestsEndQuietly) {
  const std::string whole = post("/echo", "hello", "Content-Type: text/plain\r\n");
  for (size_t n = 0; n < whole.size(); ++n) {
    RawSocket socket(address());
    socket.send(whole.substr(0, n));
    socket.end_sending();
    EXPECT_EQ(socket.read_all(), "");
  }
}

TEST_F(ServerTest, EndlessHeadersAreCutOff) {
  RawSocket socket(address());
  socket.send("GET /echo HTTP/1.1\r\nHost: t\r\n");
  // Whole lines, so that a parser that eats them as they come must count.
  for (int i = 0; i < 100'000; ++i) {
    if (!socket.send("A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n")) break;
  }
  EXPECT_THAT(socket.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerTest, InflatesGzipBodies) {
  const std::string body(100'000, 'z');
  EXPECT_THAT(exchange(post("/length", gzip(body), "Content-Encoding: gzip\r\n")),
              EndsWith("\r\n\r\n100000"));
  EXPECT_THAT(
      exchange(post("/length", gzip(body) + gzip("and more"), "Content-Encoding: gzip\r\n")),
      EndsWith("\r\n\r\n100008"));
  EXPECT_THAT(exchange(post("/length", gzip(""), "Content-Encoding: gzip\r\n")),
              EndsWith("\r\n\r\n0"));
}

TEST_F(ServerTest, RefusesGzipBombsInBoundedMemory) {
  // A gibibyte of zeros as 64 members of 16 MiB, and as one member whose trailer lies.
  const std::string member = gzip(std::string(16u << 20, '\0'), 1);
  std::string bomb;
  for (int i = 0; i < 64; ++i) bomb += member;
  std::string liar = gzip(std::string(100u << 20, '\0'), 1);
  liar.replace(liar.size() - 4, 4, std::string(4, '\x01'));
  const size_t before = peak_rss();
  EXPECT_THAT(exchange(post("/length", bomb, "Content-Encoding: gzip\r\n")),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange(post("/length", liar, "Content-Encoding: gzip\r\n")),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_LT(peak_rss() - before,
            300u << 20);  // the limit, doubled for its growth, and a sanitizer's share
  EXPECT_THAT(exchange(post("/length", "x")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, CompressesForThoseWhoTakeIt) {
  const std::string get = "GET /sized/5000 HTTP/1.1\r\nHost: t\r\n";
  for (const char* accepts :
       {"Accept-Encoding: deflate, gzip;q=0.5\r\n", "Accept-Encoding: *\r\n"}) {
    const std::string response = exchange(get + accepts + "\r\n");
    EXPECT_THAT(response, HasSubstr("content-encoding: gzip\r\n"));
    const auto body = gunzip(response.substr(response.find("\r\n\r\n") + 4), 1 << 20);
    ASSERT_TRUE(body.ok());
    EXPECT_EQ(*body, std::string(5000, 'x'));
  }
  for (const char* refuses :
       {"", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n"}) {
    EXPECT_THAT(exchange(get + refuses + "\r\n"), Not(HasSubstr("content-encoding")));
  }
  EXPECT_THAT(exchange("GET /zipped HTTP/1.1\r\nHost: t\r\n\r\n"), EndsWith("unzip me"));
  EXPECT_THAT(exchange("GET /zipped HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n"),
              EndsWith(gzip("unzip me")));
}

TEST_F(ServerTest, SlowClientsAreClosed) {
  start({.header_timeout = milliseconds(50), .idle_timeout = milliseconds(50)});
  RawSocket silent(address()), slow_header(address()), slow_body(address()), idle(address());
  slow_header.send("GET /echo HTTP/1.1\r\nHo");
  slow_body.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nabc");
  idle.send("GET /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_THAT(slow_header.read_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(slow_body.read_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(idle.read_all(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, ConnectionsAreLimited) {
  start({.connections_max = 2});
  RawSocket one(address()), two(address());
  for (RawSocket* socket : {&one, &two}) {
    socket->send("GET /echo HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_THAT(socket->read_response(), StartsWith("HTTP/1.1 200 "));
  }
  RawSocket three(address());
  EXPECT_EQ(three.read_all(), "");
  EXPECT_EQ(server_->stats().connections_refused, 1u);
  EXPECT_EQ(server_->stats().connections_open, 2u);
}

TEST_F(ServerTest, BodiesShareABudget) {
  start({.buffered_bytes_max = 100'000});
  RawSocket one(address());
  one.send(post("/length", std::string(80'000, 'x')).substr(0, 60'000));
  // The first request's bytes may not have been counted yet when the second comes: ask until they
  // are.
  std::string response;
  do {
    response = exchange(post("/length", std::string(80'000, 'x')));
  } while (response.starts_with("HTTP/1.1 200 "));
  EXPECT_THAT(response, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(response, HasSubstr("retry-after: 1"));
  one.close();
  do {
    response = exchange(post("/length", std::string(80'000, 'x')));
  } while (!response.starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, StopsGracefully) {
  RawSocket idle(address()), busy(address());
  idle.send("GET /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  idle.read_response();
  busy.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\n");
  held_->request();
  std::thread stopper([&] { server_->stop(milliseconds(10'000)); });
  EXPECT_EQ(idle.read_all(), "");
  held_->take()({.body = "last words"});
  EXPECT_THAT(busy.read_response(), EndsWith("last words"));
  busy.close();
  stopper.join();
  EXPECT_FALSE(RawSocket(address()).connected());
}

TEST_F(ServerTest, ResponderOutlivesTheServer) {
  RawSocket socket(address());
  socket.send("GET /held HTTP/1.1\r\nHost: t\r\n\r\n");
  Responder responder = held_->take();
  server_.reset();
  responder({.body = "too late"});
  EXPECT_EQ(socket.read_all(), "");
}

TEST_F(ServerTest, NamesTheAddressThatIsTaken) {
  const auto second = Server::start({.listen = {address()}, .threads = 1, .limits = {}},
                                    std::make_shared<Router>());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  EXPECT_THAT(second.error().message, HasSubstr(address()));
  for (const char* bad : {"4319", "localhost", "127.0.0.1:99999", ":80"}) {
    const auto server =
        Server::start({.listen = {bad}, .threads = 1, .limits = {}}, std::make_shared<Router>());
    ASSERT_FALSE(server.ok()) << bad;
    EXPECT_THAT(server.error().message, HasSubstr("host:port"));
  }
}

}  // namespace
}  // namespace vedette::net
