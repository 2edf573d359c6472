#include "sdk/probability.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

TEST(Probability, ThresholdsAsTheSpecificationWritesThem) {
  struct Case {
    double ratio;
    const char* text;
  };
  const Case cases[] = {
      {1, "0"}, {0.5, "8"}, {0.25, "c"}, {0.1, "e6666666666666"}, {1e-3, "ffbe76c8b43958"}};
  for (const Case& c : cases) EXPECT_EQ(threshold_text(threshold_of(c.ratio)), c.text) << c.ratio;
  EXPECT_EQ(threshold_of(0), kThresholdMax);
  EXPECT_EQ(threshold_of(-1), kThresholdMax);
  EXPECT_EQ(threshold_of(2), 0u);
}

TEST(Probability, OnlyTheThresholdOfATracestateChanges) {
  struct Case {
    const char* header;
    uint64_t threshold;
    const char* expected;
  };
  const uint64_t half = threshold_of(0.5);
  const Case cases[] = {
      {"", half, "ot=th:8"},
      {"", 0, "ot=th:0"},
      {"", kThresholdMax, ""},
      {"a=1,b=2", half, "ot=th:8,a=1,b=2"},
      {"a=1 , ot=th:c;rv:0123456789abcd,b=2", half, "ot=th:8;rv:0123456789abcd,a=1,b=2"},
      {"ot=th:c", kThresholdMax, ""},
      {"ot=th:c,a=1", kThresholdMax, "a=1"},
      {"ot=x:1;th:c", kThresholdMax, "ot=x:1"},
      {",,ot=;;th:1,", 0, "ot=th:0"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(with_threshold(c.header, c.threshold), c.expected) << c.header;
}

TEST(Probability, RandomnessIsTheLowSevenBytes) {
  EXPECT_EQ(randomness_of({1, 0xff00000000000007}), 7u);
}

}  // namespace
}  // namespace vedette::sdk
