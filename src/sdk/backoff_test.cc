#include "sdk/backoff.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Backoff, GrowsAndIsNeverLongerThanTenSeconds) {
  for (const uint64_t random : {uint64_t{0}, uint64_t{123'456'789}, UINT64_MAX}) {
    Backoff backoff;
    int64_t now = 0;
    int64_t before = 0;
    for (int i = 0; i < 100; ++i) {
      const int64_t next = backoff.next(now, now, 0, random);
      EXPECT_GE(next - now, Backoff::kFirst / 2);
      EXPECT_LT(next - now, 10 * kSecond);
      if (random == 0) {
        EXPECT_GE(next - now, before);
      }
      before = next - now;
      now = next;
    }
  }
}

TEST(Backoff, JitterSpreadsWorkers) {
  Backoff one;
  Backoff other;
  EXPECT_NE(one.next(0, 0, 0, 1), other.next(0, 0, 0, 400'000'000));
}

TEST(Backoff, WhatTheServerAsksForIsGiven) {
  Backoff backoff;
  EXPECT_EQ(backoff.next(0, kSecond, 120 * kSecond, 0), 121 * kSecond);
}

TEST(Backoff, AnAttemptThatTookLongCountsAsPause) {
  Backoff backoff;
  for (int i = 0; i < 10; ++i) backoff.next(0, 0, 0, UINT64_MAX);
  const int64_t next = backoff.next(0, 10 * kSecond, 0, UINT64_MAX);
  EXPECT_GT(next, 10 * kSecond);
  EXPECT_LE(next, 10 * kSecond + Backoff::kFirst);
}

TEST(Backoff, StartsAnew) {
  Backoff backoff;
  for (int i = 0; i < 10; ++i) backoff.next(0, 0, 0, 0);
  backoff.reset();
  EXPECT_EQ(backoff.next(0, 0, 0, 0), Backoff::kFirst / 2);
}

}  // namespace
}  // namespace vedette::sdk
