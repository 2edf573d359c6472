#include "app/config.h"

#include <gmock/gmock.h>

namespace vedette::app {
namespace {

using ::testing::HasSubstr;

std::string problem(std::string_view yaml) {
  Config config;
  const Status status = read_config(yaml, "v.yaml", config);
  return status.ok() ? "" : status.error().message;
}

TEST(Config, EmptyFileKeepsTheDefaults) {
  EXPECT_EQ(problem(""), "");
  EXPECT_EQ(problem("# nothing\n"), "");
  EXPECT_EQ(problem("limits:\n"), "");
}

TEST(Config, ReadsEverything) {
  Config config;
  const Status status = read_config(R"(
listeners: {http: "0.0.0.0:80", otlp_http: none, otlp_grpc: "[::1]:4317"}
data: /var/lib/vedette
retention: 90d
durability: fsync
scrape:
  - job: shop
    targets: [127.0.0.1:8000, shop.internal:9000]
    interval: 5s
    path: /internal/metrics
    labels: {env: demo}
limits:
  request_body: 16MiB
  query_timeout: 1m
)",
                                    "v.yaml", config);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(config.listeners.http, "0.0.0.0:80");
  EXPECT_EQ(config.listeners.otlp_http, "");
  EXPECT_EQ(config.listeners.otlp_grpc, "[::1]:4317");
  EXPECT_EQ(config.data_dir, "/var/lib/vedette");
  EXPECT_EQ(config.retention, std::chrono::hours(90 * 24));
  EXPECT_EQ(config.durability, Durability::kFsync);
  ASSERT_EQ(config.scrape.size(), 1u);
  EXPECT_EQ(config.scrape[0].targets.size(), 2u);
  EXPECT_EQ(config.scrape[0].timeout, std::chrono::seconds(5)) << "never longer than the interval";
  EXPECT_EQ(config.scrape[0].labels[0].second, "demo");
  EXPECT_EQ(config.limits.request_body_bytes, 16u << 20);
  EXPECT_EQ(config.limits.query_timeout, std::chrono::minutes(1));
}

TEST(Config, ErrorsNameThePlaceAndTheRemedy) {
  EXPECT_EQ(problem("data: x\nretnetion: 30d\n"),
            "v.yaml:2:1: unknown key \"retnetion\" in the file; did you mean \"retention\"?");
  EXPECT_EQ(problem("listeners:\n  http: [1]\n"),
            "v.yaml:2:9: http must be a single value, not a list");
  EXPECT_THAT(problem("retention: 5\n"),
              HasSubstr("v.yaml:1:12: retention: \"5\" is no retention"));
  EXPECT_THAT(problem("listeners: 3\n"), HasSubstr("v.yaml:1:12: listeners must be a section"));
  EXPECT_THAT(problem("data: a\ndata: b\n"), HasSubstr("v.yaml:2:1: \"data\" is given twice"));
  EXPECT_THAT(problem("a: [\n"), HasSubstr("this is no YAML"));
  EXPECT_THAT(problem("- a\n"), HasSubstr("must be a section"));
  EXPECT_THAT(problem("--- {}\n--- {}\n"), HasSubstr("second document"));
  EXPECT_THAT(problem("scrape:\n  - targets: [a:1]\n"),
              HasSubstr("v.yaml:2:5: a scrape job needs a name"));
  EXPECT_THAT(problem("scrape:\n  - {job: a, targets: ['http://x:1/m']}\n"),
              HasSubstr("host:port alone"));
  EXPECT_THAT(problem("scrape:\n  - {job: a, targets: ['x:1'], interval: 1s, timeout: 2s}\n"),
              HasSubstr("longer than"));
  EXPECT_THAT(problem("scrape:\n  - {job: a, targets: ['x:1'], labels: {job: b}}\n"),
              HasSubstr("can't be a label"));
  EXPECT_THAT(problem("limits: {request_body: 1TB}\n"), HasSubstr("is no size"));
}

TEST(Config, SeveralProblemsAreToldAtOnce) {
  const std::string text = problem("foo: 1\ndurability: maybe\n");
  EXPECT_THAT(text, HasSubstr("v.yaml:1:1"));
  EXPECT_THAT(text, HasSubstr("v.yaml:2:13"));
}

TEST(Config, Addresses) {
  EXPECT_EQ(*parse_listen_address("localhost:1"), "127.0.0.1:1");
  EXPECT_EQ(*parse_listen_address(":4319"), "0.0.0.0:4319");
  EXPECT_EQ(*parse_listen_address("none"), "");
  for (const char* bad : {"", "4319", "host:", "host:99999", "::1:80", "http://x:1", "a b:1"}) {
    EXPECT_FALSE(parse_listen_address(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace vedette::app
