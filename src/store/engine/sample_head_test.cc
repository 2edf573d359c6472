#include "store/engine/sample_head.h"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <thread>

#include "model/sample_batch.h"

namespace vedette::store::engine {
namespace {

using ::testing::ElementsAre;

SampleRun all(const SampleHead& head, SeriesId id, int64_t begin = INT64_MIN,
              int64_t end = INT64_MAX) {
  SampleRun run;
  head.collect(id, begin, end, run);
  return run;
}

TEST(SampleHead, KeepsTheLastWriteOfATime) {
  SampleHead head;
  head.append(1, 100, 1);
  head.append(1, 200, 2);
  head.append(1, 200, 3);  // corrects the newest
  head.append(1, 100, 4);  // and an old one, twice
  head.append(1, 100, 5);
  head.append(1, 150, 6);
  const SampleRun run = all(head, 1);
  EXPECT_THAT(run.time_ms, ElementsAre(100, 150, 200));
  EXPECT_THAT(run.value, ElementsAre(5, 6, 3));
  EXPECT_TRUE(all(head, 2).empty());
}

TEST(SampleHead, TakesAnIdenticalSampleOnce) {
  SampleHead head;
  head.append(1, 100, model::stale_marker());
  head.append(1, 100, model::stale_marker());
  EXPECT_EQ(head.rows(), 1u);
  ASSERT_EQ(all(head, 1).size(), 1u);
  EXPECT_TRUE(model::is_stale(all(head, 1).value[0]));
}

TEST(SampleHead, CutsChunksWhereTimesJump) {
  SampleHead head;
  const std::vector<int64_t> times = {0, 1, int64_t{1} << 40, (int64_t{1} << 40) + 5,
                                      int64_t{1} << 41};
  for (int64_t t : times) head.append(7, t, static_cast<double>(t));
  EXPECT_EQ(all(head, 7).time_ms, times);
  EXPECT_THAT(all(head, 7, 1, (int64_t{1} << 40) + 5).time_ms, ElementsAre(1, int64_t{1} << 40));
}

TEST(SampleHead, AgreesWithAMap) {
  std::mt19937 random(3);
  SampleHead head;
  std::map<SeriesId, std::map<int64_t, double>> model;
  for (int i = 0; i < 20'000; ++i) {
    const SeriesId id = random() % 20 * 700;
    const bool late = random() % 10 == 0;
    const int64_t time = late ? random() % 20'000 : i;
    const double value = random() % 5;
    head.append(id, time, value);
    model[id][time] = value;
  }
  for (const auto& [id, samples] : model) {
    for (const auto& [begin, end] :
         {std::pair<int64_t, int64_t>{0, 20'000}, {5'000, 5'100}, {19'000, 30'000}}) {
      const SampleRun run = all(head, id, begin, end);
      std::map<int64_t, double> got;
      for (size_t i = 0; i < run.size(); ++i) got.emplace(run.time_ms[i], run.value[i]);
      EXPECT_EQ(got.size(), run.size());
      EXPECT_EQ(got,
                (std::map<int64_t, double>(samples.lower_bound(begin), samples.lower_bound(end))));
    }
  }
}

TEST(SampleHead, ReadersSeeAPrefixWhileItIsWritten) {
  SampleHead head;
  std::atomic<int64_t> acknowledged{0};
  std::thread writer([&] {
    for (int64_t i = 1; i <= 20'000; ++i) {
      head.append(static_cast<SeriesId>(i % 3), i, static_cast<double>(i));
      if (i % 50 == 0)
        head.append(static_cast<SeriesId>(i % 3), i - 30, static_cast<double>(i - 30));
      acknowledged.store(i);
    }
  });
  int64_t known = 0;
  while (known < 20'000) {
    known = acknowledged.load();
    size_t seen = 0;
    for (SeriesId id = 0; id < 3; ++id) {
      const SampleRun run = all(head, id, INT64_MIN, known + 1);
      for (size_t i = 0; i < run.size(); ++i)
        ASSERT_EQ(run.value[i], static_cast<double>(run.time_ms[i]));
      seen += run.size();
    }
    ASSERT_GE(seen, static_cast<size_t>(known));
  }
  writer.join();
}

}  // namespace
}  // namespace vedette::store::engine
