// Bounds of the parser. What it accepts and refuses is in tests/golden/promql/syntax.test.
#include "query/promql/parser.h"

#include <gtest/gtest.h>

namespace vedette::promql {
namespace {

std::string repeat(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST(Parser, RefusesBottomlessNesting) {
  for (const std::string& query :
       {repeat("(", 100'000) + "1" + repeat(")", 100'000), repeat("-(", 100'000),
        repeat("sum(", 100'000), "1" + repeat("+1", 100'000), "1" + repeat("^1", 100'000),
        "x" + repeat(" or x", 100'000), "x" + repeat("[1m:1s] offset 1s", 10),
        repeat("-", 100'000) + "x", repeat("abs(", 5'000) + "x"}) {
    const auto result = parse_expression(query);
    ASSERT_FALSE(result.ok()) << query.substr(0, 20);
    EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  }
}

TEST(Parser, TakesWhatPeopleAndTheirToolsWrite) {
  EXPECT_TRUE(parse_expression(repeat("(", 300) + "1" + repeat(")", 300)).ok());
  EXPECT_TRUE(parse_expression("x" + repeat(" or x", 500)).ok());
}

TEST(Parser, RefusesTextWithoutEnd) {
  const auto result = parse_expression(std::string(2u << 20, ' ') + "1");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
}

TEST(Parser, ReadsSelectors) {
  const auto matchers = parse_selector(R"(up{job=~"a|b", "x.y"!="z"})");
  ASSERT_TRUE(matchers.ok());
  ASSERT_EQ(matchers->size(), 3u);
  EXPECT_EQ((*matchers)[0].op, store::MatchOp::kRegex);
  EXPECT_EQ((*matchers)[1].name, "x.y");
  EXPECT_EQ((*matchers)[2].value, "up");
  for (const char* bad : {"", "up[5m]", "up offset 5m", "1", "sum(up)", "up{", "up up", "\"up\""}) {
    EXPECT_FALSE(parse_selector(bad).ok()) << bad;
  }
}

TEST(Parser, KnowsWhichMatchersAMissingLabelMeets) {
  const auto meets = [](store::MatchOp op, const char* value) {
    return matches_empty({op, "l", value});
  };
  EXPECT_TRUE(meets(store::MatchOp::kEqual, ""));
  EXPECT_FALSE(meets(store::MatchOp::kEqual, "x"));
  EXPECT_TRUE(meets(store::MatchOp::kNotEqual, "x"));
  EXPECT_FALSE(meets(store::MatchOp::kNotEqual, ""));
  EXPECT_TRUE(meets(store::MatchOp::kRegex, "x|"));
  EXPECT_FALSE(meets(store::MatchOp::kRegex, ".+"));
  EXPECT_TRUE(meets(store::MatchOp::kNotRegex, ".+"));
  EXPECT_FALSE(meets(store::MatchOp::kNotRegex, ".*"));
}

}  // namespace
}  // namespace vedette::promql
