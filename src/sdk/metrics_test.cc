#include "sdk/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "sdk/metric_collection.h"

namespace vedette::sdk {
namespace {

using testing::HasSubstr;
using testing::Not;

std::shared_ptr<Metric> make(MetricOptions options) {
  auto metric = Metric::create(std::move(options));
  EXPECT_TRUE(metric.ok()) << (metric.ok() ? "" : metric.error().message);
  return *metric;
}

std::string text_of(std::unique_ptr<Collection> collection, Format format = Format::kText) {
  Scrape scrape;
  scrape.begin_group();
  scrape.add(std::move(collection));
  std::string out;
  TextWriter writer(out, format, Escaping::kUnderscores);
  scrape.collect(0, writer);
  writer.finish();
  return out;
}

std::string text_of(const std::shared_ptr<Metric>& metric) {
  return text_of(metric->begin());
}

TEST(Metrics, RendersACounterWithItsLabelsSortedAndEscaped) {
  auto counter = make({.type = MetricType::kCounter,
                       .name = "orders",
                       .help = "What\nfor \\",
                       .labels = {"z", "a"},
                       .created = false});
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
      {0, "0.0"},
      {1, "1.0"},
      {0.1, "0.1"},
      {1e21, "1e+21"},
      {-2.5, "-2.5"},
      {1e6, "1e+06"},
      {999999.0, "999999.0"},
      {1234567.5, "1.2345675e+06"},
      {-1e6, "-1000000.0"},
      {0.0001, "0.0001"},
      {1e-5, "1e-05"},
      {-0.0, "-0.0"},
      {INFINITY, "+Inf"},
      {-INFINITY, "-Inf"},
      {std::nan(""), "NaN"},
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

TEST(Metrics, RefusesWhatCannotBeShown) {
  const MetricOptions cases[] = {
      {.name = ""},
      {.name = "a", .help = "", .labels = {"x", "x"}},
      {.type = MetricType::kHistogram, .name = "a", .help = "", .labels = {}, .bounds = {2, 1}},
  };
  for (const MetricOptions& options : cases) EXPECT_FALSE(Metric::create(options).ok());
}

TEST(Metrics, EscapesNamesByEachScheme) {
  const struct {
    Escaping escaping;
    const char *metric, *label;
  } cases[] = {
      {Escaping::kUnderscores, "a_b_1", "x_y"},
      {Escaping::kAllowUtf8, "\"a.b:1 \\\\\"", "\"x.y\""},
      {Escaping::kDots, "a_dot_b:1____", "x_dot_y"},
      {Escaping::kValues, "U__a_2e_b:1_20__5c_", "U__x_2e_y"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(escape_name("x.y", c.escaping, true), c.label);
    if (c.escaping != Escaping::kUnderscores) {
      EXPECT_EQ(escape_name("a.b:1 \\", c.escaping, false), c.metric);
    }
  }
  EXPECT_EQ(escape_name("9a.b\u00e9", Escaping::kUnderscores, false), "_a_b_");
}

TEST(Metrics, CutsLongValuesBetweenCharacters) {
  auto counter = make({.type = MetricType::kCounter, .name = "c", .help = "", .labels = {"x"}});
  std::string value(kLabelBytesMax - 1, 'a');
  value += "\u00e9";
  EXPECT_EQ(counter->series({value})->labels().values()[0], std::string(kLabelBytesMax - 1, 'a'));
}

TEST(Metrics, CountsEveryIncrementOfThreadsThatTakeTurnsAndIsReadMeanwhile) {
  auto counter = make({.type = MetricType::kCounter, .name = "c", .help = "", .labels = {"t"}});
  std::mutex turn;
  std::atomic<bool> over{false};
  std::thread reader([&] {
    double before = 0;
    while (!over) {
      const double now = counter->series({"x"})->value();
      EXPECT_GE(now, before);
      before = now;
    }
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        const std::lock_guard lock(turn);
        counter->series({"x"})->add(1);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  over = true;
  reader.join();
  EXPECT_EQ(counter->series({"x"})->value(), 80'000);
}

TEST(Metrics, ReportsThisProcess) {
  const std::string out = text_of(process_metrics());
  EXPECT_THAT(out,
              HasSubstr("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "));
  EXPECT_THAT(out, HasSubstr("process_resident_memory_bytes "));
  EXPECT_THAT(out, HasSubstr("process_open_fds "));
}

}  // namespace
}  // namespace vedette::sdk
