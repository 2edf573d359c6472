#include "sdk/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace vedette::sdk {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<Metric> make(MetricOptions options) {
  auto metric = Metric::create(std::move(options));
  EXPECT_TRUE(metric.ok()) << (metric.ok() ? "" : metric.error().message);
  return *metric;
}

std::string text_of(const std::shared_ptr<Metric>& metric) {
  Registry registry;
  EXPECT_TRUE(registry.add(metric).ok());
  std::string out;
  Registry::render(registry.snapshot(), out);
  return out;
}

TEST(Metrics, RendersACounterWithItsLabelsSortedAndEscaped) {
  auto counter = make({.type = MetricType::kCounter,
                       .name = "orders",
                       .help = "What\nfor \\",
                       .labels = {"z", "a"}});
  counter->series({"last", "q\"\\\n"})->add(2);
  EXPECT_EQ(text_of(counter),
            "# HELP orders_total What\\nfor \\\\\n# TYPE orders_total counter\n"
            "orders_total{a=\"q\\\"\\\\\\n\",z=\"last\"} 2.0\n");
}

TEST(Metrics, RendersAHistogramCumulatively) {
  auto histogram = make({.type = MetricType::kHistogram,
                         .name = "h",
                         .help = "",
                         .labels = {"x", "b"},
                         .bounds = {0.5, 1}});
  auto series = histogram->series({"1", "2"});
  for (double amount : {0.5, 0.7, 3.0, std::nan("")}) histogram->observe(*series, amount);
  const std::string text = text_of(histogram);
  EXPECT_THAT(text, HasSubstr("h_bucket{b=\"2\",le=\"0.5\",x=\"1\"} 1.0\n"));
  EXPECT_THAT(text, HasSubstr("h_bucket{b=\"2\",le=\"1.0\",x=\"1\"} 2.0\n"));
  EXPECT_THAT(text, HasSubstr("h_bucket{b=\"2\",le=\"+Inf\",x=\"1\"} 4.0\n"));
  EXPECT_THAT(text, HasSubstr("h_count{b=\"2\",x=\"1\"} 4.0\n"));
  EXPECT_THAT(text, HasSubstr("h_sum{b=\"2\",x=\"1\"} NaN\n"));
}

TEST(Metrics, HistogramWithoutLabelsHasNoBraces) {
  auto histogram =
      make({.type = MetricType::kHistogram, .name = "h", .help = "", .labels = {}, .bounds = {1}});
  histogram->observe(*histogram->series({}), 2);
  EXPECT_THAT(text_of(histogram), HasSubstr("h_count 1.0\nh_sum 2.0\n"));
}

TEST(Metrics, NumbersAreWrittenAsPrometheusReadsThem) {
  const std::pair<double, const char*> cases[] = {
      {0, "0.0"},     {1, "1.0"},         {0.1, "0.1"},        {1e21, "1e+21"},
      {-2.5, "-2.5"}, {INFINITY, "+Inf"}, {-INFINITY, "-Inf"}, {std::nan(""), "NaN"},
  };
  for (const auto& [value, expected] : cases) {
    std::string out;
    append_number(out, value);
    EXPECT_EQ(out, expected);
  }
}

TEST(Metrics, SeriesBeyondTheLimitShareOne) {
  auto counter = make({.type = MetricType::kCounter,
                       .name = "c",
                       .help = "",
                       .labels = {"user", "kind"},
                       .bounds = {},
                       .series_max = 3});
  for (int i = 0; i < 10; ++i) counter->series({std::to_string(i), "k"})->add(1);
  counter->series({"1", "k"})->add(1);  // known: still its own
  const std::string text = text_of(counter);
  EXPECT_THAT(text, HasSubstr("c_total{kind=\"k\",user=\"1\"} 2.0\n"));
  EXPECT_THAT(text, HasSubstr("c_total{kind=\"__overflow__\",user=\"__overflow__\"} 7.0\n"));
  EXPECT_THAT(text, Not(HasSubstr("user=\"7\"")));
}

TEST(Metrics, RefusesBadNamesAndSaysWhich) {
  const MetricOptions cases[] = {
      {.name = "1a"},
      {.name = "a b"},
      {.name = "a", .help = "", .labels = {"__x"}},
      {.name = "a", .help = "", .labels = {"x", "x"}},
      {.type = MetricType::kHistogram, .name = "a", .help = "", .labels = {"le"}},
      {.type = MetricType::kHistogram, .name = "a", .help = "", .labels = {}, .bounds = {2, 1}},
  };
  for (const MetricOptions& options : cases) EXPECT_FALSE(Metric::create(options).ok());
}

TEST(Registry, RefusesTwoMetricsWithOneSampleName) {
  Registry registry;
  EXPECT_TRUE(registry.add(make({.type = MetricType::kCounter, .name = "a"})).ok());
  auto gauge = make({.type = MetricType::kGauge, .name = "a_total"});
  EXPECT_FALSE(registry.add(gauge).ok());
  auto other = make({.type = MetricType::kGauge, .name = "b"});
  EXPECT_TRUE(registry.add(other).ok());
  registry.remove(other.get());
  EXPECT_TRUE(registry.add(make({.type = MetricType::kGauge, .name = "b"})).ok());
}

TEST(Metrics, CountsEveryIncrementOfManyThreads) {
  auto counter = make({.type = MetricType::kCounter, .name = "c", .help = "", .labels = {"t"}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) counter->series({"x"})->add(1);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter->series({"x"})->value(), 80'000);
}

TEST(Metrics, ReportsThisProcess) {
  std::string out;
  render_process_metrics(out);
  EXPECT_THAT(out,
              HasSubstr("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "));
  EXPECT_THAT(out, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(out, HasSubstr("process_open_fds "));
}

}  // namespace
}  // namespace vedette::sdk
