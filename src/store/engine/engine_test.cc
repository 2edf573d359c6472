#include "store/engine/engine.h"

#include <gtest/gtest.h>

#include "base/sim_fs.h"
#include "store/engine/test_kit.h"

namespace vedette::store::engine {
namespace {

TEST(Engine, ShowsAWriteToTheNextRead) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(3, 0)).ok());
  EXPECT_EQ(bench.span_count(), 21u);
  ASSERT_TRUE(bench.write(shop_spans(2, 3)).ok());
  EXPECT_EQ(bench.span_count(), 35u);
}

TEST(Engine, StoresARepeatedRequestOnce) {
  Bench bench;
  Write write;
  write.spans = shop_spans(1, 0);
  write.content_hash = {1, 2};
  EXPECT_FALSE(bench.write(write)->duplicate);
  EXPECT_TRUE(bench.write(write)->duplicate);
  bench.reopen();
  EXPECT_TRUE(bench.write(write)->duplicate);
  EXPECT_EQ(bench.span_count(), 7u);
  bench.clock.advance(kDedupeWindow + 1);
  EXPECT_FALSE(bench.write(write)->duplicate);
}

TEST(Engine, ReplaysTheLogAfterAKill) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(5, 0)).ok());
  ASSERT_TRUE(bench.write(shop_logs(4, 0)).ok());
  bench.reopen();
  EXPECT_EQ(bench.span_count(), 35u);
  EXPECT_EQ(bench.log_count(), 20u);
  EXPECT_EQ(bench.trace_text(0), trace_text(*shop_spans(5, 0), 0));
}

TEST(Engine, RefusesRowsOlderThanTheRetention) {
  Bench bench;
  bench.options.retention = std::chrono::hours(24);
  bench.reopen();
  auto mixed = std::make_shared<model::SpanBatch>(*shop_spans(2, 0));
  for (size_t i = 0; i < 7; ++i) mixed->start_ns[i] -= 25 * 3600 * 1'000'000'000ll;
  const auto outcome = bench.write(std::shared_ptr<const model::SpanBatch>(mixed));
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->rejected_spans, 7u);
  EXPECT_NE(outcome->reason, "");
  EXPECT_EQ(bench.span_count(), 7u);
}

TEST(Engine, TakesAnythingFrom1970OnWithoutRetention) {
  Bench bench;
  bench.options.retention = std::nullopt;
  bench.reopen();
  auto old = std::make_shared<model::SpanBatch>(*shop_spans(1, 0));
  for (int64_t& t : old->start_ns) t = 1;
  EXPECT_EQ(bench.write(std::shared_ptr<const model::SpanBatch>(old))->rejected_spans, 0u);
  EXPECT_EQ(bench.span_count(), 7u);
}

TEST(Engine, IsReadOnlyWhileTheDiskIsNearlyFull) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(1, 0)).ok());
  bench.fs.set_free_bytes(1000);
  bench.clock.advance(2'000'000'000);
  const auto refused = bench.write(shop_spans(1, 1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_TRUE(bench.engine->stats().read_only);
  EXPECT_EQ(bench.span_count(), 7u);
  bench.fs.set_free_bytes(uint64_t{1} << 40);
  bench.clock.advance(2'000'000'000);
  EXPECT_TRUE(bench.write(shop_spans(1, 1)).ok());
  EXPECT_FALSE(bench.engine->stats().read_only);
}

TEST(Engine, HoldsTheFolderAlone) {
  Bench bench;
  const auto second = Engine::open(bench.options, bench.fs, bench.clock);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
}

TEST(Engine, RefusesWritesAfterClose) {
  Bench bench;
  (void)bench.engine->close();
  EXPECT_EQ(bench.write(shop_spans(1, 0)).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace vedette::store::engine
