#include "wire/exposition.h"

#include <gmock/gmock.h>

#include "wire/prometheus_names.h"

namespace vedette::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// Each entry as a line of its own; the last one is the error, if any.
std::vector<std::string> entries(std::string_view text, ExpositionFormat format) {
  std::vector<std::string> out;
  ExpositionParser parser(text, format);
  const auto labels_of = [](const std::vector<ExpositionLabel>& labels) {
    std::string line;
    for (const auto& [name, value] : labels) {
      line += std::string(name) + "=" + std::string(value) + " ";
    }
    return line;
  };
  while (true) {
    const auto entry = parser.next();
    if (!entry.ok()) {
      out.push_back("error: " + entry.error().message);
      return out;
    }
    switch (*entry) {
      case ExpositionParser::Entry::kEnd:
        return out;
      case ExpositionParser::Entry::kType:
        out.push_back("type " + std::string(parser.family()) + " " +
                      std::string(model::metric_type_name(parser.type())));
        break;
      case ExpositionParser::Entry::kHelp:
        out.push_back("help " + std::string(parser.family()) + " " + parser.metadata_text());
        break;
      case ExpositionParser::Entry::kUnit:
        out.push_back("unit " + std::string(parser.family()) + " " + parser.metadata_text());
        break;
      case ExpositionParser::Entry::kSample: {
        std::string line = labels_of(parser.labels()) + format_label_number(parser.value());
        if (parser.time_ms()) line += " @" + std::to_string(*parser.time_ms());
        if (parser.exemplar()) {
          line += " # " + labels_of(parser.exemplar()->labels) +
                  format_label_number(parser.exemplar()->value);
          if (parser.exemplar()->time_ms)
            line += " @" + std::to_string(*parser.exemplar()->time_ms);
        }
        out.push_back(line);
      }
    }
  }
}

auto text(std::string_view t) {
  return entries(t, ExpositionFormat::kText);
}
auto open_metrics(std::string_view t) {
  return entries(t, ExpositionFormat::kOpenMetrics);
}

TEST(Exposition, TextFormat) {
  EXPECT_THAT(text("# HELP http_requests_total The total\\nnumber \\\\ of \"requests\".\n"
                   "# TYPE http_requests_total counter\n"
                   "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
                   "\n"
                   "  # just a comment\n"
                   "#TYPE is a comment too\n"
                   "\tup 1\n"
                   "a{x=\"a\\\\b\\\"c\\nd\\q\",} NaN\n"
                   "b {  x = \"1\" , y=\"\" }   -1.5e3   -7\n"
                   "c +Inf"),
              ElementsAre("help http_requests_total The total\nnumber \\ of \"requests\".",
                          "type http_requests_total counter",
                          "__name__=http_requests_total method=post code=200 1027.0 @1395066363000",
                          "__name__=up 1.0", "__name__=a x=a\\b\"c\nd\\q NaN",
                          "__name__=b x=1 y= -1500.0 @-7", "__name__=c +Inf"));
}

TEST(Exposition, NamesInQuotes) {
  EXPECT_THAT(text("{\"my.metric\",\"a label\"=\"x\"} 1\n# TYPE \"my.metric\" gauge\n"),
              ElementsAre("__name__=my.metric a label=x 1.0", "type my.metric gauge"));
  EXPECT_THAT(open_metrics("{\"gr\u00f6\u00dfe\"} 1\n# EOF\n"), ElementsAre("__name__=größe 1.0"));
}

TEST(Exposition, BoundsAreNumbers) {
  EXPECT_THAT(text("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                   "# TYPE s summary\ns{quantile=\"0.50\"} 1\n# TYPE g gauge\ng{le=\"1\"} 1\n"),
              ElementsAre("type h histogram", "__name__=h_bucket le=1.0 1.0",
                          "__name__=h_bucket le=+Inf 2.0", "type s summary",
                          "__name__=s quantile=0.5 1.0", "type g gauge", "__name__=g le=1 1.0"));
}

TEST(Exposition, TextFormatRefuses) {
  const auto refuses = [](std::string_view bad, const char* why) {
    const auto out = text(bad);
    ASSERT_FALSE(out.empty()) << bad;
    EXPECT_THAT(out.back(), StartsWith("error: line ")) << bad;
    EXPECT_THAT(out.back(), HasSubstr(why)) << bad;
  };
  refuses("a 1\r\n", "number");
  refuses("a 0x1p3\n", "number");
  refuses("a 1_000\n", "number");
  refuses("a\n", "behind the metric's name");
  refuses("a{b=\"c\"}\n", "number");
  refuses("a{b=\"c\" 1\n", ", or }");
  refuses("a{b=\"c} 1\n", "does not end");
  refuses("a{b=c} 1\n", "in quotes");
  refuses("a{b} 1\n", "expected =");
  refuses("a{b=\"1\",b=\"2\"} 1\n", "twice");
  refuses("{b=\"1\"} 1\n", "no name");
  refuses("{\"x\",\"y\"} 1\n", "twice");
  refuses("a{\"x\"} 1\n", "expected =");
  refuses("a{b=\"\xff\"} 1\n", "UTF-8");
  refuses("a 1 2.5\n", "milliseconds");
  refuses("a 1 2 3\n", "end of the line");
  refuses("a 1 # {x=\"y\"} 1\n", "end of the line");
  refuses("1a 1\n", "name of a metric");
  refuses("# TYPE a thing\n", "type");
  refuses("# TYPE a unknown\n", "type");
  refuses("# HELP 1 x\n", "name of a metric");
  refuses("a 1e999\n", "number");
  EXPECT_THAT(text("ok 1\n\nbad"), ElementsAre("__name__=ok 1.0", StartsWith("error: line 3: ")));
}

TEST(Exposition, OpenMetrics) {
  EXPECT_THAT(
      open_metrics(
          "# TYPE latency_seconds histogram\n"
          "# UNIT latency_seconds seconds\n"
          "# HELP latency_seconds How \\\"long\\\".\n"
          "latency_seconds_bucket{le=\"1\"} 2 1.5 # {trace_id=\"1f\"} 0.25 1520879607.789\n"
          "latency_seconds_bucket{le=\"+Inf\"} 3 # {} 4\n"
          "# TYPE orders counter\n"
          "orders_total 1\n"
          "orders_created 1.25\n"
          "# TYPE build info\n"
          "build_info{v=\"1\"} 1\n"
          "# EOF\n"),
      ElementsAre(
          "type latency_seconds histogram", "unit latency_seconds seconds",
          "help latency_seconds How \"long\".",
          "__name__=latency_seconds_bucket le=1.0 2.0 @1500 # trace_id=1f 0.25 @1520879607789",
          "__name__=latency_seconds_bucket le=+Inf 3.0 # 4.0", "type orders counter",
          "__name__=orders_total 1.0", "__name__=orders_created 1.25", "type build info",
          "__name__=build_info v=1 1.0"));
  EXPECT_THAT(open_metrics("# EOF"), ElementsAre());
}

TEST(Exposition, OpenMetricsRefuses) {
  const auto refuses = [](std::string_view bad, const char* why) {
    const auto out = open_metrics(bad);
    ASSERT_FALSE(out.empty()) << bad;
    EXPECT_THAT(out.back(), HasSubstr(why)) << bad;
  };
  refuses("", "# EOF");
  refuses("a 1\n", "# EOF");
  refuses("a 1\n# EOF\na 2\n", "follow");
  refuses("a 1\n# EOF\n\n", "follow");
  refuses("\na 1\n# EOF\n", "name of a metric");
  refuses("# comment\n# EOF\n", "expected # TYPE");
  refuses("# UNIT a_seconds \n# EOF\n", "unit");
  refuses("# UNIT a_seconds bytes\n# EOF\n", "unit");
  refuses("# TYPE a untyped\n# EOF\n", "type");
  refuses("a 1 NaN\n# EOF\n", "timestamp");
  refuses("a 1 # {x=\"y\"}\n# EOF\n", "exemplar");
  refuses("a 1 # EOF\n", "end of the line");
}

TEST(Exposition, FormatsByContentType) {
  EXPECT_EQ(exposition_format("text/plain; version=0.0.4; charset=utf-8"), ExpositionFormat::kText);
  EXPECT_EQ(exposition_format("text/plain"), ExpositionFormat::kText);
  EXPECT_EQ(exposition_format("application/openmetrics-text; version=1.0.0"),
            ExpositionFormat::kOpenMetrics);
  EXPECT_EQ(exposition_format(""), std::nullopt);
  EXPECT_EQ(exposition_format("text/html"), std::nullopt);
}

}  // namespace
}  // namespace vedette::wire
