#include "store/engine/sample_table.h"

#include <gmock/gmock.h>

#include "store/engine/sample_test_kit.h"

namespace vedette::store::engine::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNow = 1'700'000'000'000;

TEST(SampleTable, GivesBackWhatWasWritten) {
  Bench bench;
  const auto up = labels({{"__name__", "up"}});
  bench.write({{up, kNow, 1}, {up, kNow + 15'000, model::stale_marker()}});
  const Oracle held = read_all(*bench.table);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held.at(up.canonical()).at(kNow + 15'000), model::kStaleBits);
  EXPECT_EQ(bench.table->series_count(), 1u);
}

TEST(SampleTable, RefusesWhatIsTooOldAndSaysSo) {
  Bench bench;
  model::SampleBatch batch;
  const auto up = labels({{"__name__", "up"}});
  add(batch, up, kNow - 10, 1);
  add(batch, up, kNow, 2);
  add(batch, up, INT64_MAX, 3);
  WriteOutcome outcome;
  bench.table->apply(batch, kNow - 5, outcome);
  EXPECT_EQ(outcome.rejected_samples, 2u);
  EXPECT_THAT(outcome.reason, HasSubstr("older than the retention"));
  EXPECT_EQ(read_all(*bench.table).at(up.canonical()).size(), 1u);
}

TEST(SampleTable, RefusesOneBadLabelSetAndKeepsTheOthers) {
  Bench bench;
  model::SampleBatch batch;
  batch.add(batch.add_label_set("nonsense"), kNow, 1);
  add(batch, labels({{"__name__", "up"}}), kNow, 2);
  WriteOutcome outcome;
  bench.table->apply(batch, 0, outcome);
  EXPECT_EQ(outcome.rejected_samples, 1u);
  EXPECT_THAT(outcome.reason, HasSubstr("protobuf"));
  EXPECT_EQ(read_all(*bench.table).size(), 1u);
}

TEST(SampleTable, ReadsHalfOpenRangesOfNanoseconds) {
  Bench bench;
  const auto up = labels({{"__name__", "up"}});
  bench.write({{up, 1000, 1}, {up, 2000, 2}, {up, 3000, 3}});
  const auto times = [&](int64_t begin_ns, int64_t end_ns) {
    std::vector<int64_t> out;
    for (const auto& [labels, samples] : read_all(*bench.table, {begin_ns, end_ns})) {
      for (const auto& [t, v] : samples) out.push_back(t);
    }
    return out;
  };
  EXPECT_THAT(times(1'000'000'000, 3'000'000'000), ::testing::ElementsAre(1000, 2000));
  EXPECT_THAT(times(1'000'000'001, 3'000'000'001), ::testing::ElementsAre(2000, 3000));
}

TEST(SampleTable, KeepsTheNewestExemplarsOfASeries) {
  Bench bench;
  model::SampleBatch batch;
  const auto set = labels({{"__name__", "h_bucket"}, {"le", "1"}});
  const uint32_t number = batch.add_label_set(set.canonical());
  batch.add(number, kNow, 1);
  for (int i = 0; i < 20; ++i) {
    batch.add_exemplar(number, kNow + i, i, {1, static_cast<uint64_t>(i)}, 5,
                       labels({{"trace_id", "x"}}).canonical());
  }
  batch.add_exemplar(number, kNow + 19, 19, {1, 19}, 5,
                     labels({{"trace_id", "x"}}).canonical());  // a retry
  bench.apply(batch);
  const auto series = bench.table->series({}, {}, {});
  const std::vector<SeriesId> ids = {series->at(0).id};
  const auto found = bench.table->exemplars(ids, {}, 100, {});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 8u);
  EXPECT_EQ(found->front().time_ms, kNow + 12);
  EXPECT_EQ(found->back().trace_id, (model::TraceId{1, 19}));
  EXPECT_EQ(found->back().labels.get("trace_id"), "x");
  const auto limited = bench.table->exemplars(ids, {}, 2, {});
  ASSERT_EQ(limited->size(), 2u);
  EXPECT_EQ(limited->front().time_ms, kNow + 18);
}

TEST(SampleTable, RemembersTheLastMetadataOfAFamily) {
  Bench bench;
  model::SampleBatch batch;
  batch.metadata = {{"up", model::MetricType::kGauge, "old", ""},
                    {"x", model::MetricType::kCounter, "", "s"}};
  bench.apply(batch);
  batch.metadata = {{"up", model::MetricType::kGauge, "Is it up?", ""}};
  bench.apply(batch);
  EXPECT_EQ(bench.table->metadata("").size(), 2u);
  ASSERT_EQ(bench.table->metadata("up").size(), 1u);
  EXPECT_EQ(bench.table->metadata("up")[0].help, "Is it up?");
  EXPECT_TRUE(bench.table->metadata("nothing").empty());
}

}  // namespace
}  // namespace vedette::store::engine::testing
