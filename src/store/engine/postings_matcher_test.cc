#include "store/engine/postings_matcher.h"

#include <gmock/gmock.h>

namespace vedette::store::engine {
namespace {

struct Case {
  MatchOp op;
  const char* pattern;
  std::vector<std::string> yes;
  std::vector<std::string> no;
};

class MatcherTable : public ::testing::TestWithParam<Case> {};

TEST_P(MatcherTable, TakesAndRefuses) {
  const Case& c = GetParam();
  const auto m = CompiledMatcher::compile({c.op, "l", c.pattern});
  ASSERT_TRUE(m.ok()) << m.error().message;
  for (const std::string& value : c.yes)
    EXPECT_TRUE(m->matches(value)) << c.pattern << " on \"" << value << '"';
  for (const std::string& value : c.no)
    EXPECT_FALSE(m->matches(value)) << c.pattern << " on \"" << value << '"';
}

constexpr auto kEq = MatchOp::kEqual;
constexpr auto kNe = MatchOp::kNotEqual;
constexpr auto kRe = MatchOp::kRegex;
constexpr auto kNr = MatchOp::kNotRegex;

INSTANTIATE_TEST_SUITE_P(
    All, MatcherTable,
    ::testing::Values(
        Case{kEq, "a", {"a"}, {"", "ab", "A"}}, Case{kEq, "", {""}, {"a"}},
        Case{kNe, "a", {"", "b", "aa"}, {"a"}}, Case{kNe, "", {"a"}, {""}},
        Case{kRe, "a", {"a"}, {"ab", "ba", ""}},  // anchored
        Case{kRe, "a|b|cd", {"a", "b", "cd"}, {"c", "ab", "", "a|b"}},
        Case{kRe, "a|", {"a", ""}, {"b"}},  // an empty alternative
        Case{kRe, "", {""}, {"a"}}, Case{kRe, ".*", {"", "a", "a\nb"}, {}},
        Case{kRe, ".+", {"a", "\n"}, {""}},
        Case{kRe, "foo.*", {"foo", "foobar", "foo\nbar"}, {"fo", "xfoo", ""}},
        Case{kRe, "foo.+", {"foobar"}, {"foo", "fo", ""}},
        Case{kRe, "foo.?", {"foo", "foob"}, {"foobar", "fo"}},
        Case{kRe, "fooo*", {"foo", "fooo"}, {"fo", "foob"}},  // the last letter is optional
        Case{kRe, "fo{0,2}", {"f", "fo", "foo"}, {"fooo"}},
        Case{kRe, "naïve?", {"naïv", "naïve"}, {"nav"}},
        Case{kRe, "abé*", {"ab", "abé", "abéé"}, {"a", "abe"}},
        Case{kRe, "foo.*|bar", {"foo", "foox", "bar"}, {"barx", "ba"}},
        Case{kRe, "foo|b.r", {"foo", "bar", "bxr"}, {"fo", "br"}},
        Case{kRe, "(?i)get", {"GET", "get", "Get"}, {"gets"}},
        Case{kRe, "4..", {"404", "4xx"}, {"40", "4040", "504"}},
        Case{kRe, "a\\.b", {"a.b"}, {"axb"}}, Case{kRe, "[45]..", {"404", "500"}, {"200"}},
        Case{kRe, "^a$", {"a"}, {"aa"}}, Case{kRe, "a.c", {"abc", "a\nc"}, {"ac"}},
        Case{kNr, "5..", {"", "404"}, {"500"}}, Case{kNr, ".+", {""}, {"a"}},
        Case{kNr, ".*", {}, {"", "a"}}, Case{kNr, "a|b", {"", "c"}, {"a", "b"}},
        Case{kNr, "a.*", {"b", ""}, {"a", "ab"}}));

TEST(MatcherTest, NamesTheFaultInARegularExpression) {
  const auto m = CompiledMatcher::compile({MatchOp::kRegex, "route", "a("});
  ASSERT_FALSE(m.ok());
  EXPECT_EQ(m.error().code, Code::kInvalidArgument);
  EXPECT_THAT(m.error().message, ::testing::HasSubstr("route"));
  EXPECT_THAT(m.error().message, ::testing::HasSubstr("a("));
}

}  // namespace
}  // namespace vedette::store::engine
