#include "net/http.h"

#include <gtest/gtest.h>

#include "net/server.h"

namespace vedette::net {
namespace {

TEST(Url, DecodesAndEncodes) {
  EXPECT_EQ(url_decode("a%20b+c%2F", false), "a b+c/");
  EXPECT_EQ(url_decode("a%20b+c", true), "a b c");
  for (const char* bad : {"%", "%2", "%zz", "a%2"}) EXPECT_FALSE(url_decode(bad, false)) << bad;
  EXPECT_EQ(url_encode("a b/é~"), "a%20b%2F%C3%A9~");
}

TEST(Parameters, JoinsQueryAndForm) {
  HttpRequest request;
  request.method = "POST";
  request.query = "match[]=a&x=%31&empty&&match%5B%5D=b";
  request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = "query=up+%3E+0&x=2";
  const auto p = Parameters::of(request);
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(p->get("query"), "up > 0");
  EXPECT_EQ(p->get("x"), "1");
  EXPECT_EQ(p->get("empty"), "");
  EXPECT_FALSE(p->get("none"));
  EXPECT_EQ(p->all("match[]"), (std::vector<std::string_view>{"a", "b"}));

  request.query = "a=%zz";
  EXPECT_EQ(Parameters::of(request).error().code, Code::kInvalidArgument);
}

TEST(Router, LongestMatchWins) {
  Router router;
  const HttpHandler none = [](HttpRequest&&, Responder) {};
  router.http("GET", "/*", none);
  router.http("GET", "/api/*", none);
  router.http("GET, POST", "/api/query", none);
  router.http("DELETE", "/api/query", none);
  const auto path_of = [&](std::string_view method, std::string_view path) {
    const auto match = router.find_http(method, path);
    return match.route ? match.route->path : "(" + match.allow + ")";
  };
  EXPECT_EQ(path_of("GET", "/"), "/");
  EXPECT_EQ(path_of("GET", "/x/y"), "/");
  EXPECT_EQ(path_of("GET", "/api/other"), "/api/");
  EXPECT_EQ(path_of("POST", "/api/query"), "/api/query");
  EXPECT_EQ(path_of("DELETE", "/api/query"), "/api/query");
  EXPECT_EQ(path_of("PUT", "/api/query"), "(GET,POST,DELETE)");
}

}  // namespace
}  // namespace vedette::net
