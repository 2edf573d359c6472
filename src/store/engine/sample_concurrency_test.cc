// Readers next to the writer thread and the background thread: what was acknowledged is seen, whole
// and once, while heads are frozen, flushed and merged under the read. Worth most under the thread
// sanitizer.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "store/engine/sample_test_kit.h"

namespace vedette::store::engine::testing {
namespace {

constexpr int64_t kBegin = 19'675 * int64_t{86'400'000};
constexpr int kSeries = 20;
constexpr int64_t kScrapes = 600;

TEST(SampleConcurrency, ReadsSeeAllThatWasAcknowledged) {
  Bench bench;
  SampleTable& table = *bench.table;
  std::atomic<int64_t> acknowledged{0};
  std::atomic<bool> frozen{false};
  std::atomic<bool> done{false};

  std::thread writer([&] {
    for (int64_t t = 1; t <= kScrapes; ++t) {
      model::SampleBatch batch;
      for (int i = 0; i < kSeries; ++i) {
        add(batch, labels({{"__name__", "up"}, {"i", std::to_string(i)}}), kBegin + t,
            static_cast<double>(t));
      }
      add(batch, labels({{"__name__", "new"}, {"t", std::to_string(t)}}), kBegin + t, 1);
      WriteOutcome outcome;
      table.apply(batch, 0, outcome);
      acknowledged = t;
      if (t % 20 == 0 && !frozen && table.freeze()) frozen = true;
    }
    done = true;
  });
  std::thread background([&] {
    while (!done || frozen) {
      if (frozen) {
        const auto added = table.write_frozen();
        ASSERT_TRUE(added.ok());
        table.publish({{}, *added, true});
        frozen = false;
      }
      const auto picked = table.pick_merge();
      if (picked.empty()) {
        std::this_thread::yield();
        continue;
      }
      const auto added = table.merge(picked, kKeepAll);
      ASSERT_TRUE(added.ok());
      table.publish({picked, *added, false});
    }
  });
  const std::vector<Matcher> matchers = {{MatchOp::kRegex, "__name__", "u.*|x"},
                                         {MatchOp::kNotEqual, "i", "3"}};
  for (int64_t known = 0; known < kScrapes;) {
    known = acknowledged;
    const auto series = table.series(matchers, {}, {});
    ASSERT_TRUE(series.ok());
    if (known == 0) continue;
    ASSERT_EQ(series->size(), static_cast<size_t>(kSeries - 1));
    std::vector<SeriesId> ids;
    for (const Series& s : *series) ids.push_back(s.id);
    const TimeRange range{kBegin * 1'000'000, (kBegin + known + 1) * 1'000'000};
    size_t visited = 0;
    const Status status = table.samples(ids, range, {}, [&](size_t, auto times, auto values) {
      ++visited;
      EXPECT_EQ(times.size(), static_cast<size_t>(known));
      for (size_t i = 0; i < times.size(); ++i) {
        EXPECT_EQ(times[i], kBegin + 1 + static_cast<int64_t>(i));
        EXPECT_EQ(values[i], static_cast<double>(i + 1));
      }
      return !::testing::Test::HasFailure();
    });
    ASSERT_TRUE(status.ok());
    ASSERT_EQ(visited, ids.size());
    ValuesQuery query;
    query.key = "t";
    ASSERT_GE(table.label_values(query, {})->size(), static_cast<size_t>(known));
    (void)table.stats();
  }
  writer.join();
  background.join();
  EXPECT_THAT(bench.reports, ::testing::IsEmpty());
}

}  // namespace
}  // namespace vedette::store::engine::testing
