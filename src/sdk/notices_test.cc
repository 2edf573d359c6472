#include "sdk/notices.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class NoticesTest : public ::testing::Test {
 protected:
  /// What is written to standard error by say(), without the prefix.
  std::string said(std::string_view cause, int64_t second, std::string_view text) {
    ::testing::internal::CaptureStderr();
    notices_.say(cause, second * kSecond, text);
    const std::string line = ::testing::internal::GetCapturedStderr();
    return line.empty() ? "" : line.substr(9, line.size() - 10);
  }

  Notices notices_;
};

TEST_F(NoticesTest, ACauseIsSaidOnceAMinute) {
  EXPECT_EQ(said("HTTP 503", 5, "one"), "one");
  EXPECT_EQ(said("HTTP 503", 6, "two"), "");
  EXPECT_EQ(said("HTTP 503", 64, "three"), "");
  EXPECT_EQ(said("HTTP 503", 65, "four"), "four");
  EXPECT_EQ(said("HTTP 503", 66, "five"), "");
}

TEST_F(NoticesTest, CausesAreApart) {
  EXPECT_EQ(said("HTTP 503", 1, "one"), "one");
  EXPECT_EQ(said("connect: Connection refused", 2, "two"), "two");
  EXPECT_EQ(said("HTTP 503", 3, "three"), "");
  EXPECT_EQ(said("connect: timed out", 4, "four"), "");
}

TEST_F(NoticesTest, WordsOfTheServerAreNoCauseOfTheirOwn) {
  EXPECT_EQ(said("gRPC UNAVAILABLE: try at 10:01", 1, "one"), "one");
  EXPECT_EQ(said("gRPC UNAVAILABLE: try at 10:02", 2, "two"), "");
}

TEST_F(NoticesTest, CausesWithoutEndAreOne) {
  int lines = 0;
  for (int i = 0; i < 1000; ++i) lines += !said("HTTP " + std::to_string(i), 1, "x").empty();
  EXPECT_LE(lines, 101);
}

}  // namespace
}  // namespace vedette::sdk
