#include "net/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "net/gzip.h"
#include "net/server.h"

namespace vedette::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// A server that gives one connection the bytes it was told to, whatever is asked, then closes.
class Canned {
 public:
  explicit Canned(std::string answer, bool hold = false) : answer_(std::move(answer)), hold_(hold) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&at), size);
    ::listen(fd_, 1);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/x";
    thread_ = std::thread([this] { serve(); });
  }
  ~Canned() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  const std::string& url() const { return url_; }

 private:
  void serve() {
    const int peer = ::accept(fd_, nullptr, nullptr);
    if (peer < 0) return;
    char request[4096];
    (void)!::recv(peer, request, sizeof request, 0);
    (void)!::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    if (hold_) (void)!::recv(peer, request, sizeof request, 0);  // until the client goes
    ::close(peer);
  }

  const std::string answer_;
  const bool hold_;
  int fd_;
  std::string url_;
  std::thread thread_;
};

class ClientTest : public testing::Test {
 protected:
  Result<HttpResponse> send(ClientRequest request) {
    std::promise<Result<HttpResponse>> promise;
    client_->send(std::move(request),
                  [&](Result<HttpResponse> result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }
  /// With all the time a busy machine may need: only one test is about time.
  Result<HttpResponse> get(const std::string& url) {
    return send({.url = url, .timeout = milliseconds(120'000)});
  }

  std::unique_ptr<Client> client_ = Client::create();
};

TEST_F(ClientTest, TalksToOurServer) {
  auto router = std::make_shared<Router>();
  router->http("GET,POST", "/echo", [](HttpRequest&& request, Responder respond) {
    respond({.content_type = "text/plain",
             .body = request.method + " " + request.query + " " + request.body +
                     std::string(find_header(request.headers, "x-a").value_or(""))});
  });
  router->http("GET", "/large", [](HttpRequest&&, Responder respond) {
    respond({.content_type = "text/plain", .body = std::string(1'000'000, 'x')});
  });
  auto server = Server::start({.listen = {"127.0.0.1:0"}, .threads = 1, .limits = {}}, router);
  ASSERT_TRUE(server.ok());
  const std::string base = "http://" + (*server)->addresses()[0];

  auto response = send(
      {.method = "POST", .url = base + "/echo?q=1#f", .headers = {{"x-a", "!"}}, .body = "hi"});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "text/plain");
  EXPECT_EQ(response->body, "POST q=1 hi!");
  EXPECT_EQ(get(base + "/none")->status, 404);
  EXPECT_EQ(send({.method = "HEAD", .url = base + "/large"})->body, "");

  response = get(base + "/large");
  EXPECT_EQ(find_header(response->headers, "content-encoding"), "gzip");
  EXPECT_EQ(response->body.size(), 1'000'000u);
  response = send({.url = base + "/large", .body_bytes_max = 999'999});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, Code::kTooLarge);

  std::vector<std::future<Result<HttpResponse>>> many;
  for (int i = 0; i < 50; ++i) {
    auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
    many.push_back(promise->get_future());
    client_->send({.url = base + "/large", .timeout = milliseconds(120'000)},
                  [promise](Result<HttpResponse> r) { promise->set_value(std::move(r)); });
  }
  for (auto& one : many) {
    const auto answer = one.get();
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer.value().body.size(), 1'000'000u);
  }
}

struct Answer {
  const char* what;
  std::string bytes;
  int status;  // 0: an error
  std::string says;
};

TEST_F(ClientTest, ReadsWhatServersSay) {
  const std::string zipped = gzip("zipped");
  const std::vector<Answer> answers = {
      {"until closed", "HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end"},
      {"1.0", "HTTP/1.0 200 OK\r\n\r\nold", 200, "old"},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200,
       "abc"},
      {"interim",
       "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       200, "ok"},
      {"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"redirect is not followed",
       "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", 302, ""},
      {"gzip",
       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
           std::to_string(zipped.size()) + "\r\n\r\n" + zipped,
       200, "zipped"},
      {"not gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nthis is plain text, not gzip",
       0, "gzip"},
      {"other coding", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx", 0, "br"},
      {"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 0, "partial"},
      {"nothing", "", 0, "broken"},
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, "broken"},
      {"length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 0,
       "twice"},
      {"endless header", "HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x'), 0, "header"},
  };
  for (const Answer& answer : answers) {
    SCOPED_TRACE(answer.what);
    Canned server(answer.bytes);
    const auto response = get(server.url());
    ASSERT_EQ(response.ok(), answer.status != 0)
        << (response.ok() ? response->body : response.error().message);
    if (response.ok()) {
      EXPECT_EQ(response->status, answer.status);
      EXPECT_EQ(response->body, answer.says);
    } else {
      EXPECT_THAT(response.error().message, HasSubstr(answer.says));
    }
  }
}

TEST_F(ClientTest, TimesOutAndNamesTheStep) {
  Canned server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", true);
  const auto response = send({.url = server.url(), .timeout = milliseconds(50)});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(response.error().message, HasSubstr("waiting for the answer"));
}

TEST_F(ClientTest, RefusesBadRequests) {
  for (const char* url : {"", "host/path", "ftp://host/", "http://", "http://:80/",
                          "http://host:0/", "http://host:x/", "http://user:pw@host/",
                          "http://ho st/", "http://host/a b", "http://host/\r\nX: y"}) {
    const auto response = get(url);
    ASSERT_FALSE(response.ok()) << url;
    EXPECT_EQ(response.error().code, Code::kInvalidArgument) << url;
  }
  EXPECT_EQ(get("https://host/").error().code, Code::kUnimplemented);
  EXPECT_EQ(send({.url = "http://127.0.0.1:1/", .headers = {{"a", "b\r\nc: d"}}}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(get("http://127.0.0.1:1/").error().code, Code::kUnavailable);
  EXPECT_EQ(get("http://[::1]:1/").error().code, Code::kUnavailable);
}

TEST_F(ClientTest, StoppingCancelsWhatIsUnderWay) {
  Canned server("HTTP/1.1 200 OK\r\n", true);
  std::promise<Result<HttpResponse>> promise;
  client_->send({.url = server.url()},
                [&](Result<HttpResponse> r) { promise.set_value(std::move(r)); });
  client_.reset();
  EXPECT_EQ(promise.get_future().get().error().code, Code::kCancelled);
}

}  // namespace
}  // namespace vedette::net
