#include "base/time_text.h"

#include <gtest/gtest.h>

namespace vedette::base {
namespace {

TEST(TimeText, Durations) {
  EXPECT_EQ(parse_duration_ns("250us"), 250'000);
  EXPECT_EQ(parse_duration_ns("250µs"), 250'000);
  EXPECT_EQ(parse_duration_ns("100ms"), 100'000'000);
  EXPECT_EQ(parse_duration_ns("1.5s"), 1'500'000'000);
  EXPECT_EQ(parse_duration_ns("1h30m"), 5400 * kNsPerSecond);
  EXPECT_EQ(parse_duration_ns("30d"), 30 * 86400 * kNsPerSecond);
  EXPECT_EQ(parse_duration_ns("0"), 0);
  EXPECT_EQ(parse_duration_ns("0s"), 0);
  for (const char* bad :
       {"", "5", "s", "-5s", "5 s", "1..5s", "5x", "1.s", "99999999999y", "1h30", "1e3s"}) {
    EXPECT_EQ(parse_duration_ns(bad), std::nullopt) << bad;
  }
}

TEST(TimeText, Rfc3339) {
  EXPECT_EQ(parse_rfc3339_ns("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339_ns("2026-01-31T12:00:00Z"), 1769860800 * kNsPerSecond);
  EXPECT_EQ(parse_rfc3339_ns("2026-01-31T13:00:00.123456789+01:00"), 1769860800123456789);
  for (const char* bad :
       {"", "2026-01-31", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00",
        "1969-12-31T23:59:59Z", "2026-01-31T12:00:00Zx", "+026-01-31T12:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339_ns(bad), std::nullopt) << bad;
  }
}

TEST(TimeText, SecondsKeepEveryNanosecond) {
  EXPECT_EQ(parse_seconds_ns("1769860800.123456789"), 1769860800123456789);
  EXPECT_EQ(parse_seconds_ns("4"), 4 * kNsPerSecond);
  EXPECT_EQ(parse_seconds_ns("1e9"), std::nullopt);
  EXPECT_EQ(parse_seconds_ns("99999999999999"), std::nullopt);
}

TEST(TimeText, Formats) {
  EXPECT_EQ(format_rfc3339_ms(1769860800123456789), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(format_duration(42'000'000), "42 ms");
  EXPECT_EQ(format_duration(1'500'000'000), "1.50 s");
}

}  // namespace
}  // namespace vedette::base
