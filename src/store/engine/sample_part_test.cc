// Parts as files: what survives a restart, damage, failed writes, and which parts are merged.
#include "store/engine/sample_part.h"

#include <gmock/gmock.h>

#include <cmath>

#include "store/engine/sample_compactor.h"
#include "store/engine/sample_merge_policy.h"
#include "store/engine/sample_test_kit.h"

namespace vedette::store::engine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kNow = 19'675 * kDay + kDay / 2;  // where the clock of Bench stands, to the hour

model::Labels numbered(int i) {
  return labels({{"__name__", "requests_total"}, {"i", std::to_string(i)}, {"job", "shop"}});
}

/// `samples` of each of `series`, scraped together, with values that don't compress.
void scrape(Bench& bench, int series, int samples, int64_t begin = kNow) {
  for (int s = 0; s < samples; ++s) {
    model::SampleBatch batch;
    for (int i = 0; i < series; ++i)
      add(batch, numbered(i), begin + s * 15'000, std::sin(i * 1000 + s));
    bench.apply(batch);
  }
}

TEST(SampleParts, ComeBackAfterARestart) {
  Bench bench;
  scrape(bench, 50, 20);
  model::SampleBatch more;
  const auto bucket = labels({{"__name__", "h_bucket"}, {"le", "1"}});
  const auto alone =
      labels({{"__name__", "h_bucket"}, {"le", "2"}});  // has exemplars and no samples
  more.metadata = {{"requests_total", model::MetricType::kCounter, "Requests.", ""}};
  add(more, bucket, kNow, model::stale_marker());
  more.add_exemplar(0, kNow, 0.5, {1, 2}, 3, labels({{"trace_id", "abc"}}).canonical());
  more.add_exemplar(more.add_label_set(alone.canonical()), kNow + 1, 1.5, {4, 5}, 6, "");
  bench.apply(more);
  const Oracle before = read_all(*bench.table);
  bench.flush();
  ASSERT_THAT(bench.manifest, SizeIs(1));
  EXPECT_EQ(bench.manifest[0].rows, 50u * 20 + 1);
  EXPECT_EQ(bench.manifest[0].min_time_ns, kNow * 1'000'000);
  EXPECT_EQ(bench.manifest[0].bytes, bench.fs.files.begin()->second->size());
  EXPECT_EQ(read_all(*bench.table), before);
  bench.restart();
  EXPECT_EQ(read_all(*bench.table), before);
  EXPECT_EQ(bench.table->series_count(), 52u);
  EXPECT_EQ(bench.table->head_bytes(), 0u);
  EXPECT_FALSE(bench.table->freeze());
  EXPECT_EQ(bench.table->metadata("requests_total").at(0).help, "Requests.");
  const auto series =
      bench.table->series(std::vector<Matcher>{{MatchOp::kEqual, "__name__", "h_bucket"}}, {}, {});
  ASSERT_THAT(*series, SizeIs(2));
  const std::vector<SeriesId> ids = {series->at(0).id, series->at(1).id};
  const auto exemplars = bench.table->exemplars(ids, {}, 10, {});
  ASSERT_THAT(*exemplars, SizeIs(2));
  EXPECT_EQ(exemplars->at(0).labels.get("trace_id"), "abc");
  EXPECT_EQ(exemplars->at(1).trace_id, (model::TraceId{4, 5}));
  EXPECT_THAT(bench.reports, IsEmpty());
}

TEST(SampleParts, KeepMetadataThatComesAlone) {
  Bench bench;
  model::SampleBatch batch;
  batch.metadata = {{"x", model::MetricType::kGauge, "first", ""}};
  bench.apply(batch);
  bench.flush();
  ASSERT_THAT(bench.manifest, SizeIs(1));
  batch.metadata[0].help = "second";
  bench.apply(batch);
  bench.flush();
  bench.apply(batch);  // no news
  bench.flush();
  ASSERT_THAT(bench.manifest, SizeIs(2));
  std::swap(bench.manifest[0], bench.manifest[1]);
  bench.restart();
  EXPECT_EQ(bench.table->metadata("x").at(0).help, "second");
  std::vector<std::string> files = {bench.manifest[0].file, bench.manifest[1].file};
  bench.merge(files);
  bench.restart();
  EXPECT_EQ(bench.table->metadata("x").at(0).help, "second");
}

TEST(SampleParts, AreOnePerDayAndOneForOutliers) {
  Bench bench;
  const auto up = labels({{"__name__", "up"}});
  for (int day = 0; day < 20; ++day) {
    for (int i = 0; i <= day; ++i) bench.write({{up, kNow - day * kDay + i, 1.0 * i}});
  }
  bench.write({{up, 4'000'000'000'000, 1}});  // a clock in the year 2096
  const Oracle all = read_all(*bench.table);
  bench.flush();
  EXPECT_THAT(bench.manifest, SizeIs(SampleCompactor::kFlushDays + 1));
  EXPECT_EQ(read_all(*bench.table), all);
  bench.restart();
  EXPECT_EQ(read_all(*bench.table), all);
}

TEST(SampleParts, ServeTheRestOfADamagedFile) {
  Bench bench;
  scrape(bench, 200, 60);  // floats: many pages
  const Oracle before = read_all(*bench.table);
  bench.flush();
  std::string& file = *bench.fs.files.begin()->second;
  file[file.size() / 3] ^= 0x40;
  bench.restart();
  const Oracle after = read_all(*bench.table);
  EXPECT_LT(after.size(), before.size());
  EXPECT_GT(after.size(), before.size() * 2 / 3);
  for (const auto& [set, samples] : after) EXPECT_EQ(samples, before.at(set));
  EXPECT_THAT(bench.reports, ElementsAre(HasSubstr("checksum")));
  read_all(*bench.table);
  EXPECT_THAT(bench.reports, SizeIs(1));  // said once

  // Merging would make the loss final: the part stays out of merges.
  scrape(bench, 200, 5, kNow + kDay / 10);
  bench.flush();
  EXPECT_EQ(bench.table->merge({bench.manifest[0].file, bench.manifest[1].file}, kKeepAll)
                .status()
                .error()
                .code,
            Code::kCorruption);
  EXPECT_THAT(bench.fs.files, SizeIs(2));
}

TEST(SampleParts, WithoutAnEndAreReportedAndLeftOut) {
  Bench bench;
  scrape(bench, 10, 10);
  bench.flush();
  scrape(bench, 10, 10, kNow + 1'000'000);
  bench.flush();
  const std::string whole = *bench.fs.files["parts/" + bench.manifest[0].file];
  for (size_t size : {size_t{0}, size_t{10}, whole.size() / 2, whole.size() - 1}) {
    *bench.fs.files["parts/" + bench.manifest[0].file] = whole.substr(0, size);
    bench.reports.clear();
    bench.restart();
    EXPECT_THAT(bench.reports, SizeIs(1)) << size;
    EXPECT_EQ(read_all(*bench.table).begin()->second.size(), 10u);
  }
}

TEST(SampleParts, AnyByteMayBeWrong) {
  Bench bench;
  scrape(bench, 20, 20);
  const Oracle before = read_all(*bench.table);
  bench.flush();
  std::string& file = *bench.fs.files.begin()->second;
  for (size_t at = 0; at < file.size(); at += 7) {
    file[at] ^= 0x21;
    bench.restart();
    for (const auto& [set, samples] : read_all(*bench.table)) {
      for (const auto& [time, bits] : samples) ASSERT_EQ(before.at(set).at(time), bits) << at;
    }
    file[at] ^= 0x21;
  }
}

TEST(SampleParts, LeaveNothingWhenTheDiskIsFull) {
  Bench bench;
  const auto up = labels({{"__name__", "up"}});
  bench.write({{up, kNow, 1}, {up, kNow + kDay, 2}, {up, kNow + 2 * kDay, 3}});
  const Oracle before = read_all(*bench.table);
  bench.freeze();
  bench.fs.creations_until_failure = 2;
  EXPECT_FALSE(bench.table->write_frozen().ok());
  EXPECT_THAT(bench.fs.files, IsEmpty());
  EXPECT_EQ(read_all(*bench.table), before);
  bench.fs.creations_until_failure = -1;
  bench.write_frozen();
  EXPECT_THAT(bench.manifest, SizeIs(3));
  EXPECT_EQ(read_all(*bench.table), before);
}

TEST(SampleParts, TakeTheirSeriesWithThem) {
  Bench bench;
  scrape(bench, 10, 2);
  bench.flush();
  bench.write({{numbered(3), kNow + kDay, 1}});
  bench.commit({{bench.manifest[0].file}, {}, false});  // as retention does
  EXPECT_EQ(bench.table->series_count(), 10u);
  bench.flush();
  EXPECT_EQ(bench.table->series_count(), 1u);
  EXPECT_THAT(read_all(*bench.table), SizeIs(1));
  scrape(bench, 10, 1, kNow + 2 * kDay);
  EXPECT_EQ(bench.table->series_count(), 10u);
  bench.flush();
  EXPECT_EQ(read_all(*bench.table).at(numbered(3).canonical()).size(), 2u);
}

TEST(SampleParts, MergeKeepsEightExemplarsAnHour) {
  Bench bench;
  for (int flush = 0; flush < 4; ++flush) {
    model::SampleBatch batch;
    const uint32_t set = batch.add_label_set(numbered(0).canonical());
    for (int i = 0; i < 6; ++i) {
      const int64_t time = kNow + flush * 1'800'000 + i;
      batch.add_exemplar(set, time, i, {1, static_cast<uint64_t>(time)}, 1, "");
    }
    bench.apply(batch);
    bench.flush();
  }
  ASSERT_THAT(bench.manifest, SizeIs(4));
  ASSERT_TRUE(bench.merge());
  ASSERT_THAT(bench.manifest, SizeIs(1));
  const auto found = bench.table->exemplars(std::vector<SeriesId>{0}, {}, 100, {});
  EXPECT_THAT(*found, SizeIs(16));
}

TEST(SampleMerges, GatherSmallPartsAndLeaveLargeOnes) {
  Bench bench;
  scrape(bench, 100, 100);
  bench.flush();
  for (int i = 1; i <= 3; ++i) {
    scrape(bench, 100, 3, kNow + i * 3'600'000);
    bench.flush();
  }
  EXPECT_FALSE(bench.merge());  // four parts, but mostly one large
  scrape(bench, 100, 3, kNow + 4 * 3'600'000);
  bench.flush();
  EXPECT_TRUE(bench.merge());
  EXPECT_THAT(bench.manifest, SizeIs(2));
  EXPECT_EQ(bench.manifest.back().level, 1u);
  EXPECT_FALSE(bench.merge());
  // Two days later the small rest is a fifth of the large part or not worth it.
  bench.clock.advance(2 * kDay * 1'000'000);
  EXPECT_FALSE(bench.merge());
  scrape(bench, 100, 15, kNow + 5 * 3'600'000);
  bench.flush();
  EXPECT_TRUE(bench.merge());
}

TEST(SampleMerges, DoNotReachOverAnOutlierInBetween) {
  Bench bench;
  const auto up = labels({{"__name__", "up"}});
  const auto flush_one = [&](double value) {
    bench.write({{up, kNow, value}});
    bench.flush();
  };
  flush_one(1);
  flush_one(2);
  bench.write(
      {{up, kNow, 3}, {up, kNow + kDay, 3}});  // five days: one of them goes to the overflow
  for (int day = 2; day < 6; ++day) {
    for (int i = 0; i < 3; ++i) bench.write({{up, kNow + day * kDay + i, 3}});
  }
  bench.flush();
  flush_one(4);
  flush_one(5);
  EXPECT_FALSE(bench.merge());
  EXPECT_EQ(
      read_all(*bench.table, {kNow * 1'000'000, kNow * 1'000'000 + 1}).at(up.canonical()).at(kNow),
      std::bit_cast<uint64_t>(5.0));
  // Within the four that follow each other nothing stands in the way.
  flush_one(6);
  flush_one(7);
  EXPECT_TRUE(bench.merge());
  EXPECT_EQ(read_all(*bench.table).at(up.canonical()).at(kNow), std::bit_cast<uint64_t>(7.0));
}

}  // namespace
}  // namespace vedette::store::engine::testing
