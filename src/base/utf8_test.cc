#include "base/utf8.h"

#include <gtest/gtest.h>

namespace vedette::base {
namespace {

TEST(Utf8, AcceptsWellFormedText) {
  for (const char* text :
       {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x90\x8e", "\xef\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_EQ(sanitize_utf8(text), text);
  }
}

TEST(Utf8, RefusesWhatIsNotWellFormed) {
  const char* bad[] = {"\x80",     "\xc0\xaf",       "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                       "\xe2\x82", "long enough\xff"};
  for (const char* text : bad) EXPECT_FALSE(is_utf8(text));
}

TEST(Utf8, ReplacesEachBadByte) {
  EXPECT_EQ(sanitize_utf8("a\xff"
                          "b\xc3"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
}

}  // namespace
}  // namespace vedette::base
