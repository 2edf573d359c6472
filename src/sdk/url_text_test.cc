#include "sdk/url_text.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

std::string redacted(std::string_view url) {
  std::string out;
  append_redacted_url(out, split_url(url));
  return out;
}

TEST(UrlText, RedactsWhatGivesAccess) {
  const std::pair<const char*, const char*> cases[] = {
      {"http://a", "http://a"},
      {"https://a.b:8443/c/d?e=f#g", "https://a.b:8443/c/d?e=f#g"},
      {"http://user:pass@a/", "http://REDACTED:REDACTED@a/"},
      {"http://user@p@a/", "http://REDACTED:REDACTED@a/"},
      {"http://[::1]:80/x", "http://[::1]:80/x"},
      {"http://a/?sig=abc&x=1&Signature=zz", "http://a/?sig=REDACTED&x=1&Signature=REDACTED"},
      {"http://a/?X-Amz-Signature=1", "http://a/?X-Amz-Signature=REDACTED"},
      {"http://a/?sig", "http://a/?sig"},
      {"http://a?token=x&&y", "http://a?token=REDACTED&&y"},
  };
  for (const auto& [given, expected] : cases) EXPECT_EQ(redacted(given), expected) << given;
}

TEST(UrlText, SplitsHostAndPort) {
  const UrlParts parts = split_url("https://u:p@[2001:db8::1]:444/p?q");
  EXPECT_EQ(parts.host, "2001:db8::1");
  EXPECT_EQ(parts.port, 444u);
  EXPECT_EQ(parts.userinfo, "u:p");
  EXPECT_EQ(effective_port(split_url("https://a/")), 443u);
  EXPECT_EQ(effective_port(split_url("http://a:/")), 80u);
  EXPECT_EQ(effective_port(split_url("ws://a/")), 0u);
  EXPECT_EQ(split_url("no url").host, "");
}

}  // namespace
}  // namespace vedette::sdk
