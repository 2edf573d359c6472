#include "sdk/secrets.h"

#include <gtest/gtest.h>

#include "sdk/span_record.h"

namespace vedette::sdk {
namespace {

struct Reset {
  ~Reset() { EXPECT_TRUE(configure_secrets({}).ok()); }
};

TEST(Secrets, KeysNameThemByTheirLastPart) {
  struct Case {
    const char* key;
    KeyKind kind;
  };
  const Case cases[] = {
      {"authorization", KeyKind::kSecret},
      {"http.request.header.authorization", KeyKind::kSecret},
      {"http.request.header.Proxy-Authorization", KeyKind::kSecret},
      {"http.response.header.set-cookie", KeyKind::kSecret},
      {"http.request.header.x_api_key", KeyKind::kSecret},
      {"db.password", KeyKind::kSecret},
      {"PASSWORD", KeyKind::kSecret},
      {"a.key.that.is.far.longer.than.what.a.thread.remembers.password", KeyKind::kSecret},
      {"password.policy", KeyKind::kPlain},
      {"session.id", KeyKind::kPlain},
      {"gen_ai.usage.input_tokens", KeyKind::kPlain},
      {"token_count", KeyKind::kPlain},
      {"http.route", KeyKind::kPlain},
      {"", KeyKind::kPlain},
      {".", KeyKind::kPlain},
      {"url.full", KeyKind::kUrl},
      {"url.query", KeyKind::kUrl},
      {"db.connection_string", KeyKind::kUrl},
      {"exception.message", KeyKind::kUrl},
      {"url.path", KeyKind::kPlain},
  };
  for (int round = 0; round < 2; ++round) {
    for (const Case& c : cases) EXPECT_EQ(kind_of_key(c.key), c.kind) << c.key;
  }
}

TEST(Secrets, UrlsLoseWhatGivesAccess) {
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case cases[] = {
      {"https://example.com/a?b=c", "https://example.com/a?b=c"},
      {"https://u:p@example.com/", "https://REDACTED:REDACTED@example.com/"},
      {"https://token@example.com", "https://REDACTED@example.com"},
      {"postgresql+asyncpg://shop:p@ss@db:5432/shop",
       "postgresql+asyncpg://REDACTED:REDACTED@db:5432/shop"},
      {"https://example.com/@anna", "https://example.com/@anna"},
      {"cannot connect to redis://:pw@cache:6379/0, nor to redis://:pw@other",
       "cannot connect to redis://REDACTED:REDACTED@cache:6379/0, nor to "
       "redis://REDACTED:REDACTED@other"},
      {"https://h/p?token=abc&x=1", "https://h/p?token=REDACTED&x=1"},
      {"https://h/p?x=1&API_KEY=abc#end", "https://h/p?x=1&API_KEY=REDACTED#end"},
      {"password=hunter2&x=1", "password=REDACTED&x=1"},
      {"/search?q=password=1", "/search?q=password=1"},
      {"https://u:p@h/?access_token=t", "https://REDACTED:REDACTED@h/?access_token=REDACTED"},
      {"anna@example.com", "anna@example.com"},
      {"://@", "://REDACTED@"},
      {"=", "="},
      {"?password=", "?password=REDACTED"},
  };
  for (const Case& c : cases) {
    std::string kept;
    EXPECT_EQ(masked_text(KeyKind::kUrl, c.text, kept), c.expected);
  }
}

TEST(Secrets, KeysAndPatternsOfTheApplication) {
  const Reset reset;
  EXPECT_EQ(kind_of_key("customer.iban"), KeyKind::kPlain);
  ASSERT_TRUE(
      configure_secrets({.keys = {"IBAN", "card.number"}, .patterns = {"\\d{4}-\\d{4}"}}).ok());
  EXPECT_EQ(kind_of_key("customer.iban"), KeyKind::kSecret);
  EXPECT_EQ(kind_of_key("card.number"), KeyKind::kSecret);
  EXPECT_EQ(kind_of_key("house.number"), KeyKind::kPlain);
  EXPECT_TRUE(facts_of_key("anything").masks);
  std::string kept;
  EXPECT_EQ(masked_text(KeyKind::kPlain, "card 1234-5678 and 1111-2222", kept),
            "card [REDACTED] and [REDACTED]");
  EXPECT_FALSE(configure_secrets({.patterns = {"("}}).ok());
  EXPECT_EQ(kind_of_key("customer.iban"), KeyKind::kSecret) << "what was before holds";
  ASSERT_TRUE(configure_secrets({.enabled = false}).ok());
  EXPECT_EQ(kind_of_key("password"), KeyKind::kPlain);
}

TEST(Secrets, SpansNeverHoldThem) {
  SpanLimits limits;
  SpanRecord record;
  record.set_string("password", "hunter2", limits);
  record.set_int("pwd", 4711, limits);
  record.set_string("url.full", "https://u:hunter2@h/", limits);
  SpanRecord::Open open;
  EXPECT_FALSE(record.begin_attribute("http.request.header.cookie", &open));
  std::string all(record.body().view());
  EXPECT_EQ(all.find("hunter2"), all.npos);
  size_t hidden = 0, count = 0;
  record.each_attribute([&](std::string_view item) {
    ++count;
    if (item.find(kHidden) != item.npos) ++hidden;
  });
  EXPECT_EQ(count, 4u);
  EXPECT_EQ(hidden, 3u);
}

}  // namespace
}  // namespace vedette::sdk
