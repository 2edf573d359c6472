#include "sdk/ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace vedette::sdk {
namespace {

bool put(Ring& ring, std::string_view bytes, uint32_t source = 7) {
  char* at = ring.reserve(bytes.size(), source);
  if (!at) return false;
  std::memcpy(at, bytes.data(), bytes.size());
  Ring::commit(at);
  return true;
}

std::string take(Ring& ring) {
  Ring::Record record;
  if (!ring.peek(&record)) return "-";
  std::string bytes(record.bytes);
  ring.pop();
  return bytes;
}

TEST(Ring, GivesBackWhatWasPutInOrder) {
  Ring ring(1 << 16);
  EXPECT_EQ(take(ring), "-");
  EXPECT_TRUE(put(ring, "one"));
  EXPECT_TRUE(put(ring, ""));
  EXPECT_TRUE(put(ring, "three"));
  Ring::Record record;
  ASSERT_TRUE(ring.peek(&record));
  EXPECT_EQ(record.source, 7u);
  EXPECT_EQ(take(ring), "one");
  EXPECT_EQ(take(ring), "");
  EXPECT_EQ(take(ring), "three");
  EXPECT_EQ(take(ring), "-");
}

TEST(Ring, RefusesTheNewestWhenFullAndWorksOnAfterwards) {
  Ring ring(1 << 16);
  const std::string record(1000, 'x');
  int taken = 0;
  while (put(ring, record)) ++taken;
  EXPECT_GE(taken, 60);
  EXPECT_EQ(take(ring), record);
  EXPECT_TRUE(put(ring, record));
  for (int i = 0; i < taken; ++i) EXPECT_EQ(take(ring), record);
  EXPECT_EQ(take(ring), "-");
  EXPECT_EQ(ring.bytes_used(), 0u);
}

TEST(Ring, RefusesARecordThatWouldFillAQuarter) {
  Ring ring(1 << 16);
  EXPECT_FALSE(put(ring, std::string(1 << 15, 'x')));
  EXPECT_TRUE(put(ring, std::string(1 << 13, 'x')));
}

TEST(Ring, AnUncommittedRecordHidesThoseBehindIt) {
  Ring ring(1 << 16);
  char* first = ring.reserve(3, 1);
  EXPECT_TRUE(put(ring, "second"));
  EXPECT_EQ(take(ring), "-");
  std::memcpy(first, "abc", 3);
  Ring::commit(first);
  EXPECT_EQ(take(ring), "abc");
  EXPECT_EQ(take(ring), "second");
}

TEST(Ring, KeepsEveryRecordOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRecords = 20'000;
  Ring ring(1 << 16);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRecords; ++i) {
        // Sizes differ, so that records meet the end of the memory at every offset.
        const std::string record =
            std::to_string(i) + std::string(static_cast<size_t>(i % 97), '.');
        while (!put(ring, record, static_cast<uint32_t>(t))) {
          refused.fetch_add(1);
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<int> next(kThreads, 0);
  for (int seen = 0; seen < kThreads * kRecords;) {
    Ring::Record record;
    if (!ring.peek(&record)) {
      std::this_thread::yield();
      continue;
    }
    int& expected = next[record.source];
    ASSERT_EQ(record.bytes.substr(0, record.bytes.find('.')), std::to_string(expected));
    ++expected;
    ++seen;
    ring.pop();
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(take(ring), "-");
}

}  // namespace
}  // namespace vedette::sdk
