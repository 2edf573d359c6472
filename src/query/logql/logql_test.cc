#include <gmock/gmock.h>

#include <fstream>

#include "query/logql/labels.h"
#include "query/logql/parser.h"

namespace vedette::logql {
namespace {

std::string quoted(const std::string& text) {
  store::Matcher m{store::MatchOp::kEqual, "x", text};
  const std::string printed = to_string(Query(LogQuery{{m}, {}, {}}));
  return printed.substr(3, printed.size() - 4);
}

std::string describe(const store::Predicate& p) {
  using store::Field;
  if (p.field == Field::kTraceId) return "trace " + p.trace_ids.at(0).hex();
  if (p.field == Field::kSpanId) return "span " + model::span_id_hex(p.number_u64);
  constexpr const char* kOps[] = {"=",  "!=", "<",  "<=",       ">",
                                  ">=", "=~", "!~", "contains", "!contains"};
  std::string out = p.field == Field::kService    ? "service"
                    : p.field == Field::kSeverity ? "severity"
                    : p.field == Field::kBody     ? "body"
                                                  : "attribute " + p.key;
  out += std::string(" ") + kOps[static_cast<size_t>(p.op)] + " ";
  if (!p.number) return out + quoted(p.text);
  char digits[32];
  return out + std::string(digits, std::to_chars(digits, digits + sizeof digits, *p.number).ptr);
}

/// Attributes that are stored under dotted names in these tests.
std::vector<std::string> keys_of_label(const std::string& label) {
  std::vector<std::string> keys;
  for (const std::string key : {"host.name", "http.status"}) {
    if (label_name(key) == label) keys.push_back(key);
  }
  return keys;
}

std::vector<std::string> run(const std::string& text) {
  const auto query = parse(text);
  if (!query.ok()) return {"! " + query.error().message};
  std::vector<std::string> lines{"= " + to_string(*query)};
  const auto* log = std::get_if<LogQuery>(&*query);
  if (!log) return lines;
  const auto where = conditions(*log, keys_of_label);
  if (!where.ok()) {
    lines.push_back("! " + where.error().message);
    return lines;
  }
  for (const store::Predicate& p : *where) lines.push_back("- " + describe(p));
  return lines;
}

TEST(LogQl, Golden) {
  std::ifstream file(std::string(VEDETTE_SOURCE_DIR) + "/tests/golden/logql.txt");
  ASSERT_TRUE(file);
  std::string line, query;
  std::vector<std::string> expected;
  int cases = 0;
  const auto check = [&] {
    if (query.empty()) return;
    EXPECT_EQ(run(query), expected) << "query: " << query;
    query.clear();
    expected.clear();
    ++cases;
  };
  while (std::getline(file, line)) {
    if (line.empty()) {
      check();
    } else if (query.empty() && line[0] == '#') {
      continue;
    } else if (query.empty()) {
      query = line;
    } else {
      expected.push_back(line);
    }
  }
  check();
  EXPECT_GT(cases, 25);
}

TEST(LogQl, HostileQueriesAreRefusedQuickly) {
  EXPECT_FALSE(parse(std::string(100'000, '(')).ok());
  EXPECT_FALSE(parse(std::string(60'000, '(')).ok());
  EXPECT_FALSE(parse(std::string(60'000, '(') + "{a=\"b\"}").ok());
  std::string powers = "1";
  for (int i = 0; i < 20'000; ++i) powers += "^1";
  EXPECT_FALSE(parse(powers).ok());
  std::string sum = "1";
  for (int i = 0; i < 20'000; ++i) sum += "+1";
  EXPECT_TRUE(parse(sum).ok()) << "long is not deep";
}

}  // namespace
}  // namespace vedette::logql
