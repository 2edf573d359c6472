// What is too old: hidden at once, gone from the disk soon, and nothing else with it.
#include <gmock/gmock.h>

#include "store/engine/test_kit.h"

namespace vedette::store::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr std::chrono::hours kRetention(48);  // so that the slack is six hours
constexpr int64_t kSlack = 6 * kHour;

struct RetentionBench : Bench {
  RetentionBench() : Bench(kNotOpened) {
    options.retention = kRetention;
    reopen();
  }
  /// Traces of one second each, with their logs and samples.
  void write_shop(int traces, uint64_t first) {
    Write w;
    w.spans = shop_spans(traces, first);
    w.logs = shop_logs(traces, first);
    w.samples = shop_samples(static_cast<uint64_t>(traces), first);
    ASSERT_TRUE(write(std::move(w)).ok());
  }
  /// Traces before this number are too old from now on.
  void expire(double trace) {
    const int64_t limit = kTestStart + static_cast<int64_t>(trace * 1e9);
    clock.advance(limit + std::chrono::nanoseconds(kRetention).count() - clock.now_ns());
  }
  void work() {
    while (*engine->run_background_once()) {
    }
  }
  size_t exemplar_count() {
    std::vector<SeriesId> ids;
    for (const Series& s : series()) ids.push_back(s.id);
    return engine->exemplars(ids, {}, 1'000'000, {})->size();
  }
  /// Of spans, logs and samples.
  std::vector<uint64_t> stored_rows() {
    std::vector<uint64_t> rows;
    for (const TableStats& table : engine->stats().tables) rows.push_back(table.rows);
    return rows;
  }
  std::vector<uint64_t> disk_bytes() {
    std::vector<uint64_t> bytes;
    for (const TableStats& table : engine->stats().tables) bytes.push_back(table.disk_bytes);
    return bytes;
  }
  std::vector<std::string> files() { return *fs.list("/data/parts"); }
};

enum class Place { kHead, kPart, kReopened };
class EveryPlace : public ::testing::TestWithParam<Place> {};
INSTANTIATE_TEST_SUITE_P(Engine, EveryPlace,
                         ::testing::Values(Place::kHead, Place::kPart, Place::kReopened));

TEST_P(EveryPlace, ReadsShowNothingThatIsTooOld) {
  RetentionBench bench;
  bench.write_shop(100, 0);
  if (GetParam() != Place::kHead) {
    ASSERT_TRUE(bench.engine->flush().ok());
  }
  bench.expire(30);
  if (GetParam() == Place::kReopened) bench.reopen();

  EXPECT_EQ(bench.span_count(), 70u * 7);
  EXPECT_EQ(bench.span_count({}, {kTestStart, kTestStart + 31 * kSecond}), 7u);
  EXPECT_EQ(bench.span_count({}, {kTestStart, kTestStart + 20 * kSecond}), 0u);
  EXPECT_EQ(bench.log_count(), 70u * 5);
  EXPECT_EQ(bench.trace_text(29), "");
  EXPECT_EQ(bench.trace_text(30), trace_text(*shop_spans(1, 30), 30));
  const model::TraceId ids[] = {test_trace(29), test_trace(30)};
  EXPECT_EQ(bench.engine->traces(ids, {})->size(), 1u);

  CountQuery counts;
  counts.table = Table::kSpans;
  counts.range = {kTestStart, kTestStart + 100 * kSecond};
  counts.step_ns = 20 * kSecond;
  EXPECT_THAT(bench.engine->counts(counts, {})->at(0).counts, ElementsAre(0, 70, 140, 140, 140));
  ValuesQuery values;
  values.field = Field::kAttribute;
  values.key = "order.id";
  EXPECT_EQ(bench.engine->values(values, {})->size(), 70u);

  EXPECT_EQ(bench.sample_count(), 70u);
  EXPECT_EQ(bench.exemplar_count(), 7u * 8);  // of a series, the eight newest are kept
  EXPECT_EQ(bench.series().size(), 7u);
  values.table = Table::kSeries;
  values.key = "tens";
  EXPECT_THAT(*bench.engine->values(values, {}), ElementsAre("3", "4", "5", "6", "7", "8", "9"));
  const std::vector<SeriesId> old = {bench.series()[0].id};
  EXPECT_TRUE(bench.engine
                  ->samples(old, {kTestStart, kTestStart + kSecond}, {},
                            [](size_t, auto, auto) {
                              ADD_FAILURE();
                              return true;
                            })
                  .ok());
}

TEST(EngineRetention, ATraceAcrossTheLimitLosesItsFirstSpans) {
  RetentionBench bench;
  bench.write_shop(10, 0);
  bench.expire(5.002);  // the second span of a trace starts 1.2 ms after the first
  const model::TraceId ids[] = {test_trace(5)};
  const auto found = bench.engine->traces(ids, {});
  ASSERT_EQ(found->size(), 1u);
  EXPECT_FALSE((*found)[0].has_root);
  EXPECT_EQ((*found)[0].spans, 5u);
  EXPECT_EQ(bench.span_count(), 4u * 7 + 5);
}

TEST(EngineRetention, APartIsRewrittenWhenAQuarterOfItIsTooOld) {
  RetentionBench bench;
  bench.write_shop(100, 0);
  ASSERT_TRUE(bench.engine->flush().ok());
  const auto files = bench.files();
  const auto bytes = bench.disk_bytes();
  bench.expire(20);
  bench.work();
  EXPECT_EQ(bench.files(), files);

  bench.expire(30.002);
  bench.reopen();  // looks anew
  bench.work();
  EXPECT_THAT(bench.stored_rows(), ElementsAre(69 * 7 + 5, 69 * 5 + 4, 69));
  for (size_t i = 0; i < bytes.size(); ++i) EXPECT_LT(bench.disk_bytes()[i], bytes[i]);
  EXPECT_EQ(bench.files().size(), 3u);
  const auto rewritten = bench.files();
  bench.reopen();
  bench.work();
  EXPECT_EQ(bench.files(), rewritten);  // once
  EXPECT_EQ(bench.span_count(), 69u * 7 + 5);
  EXPECT_EQ(bench.log_count(), 69u * 5 + 4);
  EXPECT_EQ(bench.sample_count(), 69u);
  EXPECT_EQ(bench.exemplar_count(), 7u * 8);
  for (const uint64_t trace : {31, 57, 99}) {
    EXPECT_EQ(bench.trace_text(trace), trace_text(*shop_spans(1, trace), trace));
    EXPECT_EQ(bench.trace_log_text(trace), trace_text(*shop_logs(1, trace), trace));
  }
}

TEST(EngineRetention, FewOldRowsWaitForTheSlackAlone) {
  RetentionBench bench;
  bench.clock.advance(9 * kHour);
  bench.write_shop(1, 0);
  bench.write_shop(100, 9 * 3600);  // of the same day, in UTC
  ASSERT_TRUE(bench.engine->flush().ok());
  const auto files = bench.files();
  ASSERT_EQ(files.size(), 3u);
  bench.expire(5 * 3600);
  bench.work();
  EXPECT_EQ(bench.files(), files);
  bench.expire(7 * 3600);
  bench.work();
  EXPECT_THAT(bench.stored_rows(), ElementsAre(700, 500, 100));
}

TEST(EngineRetention, MergesLeaveOutWhatIsTooOld) {
  RetentionBench bench;
  for (uint64_t i = 0; i < 3; ++i) {
    bench.write_shop(25, i * 25);
    ASSERT_TRUE(bench.engine->flush().ok());
  }
  bench.work();
  ASSERT_EQ(bench.files().size(), 9u);
  bench.expire(2);  // too little for a rewrite
  bench.reopen();
  bench.write_shop(25, 75);
  bench.work();
  EXPECT_THAT(bench.stored_rows(), ElementsAre(98 * 7, 98 * 5, 98));
  EXPECT_EQ(bench.files().size(), 3u);
}

TEST(EngineRetention, SeriesWithoutSamplesAreForgotten) {
  RetentionBench bench;
  bench.write_shop(100, 0);
  ASSERT_TRUE(bench.engine->flush().ok());
  EXPECT_EQ(bench.engine->stats().series, 10u);
  bench.expire(40);
  bench.work();
  bench.write_shop(1, 99);
  ASSERT_TRUE(bench.engine->flush().ok());  // they go with the next head
  EXPECT_EQ(bench.engine->stats().series, 6u);
  EXPECT_EQ(bench.sample_count(), 60u);
}

TEST(EngineRetention, DamageIsNotMadeFinal) {
  RetentionBench bench;
  Write w;
  w.spans = shop_spans(4000, 0);  // several blocks
  ASSERT_TRUE(bench.write(std::move(w)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  const auto files = bench.files();
  bench.fs.damage("/data/parts/" + files.at(0), [](std::string& bytes) { bytes[100] ^= 1; });
  bench.expire(1100);  // in the first block
  bench.reopen();
  bench.work();
  EXPECT_EQ(bench.files(), files);
  bench.expire(5000);
  bench.reopen();
  bench.work();
  EXPECT_THAT(bench.files(), IsEmpty());
}

/// A day passes the limit in steps of ten minutes.
TEST(EngineRetention, RewritesAreBoundedAndSoIsWhatStays) {
  RetentionBench bench;
  constexpr int kTraces = 9 * 6;  // until midnight, in UTC
  bench.clock.advance(9 * kHour);
  for (uint64_t t = 0; t < kTraces; ++t) {
    Write w;
    w.spans = shop_spans(10, t * 600);
    ASSERT_TRUE(bench.write(std::move(w)).ok());
  }
  ASSERT_TRUE(bench.engine->flush().ok());
  const uint64_t whole = bench.disk_bytes()[0];
  std::vector<std::string> files = bench.files();
  ASSERT_EQ(files.size(), 1u);
  uint64_t written = 0;
  for (uint64_t t = 1; t < kTraces; ++t) {
    bench.expire(static_cast<double>(t) * 600);
    bench.work();
    ASSERT_EQ(bench.span_count(), (kTraces - t) * 70) << t;
    // What is stored beyond that: a slack, and the time between two looks.
    ASSERT_LE(bench.stored_rows()[0], (kTraces - t) * 70 + (kSlack + kSlack / 8) / kHour * 6 * 70);
    if (bench.files() == files) continue;
    files = bench.files();
    written += bench.disk_bytes()[0];
  }
  EXPECT_GT(written, 0u);
  EXPECT_LE(written, 3 * whole + 9 * kHour / kSlack * whole);
  bench.expire(kTraces * 600);
  bench.work();
  EXPECT_THAT(bench.files(), IsEmpty());
}

}  // namespace
}  // namespace vedette::store::engine
