// The same rows must answer the same questions wherever they are: in the head, in parts, merged,
// after a restart.
#include <gtest/gtest.h>

#include "store/engine/test_kit.h"

namespace vedette::store::engine {
namespace {

constexpr int kTraces = 2000;
constexpr int64_t kSecond = 1'000'000'000;

enum class Stage { kHead, kFlushed, kMerged, kReopened };

class EveryStage : public ::testing::TestWithParam<Stage> {
 protected:
  void SetUp() override {
    for (int i = 0; i < 8; ++i) {
      const auto first = static_cast<uint64_t>(i * kTraces / 8);
      ASSERT_TRUE(bench.write(shop_spans(kTraces / 8, first)).ok());
      ASSERT_TRUE(bench.write(shop_logs(kTraces / 8, first)).ok());
      if (GetParam() >= Stage::kFlushed) {
        ASSERT_TRUE(bench.engine->flush().ok());
      }
    }
    if (GetParam() >= Stage::kMerged) {
      while (*bench.engine->run_background_once()) {
      }
      ASSERT_LE(bench.engine->stats().tables[0].parts, 4u);
      ASSERT_GT(bench.engine->stats().merges, 0u);
    }
    if (GetParam() == Stage::kReopened) bench.reopen();
  }

  std::vector<std::string> values(Table table, std::optional<Field> field, std::string key = "",
                                  std::vector<Predicate> where = {}) {
    ValuesQuery query;
    query.table = table;
    query.field = field;
    query.key = std::move(key);
    query.where = std::move(where);
    const auto found = bench.engine->values(query, {});
    return found.ok() ? *found : std::vector<std::string>{found.error().message};
  }

  Bench bench;
};

INSTANTIATE_TEST_SUITE_P(Engine, EveryStage,
                         ::testing::Values(Stage::kHead, Stage::kFlushed, Stage::kMerged,
                                           Stage::kReopened));

TEST_P(EveryStage, KeepsEveryFieldOfEveryRow) {
  EXPECT_EQ(bench.span_count(), kTraces * 7u);
  EXPECT_EQ(bench.log_count(), kTraces * 5u);
  for (const uint64_t trace : {0, 9, 777, 1999}) {
    EXPECT_EQ(bench.trace_text(trace), trace_text(*shop_spans(1, trace), trace));
    EXPECT_EQ(bench.trace_log_text(trace), trace_text(*shop_logs(1, trace), trace));
  }
  EXPECT_EQ(bench.trace_text(kTraces), "");
}

TEST_P(EveryStage, FindsSpansByEachKindOfCondition) {
  const auto text = [](Field f, Op op, const char* t, const char* key = "") {
    return where_text(f, key, op, t);
  };
  const struct {
    Predicate where;
    size_t spans;
  } cases[] = {
      {text(Field::kService, Op::kEqual, "payments"), kTraces},
      {text(Field::kService, Op::kNotEqual, "payments"), kTraces * 6},
      {text(Field::kService, Op::kEqual, "nobody"), 0},
      {text(Field::kSpanName, Op::kEqual, "SELECT"), kTraces},
      {text(Field::kSpanName, Op::kRegex, "^POST"), kTraces * 3},
      {text(Field::kKind, Op::kEqual, "server"), kTraces * 2},
      {text(Field::kStatus, Op::kEqual, "error"), kTraces / 10},
      {text(Field::kScopeName, Op::kEqual, "vedette"), kTraces * 7},
      {text(Field::kAttribute, Op::kEqual, "/orders", "http.route"), kTraces},
      {text(Field::kAttribute, Op::kEqual, "ord-1000777", "order.id"), 1},
      {text(Field::kAttribute, Op::kEqual, "user-37", "user.id"), 2},
      {text(Field::kAttribute, Op::kEqual, "pod-7", "host.name"), kTraces * 7},
      {text(Field::kAttribute, Op::kNotExists, "", "http.route"), kTraces * 6},
      {text(Field::kAttribute, Op::kExists, "", "order.total"), kTraces},
      {text(Field::kAttribute, Op::kNotEqual, "ord-1000777", "order.id"), kTraces * 7 - 1},
      {text(Field::kAttribute, Op::kContains, "0077", "order.id"), 11},
      {text(Field::kResourceAttribute, Op::kEqual, "shop", "service.name"), kTraces * 6},
      {text(Field::kResourceAttribute, Op::kEqual, "x", "no.such.key"), 0},
      {text(Field::kRoot, Op::kExists, ""), kTraces},
      {text(Field::kRoot, Op::kNotExists, ""), kTraces * 6},
      {where_number(Field::kAttribute, "http.response.status_code", Op::kGreaterOrEqual, 500),
       kTraces / 10},
      {where_number(Field::kAttribute, "order.total", Op::kEqual, 7.99), 4},
      {where_number(Field::kAttribute, "db.rows", Op::kLess, 4), kTraces / 10},
      {where_number(Field::kDuration, "", Op::kGreaterOrEqual, 90'000'000), kTraces},
      {where_number(Field::kDuration, "", Op::kGreater, 1e15), 0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(bench.span_count({c.where}), c.spans)
        << int(c.where.field) << " " << c.where.key << " " << c.where.text;
  }
  EXPECT_EQ(bench.span_count({cases[0].where, cases[6].where}), kTraces / 10u);
  EXPECT_EQ(bench.span_count({cases[1].where, cases[6].where}), 0u);
}

TEST_P(EveryStage, FindsLogsByEachKindOfCondition) {
  const auto text = [](Field f, Op op, const char* t, const char* key = "") {
    return where_text(f, key, op, t);
  };
  const struct {
    Predicate where;
    size_t logs;
  } cases[] = {
      {text(Field::kBody, Op::kWord, "declined"), kTraces / 10},
      {text(Field::kBody, Op::kWord, "DECLINED"), kTraces / 10},
      {text(Field::kBody, Op::kWord, "decline"), 0},
      {text(Field::kBody, Op::kWord, "1000777"), 2},
      {text(Field::kBody, Op::kContains, "order 1000777 rec"), 1},
      {text(Field::kBody, Op::kEqual, "tick"), kTraces},
      {text(Field::kBody, Op::kRegex, "^request finished in 1[0-9] ms$"), 70},
      {where_number(Field::kSeverity, "", Op::kGreaterOrEqual, 17), kTraces / 10},
      {text(Field::kAttribute, Op::kEqual, "ord-1000777", "order_id"), 3},
      {where_number(Field::kAttribute, "duration_us", Op::kEqual, 5000), 7},
      {text(Field::kService, Op::kEqual, "shop"), kTraces * 5},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(bench.log_count({c.where}), c.logs) << int(c.where.field) << " " << c.where.text;
  }
}

TEST_P(EveryStage, RespectsTheTimeRange) {
  const TimeRange range{kTestStart + 100 * kSecond, kTestStart + 200 * kSecond};
  EXPECT_EQ(bench.span_count({}, range), 700u);
  EXPECT_EQ(bench.log_count({}, range), 500u);
  EXPECT_EQ(bench.span_count({}, {kTestStart - kSecond, kTestStart}), 0u);
  EXPECT_EQ(bench.span_count({}, {kTestStart, kTestStart + 1}), 1u);
}

TEST_P(EveryStage, GivesTheNewestFirst) {
  RowQuery query;
  query.order = Order::kNewestFirst;
  std::vector<int64_t> newest;
  const Status status =
      bench.engine->scan_logs(query, {}, [&](const Block<model::LogBatch>& block) {
        for (const uint32_t r : block.rows) newest.push_back(block.batch.time_ns[r]);
        std::sort(newest.rbegin(), newest.rend());
        if (newest.size() > 20) newest.resize(20);
        return newest.size() < 20 || newest.back() < block.bound_ns;
      });
  ASSERT_TRUE(status.ok());
  ASSERT_EQ(newest.size(), 20u);
  EXPECT_EQ(newest[0], kTestStart + (kTraces - 1) * kSecond + 4 * 2'345'678);
  EXPECT_EQ(newest[19], kTestStart + (kTraces - 4) * kSecond);
}

TEST_P(EveryStage, CountsByTimeAndField) {
  CountQuery query;
  query.table = Table::kLogs;
  query.range = {kTestStart, kTestStart + 1000 * kSecond};
  query.step_ns = 300 * kSecond;
  auto counted = bench.engine->counts(query, {});
  ASSERT_TRUE(counted.ok());
  ASSERT_EQ(counted->size(), 1u);
  EXPECT_EQ((*counted)[0].counts, (std::vector<uint64_t>{1500, 1500, 1500, 500}));

  query.group_by = Field::kSeverity;
  query.range.end_ns = kTestStart + 10'000 * kSecond;
  query.step_ns = 10'000 * kSecond;
  counted = bench.engine->counts(query, {});
  ASSERT_TRUE(counted.ok());
  ASSERT_EQ(counted->size(), 2u);
  EXPECT_EQ((*counted)[0].group, "17");
  EXPECT_EQ((*counted)[0].counts[0], kTraces / 10u);
  EXPECT_EQ((*counted)[1].group, "9");

  query.table = Table::kSpans;
  query.group_by = Field::kService;
  query.where = {where_text(Field::kStatus, "", Op::kEqual, "error")};
  counted = bench.engine->counts(query, {});
  ASSERT_TRUE(counted.ok());
  ASSERT_EQ(counted->size(), 1u);
  EXPECT_EQ((*counted)[0].group, "payments");
  EXPECT_EQ((*counted)[0].counts[0], kTraces / 10u);
}

TEST_P(EveryStage, ListsValues) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(values(Table::kSpans, Field::kService), (Texts{"payments", "shop"}));
  EXPECT_EQ(values(Table::kSpans, Field::kSpanName, "",
                   {where_text(Field::kService, "", Op::kEqual, "payments")}),
            (Texts{"POST /charge"}));
  EXPECT_EQ(values(Table::kSpans, Field::kAttribute, "http.response.status_code"),
            (Texts{"200", "502"}));
  EXPECT_EQ(values(Table::kSpans, Field::kAttribute, "host.name"), (Texts{"pod-7"}));
  EXPECT_EQ(values(Table::kSpans, Field::kAttribute, "user.id").size(), 1000u);
  EXPECT_EQ(values(Table::kLogs, std::nullopt), (Texts{"duration_us", "order_id", "service.name"}));
  EXPECT_EQ(values(Table::kSpans, std::nullopt),
            (Texts{"db.rows", "host.name", "http.response.status_code", "http.route", "order.id",
                   "order.total", "service.name", "user.id"}));
}

TEST_P(EveryStage, SummarisesTraces) {
  const model::TraceId ids[] = {test_trace(9), test_trace(123'456), test_trace(1)};
  const auto found = bench.engine->traces(ids, {});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2u);
  const TraceSummary& trace = (*found)[0];
  EXPECT_EQ(trace.trace_id, test_trace(9));
  EXPECT_TRUE(trace.has_root);
  EXPECT_EQ(trace.root_service, "shop");
  EXPECT_EQ(trace.root_name, "POST /orders");
  EXPECT_EQ(trace.spans, 7u);
  EXPECT_EQ(trace.errors, 1u);
  EXPECT_EQ(trace.start_ns, kTestStart + 9 * kSecond);
  EXPECT_EQ(trace.services,
            (std::vector<std::pair<std::string, uint32_t>>{{"payments", 1}, {"shop", 6}}));
  EXPECT_EQ((*found)[1].errors, 0u);
}

TEST(EngineParts, StoreASpanThatWasSentTwiceOnce) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  ASSERT_TRUE(bench.write(shop_spans(5, 0)).ok());
  ASSERT_TRUE(bench.write(shop_spans(5, 5)).ok());
  const model::TraceId ids[] = {test_trace(3)};
  EXPECT_EQ(bench.engine->traces(ids, {})->at(0).spans, 7u);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(bench.engine->flush().ok());
    ASSERT_TRUE(bench.write(shop_spans(10, 0)).ok());
  }
  while (*bench.engine->run_background_once()) {
  }
  EXPECT_EQ(bench.span_count(), 70u);
}

TEST(EngineParts, DropWhatIsOlderThanTheRetention) {
  Bench bench;
  bench.options.retention = std::chrono::hours(48);
  bench.reopen();
  ASSERT_TRUE(bench.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench.write(shop_spans(10, 1'000'000)).ok());  // 11 days later
  ASSERT_TRUE(bench.engine->flush().ok());
  EXPECT_EQ(bench.engine->stats().tables[0].parts, 2u);
  bench.clock.advance(48 * 3600 * kSecond);
  while (*bench.engine->run_background_once()) {
  }
  EXPECT_EQ(bench.span_count(), 70u);
  bench.reopen();
  EXPECT_EQ(bench.span_count(), 70u);
}

TEST(EngineParts, OutliveAClockThatJumpsYearsAhead) {
  Bench bench;
  bench.options.retention = std::chrono::hours(48);
  bench.reopen();
  ASSERT_TRUE(bench.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  bench.clock.set_now(kTestStart + 20 * 365 * 86'400 * kSecond);
  while (*bench.engine->run_background_once()) {
  }
  EXPECT_EQ(bench.span_count(), 70u);
}

TEST(EngineParts, LieInOneFilePerDayAndAFewForOutliers) {
  Bench bench;
  bench.options.retention = std::nullopt;
  bench.reopen();
  for (uint64_t day = 0; day < 40; ++day)
    ASSERT_TRUE(bench.write(shop_spans(2, day * 86'400)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  EXPECT_EQ(bench.engine->stats().tables[0].parts, 8u);
  EXPECT_EQ(bench.span_count(), 40u * 14);
}

TEST(EngineParts, RewriteKeepsWholeTraces) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(100, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  const KeepTrace keep = [](const TraceSummary& trace) { return trace.errors > 0; };
  ASSERT_TRUE(bench.engine->rewrite({}, keep).ok());
  EXPECT_EQ(bench.span_count(), 70u);
  EXPECT_EQ(bench.span_count({where_text(Field::kStatus, "", Op::kEqual, "error")}), 10u);
}

TEST(EngineParts, DropRemovesARangeWhereverItIs) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_logs(100, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  ASSERT_TRUE(bench.write(shop_logs(100, 100)).ok());
  ASSERT_TRUE(
      bench.engine->drop(Table::kLogs, {kTestStart + 50 * kSecond, kTestStart + 150 * kSecond})
          .ok());
  EXPECT_EQ(bench.log_count(), 500u);
  ASSERT_TRUE(bench.engine->drop(Table::kLogs, {}).ok());
  EXPECT_EQ(bench.log_count(), 0u);
  bench.reopen();
  EXPECT_EQ(bench.log_count(), 0u);
}

TEST(EngineParts, AreServedAroundDamage) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(4000, 0)).ok());  // several blocks
  ASSERT_TRUE(bench.engine->flush().ok());
  const auto files = bench.fs.list("/data/parts");
  ASSERT_EQ(files->size(), 1u);
  bench.fs.damage("/data/parts/" + files->at(0), [](std::string& bytes) { bytes[100] ^= 1; });
  const size_t left = bench.span_count();
  EXPECT_LT(left, 28'000u);
  EXPECT_GT(left, 15'000u);
  EXPECT_EQ(bench.engine->stats().quarantined_blocks, 1u);
  EXPECT_EQ(bench.span_count(), left);
  EXPECT_EQ(bench.engine->stats().quarantined_blocks, 1u);
}

TEST(EngineParts, ManyKeysShareAColumn) {
  Bench bench;
  auto wide = std::make_shared<model::SpanBatch>(*shop_spans(100, 0));
  for (uint32_t row = 0; row < wide->size(); ++row) {
    wide->attributes.add(
        row, wide->strings.intern("key." + std::to_string(row)),
        model::Value::string(wide->strings.intern("value " + std::to_string(row))));
  }
  const std::string before = trace_text(*wide, 55);
  ASSERT_TRUE(bench.write(std::shared_ptr<const model::SpanBatch>(wide)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  EXPECT_EQ(bench.trace_text(55), before);
  EXPECT_EQ(bench.span_count({where_text(Field::kAttribute, "key.650", Op::kEqual, "value 650")}),
            1u);
}

}  // namespace
}  // namespace vedette::store::engine
