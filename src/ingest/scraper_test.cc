#include "ingest/scraper.h"

#include <gmock/gmock.h>

#include "ingest/fake_store.h"
#include "ingest/ingest.h"
#include "ingest/scrape_target.h"
#include "wire/prometheus_names.h"

namespace vedette::ingest {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

// "name{labels} value @ms"
std::vector<std::string> lines(const model::SampleBatch& batch) {
  std::vector<std::string> out;
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto labels = model::Labels::parse(batch.labels(batch.label_set[i]));
    EXPECT_TRUE(labels.ok());
    out.push_back(
        labels->to_string() + " " +
        (model::is_stale(batch.value[i]) ? "stale" : wire::format_label_number(batch.value[i])) +
        " @" + std::to_string(batch.time_ms[i]));
  }
  return out;
}

ScrapeTarget target(bool honor_labels = false, uint64_t limit = 0) {
  ScrapeTarget::Options options;
  options.labels = {{"job", "shop"}, {"instance", "a:1"}};
  options.honor_labels = honor_labels;
  options.sample_limit = limit;
  return ScrapeTarget(options);
}

std::vector<std::string> scrape(ScrapeTarget& target, std::string_view text, int64_t time_ms) {
  auto page = target.page(text, wire::ExpositionFormat::kText, time_ms);
  EXPECT_TRUE(page.ok());
  return page.ok() ? lines(page->batch) : std::vector<std::string>();
}

TEST(ScrapeTarget, AddsItsLabelsAndTheTime) {
  ScrapeTarget t = target();
  EXPECT_THAT(scrape(t, "up_time{x=\"y\"} 5\nold 1 77\n", 1000),
              ElementsAre("up_time{instance=\"a:1\", job=\"shop\", x=\"y\"} 5.0 @1000",
                          "old{instance=\"a:1\", job=\"shop\"} 1.0 @77"));
}

TEST(ScrapeTarget, LabelsThatClashAreExported) {
  ScrapeTarget t = target();
  EXPECT_THAT(
      scrape(t, "a{job=\"x\",exported_job=\"y\"} 1\n", 1),
      ElementsAre(
          R"(a{exported_exported_job="x", exported_job="y", instance="a:1", job="shop"} 1.0 @1)"));
  ScrapeTarget honest = target(true);
  EXPECT_THAT(scrape(honest, "a{job=\"x\",instance=\"\"} 1\n", 1),
              ElementsAre(R"(a{job="x"} 1.0 @1)"));
}

TEST(ScrapeTarget, WhatGoesAwayGetsAStaleMarker) {
  ScrapeTarget t = target();
  scrape(t, "a 1\nb 1\ntimed 1 5\n", 1);
  EXPECT_THAT(scrape(t, "a 2\n", 2),
              UnorderedElementsAre(HasSubstr("a{instance=\"a:1\", job=\"shop\"} 2.0 @2"),
                                   HasSubstr("b{instance=\"a:1\", job=\"shop\"} stale @2")));
  EXPECT_THAT(scrape(t, "a 3\n", 3), ElementsAre(HasSubstr("3.0 @3")));
  EXPECT_THAT(lines(t.failed(4)),
              ElementsAre(HasSubstr("a{instance=\"a:1\", job=\"shop\"} stale @4")));
  EXPECT_THAT(lines(t.failed(5)), IsEmpty());
}

TEST(ScrapeTarget, OneBadLineSpoilsThePage) {
  ScrapeTarget t = target();
  scrape(t, "a 1\n", 1);
  EXPECT_FALSE(t.page("a 2\nnever_stored 1\nbad\n", wire::ExpositionFormat::kText, 2).ok());
  EXPECT_THAT(lines(t.failed(2)),
              ElementsAre(HasSubstr("a{instance=\"a:1\", job=\"shop\"} stale @2")));
}

TEST(ScrapeTarget, TheFirstOfTwoCountsAndLimitsHold) {
  ScrapeTarget t = target();
  EXPECT_THAT(scrape(t, "a 1\na 2\n", 1), ElementsAre(HasSubstr("1.0 @1")));
  ScrapeTarget limited = target(false, 2);
  EXPECT_TRUE(limited.page("a 1\nb 1\n", wire::ExpositionFormat::kText, 1).ok());
  const auto over = limited.page("a 1\nb 1\nc 1\n", wire::ExpositionFormat::kText, 2);
  ASSERT_FALSE(over.ok());
  EXPECT_THAT(over.error().message, HasSubstr("sample_limit"));
}

TEST(ScrapeTarget, MetadataIsSentWhenItChanges) {
  ScrapeTarget t = target();
  const auto families = [&](std::string_view text) {
    std::vector<std::string> out;
    const auto page = t.page(text, wire::ExpositionFormat::kText, 1);
    for (const auto& m : page->batch.metadata) {
      out.push_back(m.family + " " + std::string(model::metric_type_name(m.type)) + " " + m.help);
    }
    return out;
  };
  EXPECT_THAT(families("# HELP a Help.\n# TYPE a counter\na 1\n"), ElementsAre("a counter Help."));
  EXPECT_THAT(families("# HELP a Help.\n# TYPE a counter\na 2\n"), IsEmpty());
  EXPECT_THAT(families("# HELP a Other.\n# TYPE a counter\na 2\n"),
              ElementsAre("a counter Other."));
}

TEST(ScrapeTarget, ExemplarsNameTheirTrace) {
  ScrapeTarget t = target();
  const auto page = t.page("a_total 1 # {trace_id=\"1f\",other=\"x\"} 0.5\n# EOF\n",
                           wire::ExpositionFormat::kOpenMetrics, 9);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->batch.exemplar_time_ms.size(), 1u);
  EXPECT_EQ(page->batch.exemplar_trace_id[0].lo, 0x1fu);
  EXPECT_EQ(page->batch.exemplar_time_ms[0], 9);
}

// Answers each request at once with what the test says.
class FakeClient final : public net::Client {
 public:
  void send(net::ClientRequest request, Done done) override {
    requests.push_back(std::move(request));
    if (hold) {
      held.push_back(std::move(done));
    } else {
      done(answer);
    }
  }
  std::vector<net::ClientRequest> requests;
  Result<net::HttpResponse> answer = net::HttpResponse{};
  bool hold = false;
  std::vector<Done> held;
};

class ScraperTest : public testing::Test {
 protected:
  void start(ScrapeConfig config) {
    auto created = Scraper::create({std::move(config)}, pipeline, client, scheduler, clock);
    ASSERT_TRUE(created.ok());
    scraper = std::move(*created);
    scraper->start();
  }
  void page(int status, const std::string& type, const std::string& body) {
    net::HttpResponse response;
    response.status = status;
    response.content_type = type;
    response.body = body;
    client.answer = response;
  }
  // All samples that were written while time went on by one interval.
  std::vector<std::string> next_scrape() {
    clock.advance(15'000'000'000);
    scheduler.run_due();
    std::vector<std::string> out;
    for (const auto& write : store.take()) {
      for (std::string& line : lines(*write.samples))
        out.push_back(line.substr(0, line.find(" @")));
    }
    return out;
  }

  FakeStore store;
  base::SimClock clock{1'700'000'000'000'000'000};
  SpanMetrics span_metrics{{}, 0};
  Pipeline pipeline{store, span_metrics, clock, {}};
  base::Scheduler scheduler{clock};
  FakeClient client;
  std::unique_ptr<Scraper> scraper;
};

TEST_F(ScraperTest, GoodAndBadScrapesAreTold) {
  start({.job = "shop", .targets = {"a:1"}, .labels = {{"env", "demo"}}});
  page(200, "text/plain; version=0.0.4", "orders 1\n");
  const std::string labels = R"({env="demo", instance="a:1", job="shop"})";
  EXPECT_THAT(next_scrape(), ElementsAre("orders" + labels + " 1.0", "up" + labels + " 1.0",
                                         "scrape_duration_seconds" + labels + " 0.0",
                                         "scrape_samples_scraped" + labels + " 1.0",
                                         "scrape_samples_post_metric_relabeling" + labels + " 1.0",
                                         "scrape_series_added" + labels + " 1.0"));
  EXPECT_EQ(client.requests[0].url, "http://a:1/metrics");
  EXPECT_TRUE(scraper->targets()[0].up);
  EXPECT_EQ(scraper->targets()[0].samples, 1u);

  for (const auto& [status, type, body, error] :
       std::vector<std::tuple<int, std::string, std::string, std::string>>{
           {500, "text/plain", "orders 1\n", "HTTP 500"},
           {200, "", "orders 1\n", "Content-Type"},
           {200, "text/plain", "orders\n", "line 1"}}) {
    page(200, "text/plain", "orders 1\n");
    next_scrape();
    page(status, type, body);
    const auto out = next_scrape();
    EXPECT_THAT(out, Contains("orders" + labels + " stale"));
    EXPECT_THAT(out, Contains("up" + labels + " 0.0"));
    EXPECT_FALSE(scraper->targets()[0].up);
    EXPECT_THAT(scraper->targets()[0].error, HasSubstr(error));
  }
}

TEST_F(ScraperTest, ASlowTargetIsNotScrapedTwiceAtOnce) {
  start({.job = "shop", .targets = {"a:1"}});
  client.hold = true;
  next_scrape();
  next_scrape();
  EXPECT_EQ(client.requests.size(), 1u);
  client.held[0](Error{Code::kDeadlineExceeded, "no answer in 10 s"});
  EXPECT_EQ(scraper->targets()[0].error, "no answer in 10 s");
  next_scrape();
  EXPECT_EQ(client.requests.size(), 2u);
}

TEST_F(ScraperTest, AfterStopNothingIsWritten) {
  start({.job = "shop", .targets = {"a:1"}});
  client.hold = true;
  next_scrape();
  scraper->stop();
  client.held[0](Error{Code::kCancelled, "stopped"});
  EXPECT_THAT(next_scrape(), IsEmpty());
  EXPECT_EQ(client.requests.size(), 1u);
}

TEST_F(ScraperTest, TargetsAreSpreadOverTheInterval) {
  ScrapeConfig config{.job = "shop", .targets = {}};
  for (int i = 0; i < 20; ++i) config.targets.push_back("host" + std::to_string(i) + ":1");
  start(config);
  page(200, "text/plain", "x 1\n");
  std::vector<size_t> by_second;
  for (int second = 0; second < 15; ++second) {
    const size_t before = client.requests.size();
    clock.advance(1'000'000'000);
    scheduler.run_due();
    by_second.push_back(client.requests.size() - before);
  }
  EXPECT_EQ(client.requests.size(), 20u);
  EXPECT_THAT(by_second, Not(Contains(testing::Gt(6u))));
}

TEST_F(ScraperTest, ConfigurationsThatMakeNoSenseAreRefused) {
  const auto error = [&](ScrapeConfig config) {
    const auto created = Scraper::create({std::move(config)}, pipeline, client, scheduler, clock);
    return created.ok() ? "" : created.error().message;
  };
  EXPECT_THAT(error({.job = "", .targets = {}}), HasSubstr("name"));
  EXPECT_THAT(error({.job = "a", .targets = {"http://x/metrics"}}), HasSubstr("host:port"));
  EXPECT_THAT(error({.job = "a", .targets = {}, .interval = milliseconds(0)}),
              HasSubstr("interval"));
  EXPECT_THAT(error({.job = "a", .targets = {}, .metrics_path = "metrics"}),
              HasSubstr("metrics_path"));
  EXPECT_THAT(error({.job = "a", .targets = {}, .labels = {{"a-b", "c"}}}), HasSubstr("a-b"));
}

TEST_F(ScraperTest, SpanMetricsAreWrittenEveryIntervalAndAtTheEnd) {
  auto created = Ingest::create({}, store, scheduler, client, clock);
  ASSERT_TRUE(created.ok());
  net::Router router;
  (*created)->add_to(router);
  (*created)->start();
  EXPECT_THAT(next_scrape(), IsEmpty());  // nothing to tell yet

  // One span, by OTLP in JSON.
  net::HttpRequest request;
  request.headers = {{"content-type", "application/json"}};
  request.body =
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET","spanId":"0102030405060708",
      "traceId":"0102030405060708090a0b0c0d0e0f10","endTimeUnixNano":"5"}]}]}]})";
  router.find_http("POST", "/v1/traces")
      .route->handler(std::move(request), net::Responder([](net::HttpResponse&& response) {
                        EXPECT_EQ(response.status, 200);
                      }));
  store.take();
  EXPECT_THAT(next_scrape(), Contains(HasSubstr("traces_span_metrics_calls_total")));
  (*created)->stop();
  EXPECT_EQ(store.take().size(), 1u);
  EXPECT_THAT(next_scrape(), IsEmpty());
}

}  // namespace
}  // namespace vedette::ingest
