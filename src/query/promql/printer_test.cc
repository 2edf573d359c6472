#include "query/promql/printer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "query/promql/parser.h"

namespace vedette::promql {
namespace {

/// tests/golden/promql/format.txt: a query behind "> ", then its pretty form, then an empty line.
TEST(Printer, FormatsAsPrometheusDoes) {
  std::ifstream in(VEDETTE_SOURCE_DIR "/tests/golden/promql/format.txt");
  int cases = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("> ")) continue;
    const std::string query = line.substr(2);
    std::string expected;
    while (std::getline(in, line) && !line.empty())
      expected += (expected.empty() ? "" : "\n") + line;
    const auto expr = parse_expression(query);
    ASSERT_TRUE(expr.ok()) << query << ": " << expr.error().message;
    EXPECT_EQ(pretty(**expr), expected) << query;
    ++cases;

    // What is printed means the same: printed again, it does not change.
    const std::string printed = print(**expr);
    const auto again = parse_expression(printed);
    ASSERT_TRUE(again.ok()) << printed << ": " << again.error().message;
    EXPECT_EQ(print(**again), printed);
    const auto from_pretty = parse_expression(expected);
    ASSERT_TRUE(from_pretty.ok()) << expected;
    EXPECT_EQ(print(**from_pretty), printed);
  }
  EXPECT_GT(cases, 50);
}

}  // namespace
}  // namespace vedette::promql
