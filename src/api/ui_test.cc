#include "api/ui.h"

#include <gmock/gmock.h>

namespace vedette::api {
namespace {

constexpr UiAsset kAssets[] = {
    {"/assets/index-abc.js", "text/javascript; charset=utf-8", "\"1\"", "script", true},
    {"/favicon.svg", "image/svg+xml", "\"2\"", "icon", false},
    {"/index.html", "text/html; charset=utf-8", "\"3\"", "page", false},
};

net::HttpResponse get(std::string path, net::Headers headers = {},
                      std::span<const UiAsset> assets = kAssets) {
  net::Router router;
  add_ui_routes(router, assets);
  const auto* route = router.find_http("GET", path).route;
  if (!route) return {.status = 0, .content_type = "", .body = "", .headers = {}};
  net::HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.headers = std::move(headers);
  net::HttpResponse got;
  route->handler(std::move(request),
                 net::Responder([&](net::HttpResponse&& response) { got = std::move(response); }));
  return got;
}

std::string header(const net::HttpResponse& response, std::string_view name) {
  return std::string(net::find_header(response.headers, name).value_or(""));
}

TEST(UiTest, PagesAreTheFirstPage) {
  for (const char* path : {"/", "/traces", "/traces/5b8efff798038103d269b633813fc60c", "/logs/"}) {
    net::HttpResponse response = get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, "page") << path;
    EXPECT_TRUE(response.body_is_gzip);
    EXPECT_EQ(header(response, "cache-control"), "no-cache");
  }
}

TEST(UiTest, FilesAreThemselves) {
  net::HttpResponse script = get("/assets/index-abc.js");
  EXPECT_EQ(script.body, "script");
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(header(script, "cache-control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(get("/favicon.svg").body, "icon");
}

TEST(UiTest, WhatIsNoPageIsNotFound) {
  for (const char* path : {"/assets/index-old.js", "/api/v1/nothing", "/vedette/v1/nothing",
                           "/favicon.ico", "/wp-login.php", "/-/nothing", "/v1/nothing"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST(UiTest, KnownContentIsNotSentAgain) {
  for (const char* tag : {"\"3\"", "W/\"3\"", "\"0\", \"3\"", "*"}) {
    net::HttpResponse response = get("/", {{"if-none-match", tag}});
    EXPECT_EQ(response.status, 304) << tag;
    EXPECT_EQ(response.body, "") << tag;
    EXPECT_EQ(header(response, "etag"), "\"3\"");
  }
  for (const char* tag : {"\"2\"", "", "3", ","}) {
    EXPECT_EQ(get("/", {{"if-none-match", tag}}).status, 200) << tag;
  }
}

TEST(UiTest, NothingInlineIsAllowed) {
  for (const char* path : {"/", "/assets/index-abc.js", "/favicon.svg"}) {
    net::HttpResponse response = get(path);
    std::string policy = header(response, "content-security-policy");
    for (const char* part : {"default-src 'self'", "script-src 'self'", "style-src 'self'",
                             "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"}) {
      EXPECT_THAT(policy, testing::HasSubstr(part)) << path;
    }
    EXPECT_THAT(policy, testing::Not(testing::HasSubstr("unsafe")));
    EXPECT_EQ(header(response, "x-content-type-options"), "nosniff");
  }
}

TEST(UiTest, ABuildWithoutPagesSaysSo) {
  net::HttpResponse response = get("/", {}, {});
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, testing::HasSubstr("./dev build"));
}

}  // namespace
}  // namespace vedette::api
