#include "base/string_table.h"

#include <gtest/gtest.h>

namespace vedette::base {
namespace {

TEST(StringTable, NumbersDistinctStringsInOrderOfFirstUse) {
  StringTable table;
  EXPECT_EQ(table.intern(""), 0u);
  EXPECT_EQ(table.intern("a"), 1u);
  EXPECT_EQ(table.intern("b"), 2u);
  EXPECT_EQ(table.intern("a"), 1u);
  EXPECT_EQ(table[2], "b");
  EXPECT_EQ(table.size(), 3u);
}

TEST(StringTable, FindsOnlyWhatWasAdded) {
  StringTable table;
  for (int i = 0; i < 10'000; ++i) table.intern("key" + std::to_string(i));
  EXPECT_EQ(table.find("key9999"), 10'000u);
  EXPECT_EQ(table.find("key10000"), std::nullopt);
  EXPECT_EQ(table.view(*table.find("key77")), "key77");
}

TEST(StringTable, ClearKeepsTheEmptyString) {
  StringTable table;
  table.intern("a");
  table.clear();
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.find("a"), std::nullopt);
  EXPECT_EQ(table.find(""), 0u);
}

}  // namespace
}  // namespace vedette::base
