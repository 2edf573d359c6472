// Writers, readers, flushes, merges and retention side by side, on the real file system and clock
// threads. Worth most under the thread sanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "store/engine/test_kit.h"

namespace vedette::store::engine {
namespace {

constexpr std::chrono::seconds kDeadline(120);

TEST(EngineConcurrency, AFlushDoesNotWaitForARewrite) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  // The rewrite asks for each trace whether to keep it, and stands still until the flush is done.
  std::future<Status> flushed;
  const KeepTrace keep = [&](const TraceSummary&) {
    if (!flushed.valid()) {
      EXPECT_TRUE(bench.write(shop_spans(10, 10)).ok());
      flushed = std::async(std::launch::async, [&] { return bench.engine->flush(); });
    }
    EXPECT_EQ(flushed.wait_for(kDeadline), std::future_status::ready);
    return true;
  };
  ASSERT_TRUE(bench.engine->rewrite({}, keep).ok());
  EXPECT_TRUE(flushed.get().ok());
  EXPECT_EQ(bench.engine->stats().tables[0].parts, 2u);
  EXPECT_EQ(bench.span_count(), 140u);
  bench.reopen();
  EXPECT_EQ(bench.span_count(), 140u);
}

TEST(EngineConcurrency, APartThatWasFlushedMeanwhileSurvivesAFailedRewrite) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  bool done = false;
  const KeepTrace keep = [&](const TraceSummary&) {
    if (!std::exchange(done, true)) {
      EXPECT_TRUE(bench.write(shop_spans(10, 10)).ok());
      EXPECT_TRUE(bench.engine->flush().ok());
      bench.fs.fail_at(bench.fs.calls() + 1, base::SimFs::Fault::kFromThen);
    }
    return true;
  };
  EXPECT_FALSE(bench.engine->rewrite({}, keep).ok());
  bench.fs.clear_faults();
  EXPECT_EQ(bench.span_count(), 140u);
  bench.reopen();
  EXPECT_EQ(bench.span_count(), 140u);
  EXPECT_EQ(bench.fs.list("/data/parts")->size(), 2u);
}

/// A folder of its own, removed at the end.
struct Folder {
  std::string path = ::testing::TempDir() + "vedette-engine-XXXXXX";
  Folder() { EXPECT_NE(::mkdtemp(path.data()), nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
};

class Crowd {
 public:
  Crowd() {
    options_.path = folder_.path;
    options_.retention = std::chrono::hours(48);
    options_.head_bytes_max = 4 << 20;
    open();
  }

  void open() {
    engine_.reset();
    auto opened = Engine::open(options_, base::Fs::posix(), clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    engine_ = *std::move(opened);
  }
  void write(uint64_t first) {
    Write w;
    w.spans = shop_spans(kBatch, first);
    w.logs = shop_logs(kBatch, first);
    w.samples = shop_samples(kBatch, first);
    std::promise<bool> answer;
    engine_->append(std::move(w), [&](const auto& result) { answer.set_value(result.ok()); });
    ASSERT_TRUE(answer.get_future().get());
  }
  /// Spans of a trace.
  size_t spans(uint64_t trace) { return count<model::SpanBatch>({where_trace(trace)}); }
  template <typename Batch>
  size_t count(std::vector<Predicate> where = {}) {
    size_t rows = 0;
    const RowQuery query{{}, std::move(where), {}, Order::kNewestFirst};
    const Visitor<Batch> visit = [&](const Block<Batch>& block) {
      rows += block.rows.size();
      return true;
    };
    if constexpr (std::is_same_v<Batch, model::SpanBatch>) {
      EXPECT_TRUE(engine_->scan_spans(query, {}, visit).ok());
    } else {
      EXPECT_TRUE(engine_->scan_logs(query, {}, visit).ok());
    }
    return rows;
  }
  size_t samples() {
    std::vector<SeriesId> ids;
    const auto series = engine_->series({}, {}, {});
    for (const Series& s : *series) ids.push_back(s.id);
    size_t rows = 0;
    const auto visit = [&](size_t, auto times, auto) {
      rows += times.size();
      return true;
    };
    EXPECT_TRUE(engine_->samples(ids, {}, {}, visit).ok());
    return rows;
  }
  /// Traces before this number are too old.
  void expire(uint64_t trace) {
    const int64_t limit = kTestStart + static_cast<int64_t>(trace) * 1'000'000'000;
    clock_.advance(limit + 48 * 3'600'000'000'000 - clock_.now_ns());
  }
  Engine& engine() { return *engine_; }

  static constexpr int kBatch = 20;

 private:
  Folder folder_;
  base::SimClock clock_{kTestStart + 48 * 3'600'000'000'000};
  Options options_;
  std::unique_ptr<Engine> engine_;
};

TEST(EngineConcurrency, NothingIsLostInTheCrowd) {
  constexpr uint64_t kTraces = 1600, kExpired = 400, kDropped = 100;
  Crowd crowd;
  for (uint64_t t = 0; t < kExpired; t += Crowd::kBatch) crowd.write(t);
  std::atomic<uint64_t> acknowledged = kExpired;
  std::atomic<bool> done = false;

  std::thread writer([&] {
    for (uint64_t t = kExpired; t < kTraces; t += Crowd::kBatch) {
      crowd.write(t);
      acknowledged = t + Crowd::kBatch;
      // Enough parts for merges, whatever the others get to do.
      if (t % 200 == 0) {
        EXPECT_TRUE(crowd.engine().flush().ok());
      }
    }
    done = true;
  });
  std::thread flusher([&] {
    while (!done) EXPECT_TRUE(crowd.engine().flush().ok());
  });
  std::thread merger([&] {
    while (!done) EXPECT_TRUE(crowd.engine().run_background_once().ok());
  });
  std::thread deleter([&] {
    const TimeRange old{kTestStart, kTestStart + int64_t{kDropped} * 1'000'000'000};
    for (const Table table : {Table::kSpans, Table::kLogs, Table::kSamples})
      EXPECT_TRUE(crowd.engine().drop(table, old).ok());
    for (uint64_t t = kDropped; t <= kExpired; t += 50) crowd.expire(t);
    while (!done) {
      EXPECT_TRUE(crowd.engine().rewrite({}, [](const TraceSummary&) { return true; }).ok());
    }
  });
  while (!done) {
    const uint64_t known = acknowledged;
    EXPECT_EQ(crowd.spans(known - 1), 7u);
    EXPECT_GE(crowd.count<model::LogBatch>(), (known - kExpired) * 5);
    EXPECT_GE(crowd.samples(), known - kExpired);
    (void)crowd.engine().stats();
  }
  for (std::thread* t : {&writer, &flusher, &merger, &deleter}) t->join();

  for (int life = 0; life < 2; ++life) {
    while (*crowd.engine().run_background_once()) {
    }
    if (life == 0) {
      EXPECT_GT(crowd.engine().stats().merges, 0u);
    }
    EXPECT_EQ(crowd.count<model::SpanBatch>(), (kTraces - kExpired) * 7);
    EXPECT_EQ(crowd.count<model::LogBatch>(), (kTraces - kExpired) * 5);
    EXPECT_EQ(crowd.samples(), kTraces - kExpired);
    EXPECT_EQ(crowd.engine().stats().quarantined_blocks, 0u);
    crowd.open();
  }
}

}  // namespace
}  // namespace vedette::store::engine
