// Runs tests/golden/promql/*.test, written in the language of Prometheus's own PromQL tests:
//
//   load 5m                                     samples from time 0, one each 5 minutes
//     metric{label="value"} 1 2+3x4 _ stale     2+3x4 is 2 5 8 11 14; _ is none, _x3 three times
//     none
//   clear
//   eval instant at 50m <query>                 also run as a range query around that time
//     expect fail [msg: text | regex: re]       or warn, no_warn, info, no_info, ordered, string
//     "…" {label="value"} 42                        a series of the answer, or a bare scalar
//   eval range from 0 to 10m step 5m <query>
//     metric 1 _ 3
//   eval instant at 1m metric[2m]
//     expect range vector from 1m to 2m step 1m
//     metric 1 2
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "query/promql/memory_store.h"
#include "query/promql/parser.h"
#include "query/promql/query.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

struct SeriesLine {
  model::Labels labels;
  std::vector<std::optional<double>> values;
};

struct Expectation {
  bool fail = false, ordered = false;
  std::optional<bool> warn, info;
  std::vector<std::pair<std::string, std::string>> texts;  // kind ("fail msg", "warn regex"), text
  std::optional<std::string> string;
  std::optional<double> scalar;
  std::optional<TimeSteps> range_vector;
  std::vector<SeriesLine> series;
};

std::string trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

/// "5m", "90", "-10s"
int64_t time_of(const std::string& text) {
  const bool negative = text.starts_with("-");
  const std::string digits = text.substr(negative ? 1 : 0);
  int64_t ms = 0;
  if (const auto seconds = parse_float(digits)) {
    ms = std::llround(*seconds * 1000);
  } else {
    const auto duration = parse_duration(digits);
    EXPECT_TRUE(duration.ok()) << text;
    if (duration.ok()) ms = *duration;
  }
  return negative ? -ms : ms;
}

void append_values(const std::string& word, std::vector<std::optional<double>>& out) {
  if (word == "stale") {
    out.push_back(model::stale_marker());
    return;
  }
  static const RE2 kRun(
      "(_|[-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|[Ii]nf|NaN))([-+][0-9.]+(?:[eE][-+]?[0-9]+)?)?(?:x(["
      "0-9]+))?");
  std::string first, delta, times;
  ASSERT_TRUE(RE2::FullMatch(word, kRun, &first, &delta, &times)) << "bad value: " << word;
  const int n = times.empty() ? 0 : std::stoi(times);
  if (first == "_") {
    out.insert(out.end(), static_cast<size_t>(std::max(n, 1)), std::nullopt);
    return;
  }
  double value = *parse_float(first);
  const double step = delta.empty() ? 0 : *parse_float(delta);
  for (int i = 0; i <= n; ++i, value += step) out.push_back(value);
}

SeriesLine series_line(const std::string& line) {
  SeriesLine out;
  size_t end = 0;
  bool braces = false, quotes = false;
  for (; end < line.size() && (braces || line[end] != ' '); ++end) {
    if (line[end] == '\\' && quotes)
      ++end;
    else if (line[end] == '"')
      quotes = !quotes;
    else if (line[end] == '{' && !quotes)
      braces = true;
    else if (line[end] == '}' && !quotes)
      braces = false;
  }
  const std::string metric = line.substr(0, end);
  if (metric != "{}") {
    const auto matchers = parse_selector(metric);
    EXPECT_TRUE(matchers.ok()) << line;
    if (matchers.ok()) {
      for (const store::Matcher& m : *matchers) out.labels.set(m.name, m.value);
    }
  }
  std::istringstream words(line.substr(end));
  for (std::string word; words >> word;) append_values(word, out.values);
  return out;
}

bool close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-10 * std::max(std::abs(a), std::abs(b));
}

class Script {
 public:
  explicit Script(const std::filesystem::path& path) : file_(path.filename().string()) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines_.push_back(line);
  }

  void run() {
    while (at_ < lines_.size()) {
      const std::string line = trim(lines_[at_++]);
      if (line.empty() || line[0] == '#') continue;
      if (line == "clear") {
        store_.clear();
      } else if (line.starts_with("load ")) {
        load(time_of(line.substr(5)));
      } else if (line.starts_with("eval ")) {
        SCOPED_TRACE(file_ + ":" + std::to_string(at_) + ": " + line);
        eval(line.substr(5));
      } else {
        ADD_FAILURE() << file_ << ":" << at_ << ": not a command: " << line;
      }
    }
  }

 private:
  /// The next line that belongs to the command, without its indentation.
  std::optional<std::string> next_line() {
    while (at_ < lines_.size()) {
      const std::string line = trim(lines_[at_]);
      if (line.empty() || (lines_[at_][0] != ' ' && lines_[at_][0] != '\t')) return std::nullopt;
      ++at_;
      if (line[0] != '#') return line;
    }
    return std::nullopt;
  }

  void load(int64_t step_ms) {
    while (const auto line = next_line()) {
      const SeriesLine series = series_line(*line);
      for (size_t i = 0; i < series.values.size(); ++i) {
        if (series.values[i])
          store_.add(series.labels, static_cast<int64_t>(i) * step_ms, *series.values[i]);
      }
    }
  }

  static void expect_line(const std::string& line, Expectation& out) {
    static const RE2 kText("(fail|warn|info) (msg|regex): ?(.*)");
    static const RE2 kRange("range vector from (\\S+) to (\\S+) step (\\S+)");
    std::string kind, how, text, from, to, step;
    if (RE2::FullMatch(line, kText, &kind, &how, &text)) {
      out.texts.emplace_back(kind + " " + how, text);
    } else if (RE2::FullMatch(line, kRange, &from, &to, &step)) {
      out.range_vector = TimeSteps{time_of(from), time_of(to), time_of(step)};
      return;
    } else if (line.starts_with("string ")) {
      out.string = unquote(trim(line.substr(7)));
      return;
    } else {
      kind = line;
    }
    if (kind == "fail")
      out.fail = true;
    else if (kind == "ordered")
      out.ordered = true;
    else if (kind == "warn" || kind == "no_warn")
      out.warn = kind == "warn";
    else if (kind == "info" || kind == "no_info")
      out.info = kind == "info";
    else
      ADD_FAILURE() << "unknown expectation: " << line;
  }

  Expectation expectation() {
    Expectation out;
    while (const auto line = next_line()) {
      if (line->starts_with("expect ")) {
        expect_line(line->substr(7), out);
      } else if (const auto scalar = parse_float(*line)) {
        out.scalar = scalar;
      } else {
        out.series.push_back(series_line(*line));
      }
    }
    return out;
  }

  void eval(const std::string& command) {
    static const RE2 kInstant("instant at (\\S+)\\s+(.*)");
    static const RE2 kRange("range from (\\S+) to (\\S+) step (\\S+)\\s+(.*)");
    std::string from, to, step, query;
    if (RE2::FullMatch(command, kInstant, &from, &query)) {
      const Expectation expected = expectation();
      instant(time_of(from), query, expected);
    } else if (RE2::FullMatch(command, kRange, &from, &to, &step, &query)) {
      const Expectation expected = expectation();
      range({time_of(from), time_of(to), time_of(step)}, query, expected);
    } else {
      ADD_FAILURE() << "not an evaluation: " << command;
    }
  }

  static void check_texts(const Expectation& expected, const std::string& kind,
                          const std::vector<std::string>& got) {
    for (const auto& [how, text] : expected.texts) {
      if (!how.starts_with(kind)) continue;
      const bool exact = how.ends_with(" msg");
      EXPECT_TRUE(std::any_of(
          got.begin(), got.end(),
          [&](const std::string& t) { return exact ? t == text : RE2::PartialMatch(t, text); }))
          << kind << " expected: " << text << "\ngot: " << testing::PrintToString(got);
    }
  }

  /// False where the query failed, as expected or not.
  static bool check_state(const Result<QueryResult>& got, const Expectation& expected) {
    if (expected.fail) {
      EXPECT_FALSE(got.ok()) << "should fail";
      if (!got.ok()) check_texts(expected, "fail", {got.error().message});
      return false;
    }
    EXPECT_TRUE(got.ok()) << got.error().message;
    if (!got.ok()) return false;
    EXPECT_EQ(!got->warnings.empty(), expected.warn.value_or(!got->warnings.empty()))
        << testing::PrintToString(got->warnings);
    EXPECT_EQ(!got->infos.empty(), expected.info.value_or(!got->infos.empty()))
        << testing::PrintToString(got->infos);
    check_texts(expected, "warn", got->warnings);
    check_texts(expected, "info", got->infos);
    return true;
  }

  static std::string describe(const QueryResult& got) {
    std::string out;
    for (const SeriesResult& series : got.series) {
      out += "  " + series.labels.to_string();
      for (const Point& p : series.points)
        out += " " + format_sample(p.value) + "@" + format_time(p.time_ms);
      out += "\n";
    }
    return out;
  }

  static void compare_points(const SeriesLine& want, const SeriesResult& got, TimeSteps steps) {
    std::vector<Point> points;
    for (size_t i = 0; i < want.values.size(); ++i) {
      if (want.values[i])
        points.push_back(
            {steps.start_ms + static_cast<int64_t>(i) * steps.step_ms, *want.values[i]});
    }
    ASSERT_EQ(points.size(), got.points.size()) << want.labels.to_string();
    for (size_t i = 0; i < points.size(); ++i) {
      EXPECT_EQ(points[i].time_ms, got.points[i].time_ms) << want.labels.to_string();
      EXPECT_TRUE(close(points[i].value, got.points[i].value))
          << want.labels.to_string() << " at " << points[i].time_ms << ": want "
          << format_sample(points[i].value) << ", got " << format_sample(got.points[i].value);
    }
  }

  static void compare(const Expectation& expected, const QueryResult& got, TimeSteps steps) {
    EXPECT_EQ(expected.series.size(), got.series.size()) << "got:\n" << describe(got);
    if (expected.series.size() != got.series.size()) return;
    for (size_t i = 0; i < expected.series.size(); ++i) {
      const SeriesLine& want = expected.series[i];
      const auto found =
          std::find_if(got.series.begin(), got.series.end(),
                       [&](const SeriesResult& s) { return s.labels == want.labels; });
      ASSERT_NE(found, got.series.end()) << "missing " << want.labels.to_string() << ", got:\n"
                                         << describe(got);
      if (expected.ordered) {
        EXPECT_EQ(found - got.series.begin(), static_cast<ptrdiff_t>(i)) << "order:\n"
                                                                         << describe(got);
      }
      compare_points(want, *found, steps);
    }
  }

  Result<QueryResult> query_range(TimeSteps steps, const std::string& query) {
    ASSIGN_OR_RETURN(const NodePtr expr, parse_expression(query));
    return run_range(*expr, query, steps, store_, {}, {});
  }

  void instant(int64_t time_ms, const std::string& query, const Expectation& expected) {
    const auto run = [&]() -> Result<QueryResult> {
      ASSIGN_OR_RETURN(const NodePtr expr, parse_expression(query));
      return run_instant(*expr, query, time_ms, store_, {}, {});
    };
    const Result<QueryResult> got = run();
    if (!check_state(got, expected)) return;
    if (expected.string) {
      EXPECT_EQ(got->type, ValueType::kString);
      EXPECT_EQ(got->text, *expected.string);
      return;
    }
    if (expected.scalar) {
      EXPECT_EQ(got->type, ValueType::kScalar);
      EXPECT_TRUE(close(*expected.scalar, got->scalar.value))
          << "got " << format_sample(got->scalar.value);
    } else {
      compare(expected, *got, expected.range_vector.value_or(TimeSteps{time_ms, time_ms, 1}));
    }
    if (got->type != ValueType::kMatrix && query.find("@ start()") == std::string::npos &&
        query.find("@ end()") == std::string::npos) {
      instant_as_range(time_ms, query, *got);
    }
  }

  /// A range query must give the same at that step.
  void instant_as_range(int64_t time_ms, const std::string& query, const QueryResult& instant) {
    SCOPED_TRACE("as a range query");
    const auto range = query_range({time_ms - 60'000, time_ms + 60'000, 60'000}, query);
    if (!range.ok()) return;  // other steps may have duplicates
    QueryResult at;
    for (const SeriesResult& series : range->series) {
      for (const Point& point : series.points) {
        if (point.time_ms == time_ms) at.series.push_back({series.labels, {point}});
      }
    }
    Expectation expected;
    if (instant.type == ValueType::kScalar) expected.series.push_back({{}, {instant.scalar.value}});
    for (const SeriesResult& s : instant.series)
      expected.series.push_back({s.labels, {s.points[0].value}});
    compare(expected, at, {time_ms, time_ms, 1});
  }

  void range(TimeSteps steps, const std::string& query, const Expectation& expected) {
    const Result<QueryResult> got = query_range(steps, query);
    if (check_state(got, expected)) compare(expected, *got, steps);
  }

  std::string file_;
  std::vector<std::string> lines_;
  size_t at_ = 0;
  MemoryStore store_;
};

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, Script) {
  Script(GetParam()).run();
}

std::vector<std::string> scripts() {
  std::vector<std::string> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(VEDETTE_SOURCE_DIR "/tests/golden/promql")) {
    if (entry.path().extension() == ".test") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(scripts()), [](const auto& info) {
  return std::filesystem::path(info.param).stem().string();
});

}  // namespace
}  // namespace vedette::promql
