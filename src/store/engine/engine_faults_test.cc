// Each file call of a life of the store fails once, fails from then on, or is the last of its
// process; then the store is opened again on the bytes that survive. Nothing that was acknowledged
// may be gone or doubled.
#include <gtest/gtest.h>

#include "base/log.h"
#include "store/engine/test_kit.h"

namespace vedette::store::engine {
namespace {

using base::SimFs;

constexpr uint64_t kCallsMax = 3000;  // far more than the life below makes

/// What the life of a store was told, and what it was answered.
struct Ledger {
  std::set<uint64_t> acknowledged;  // traces
  std::set<uint64_t> unsure;        // sent, and refused
};

void send(Bench& bench, uint64_t trace, Ledger& ledger, bool samples = false) {
  if (!bench.engine) return;
  Write write;
  write.spans = shop_spans(1, trace);
  write.logs = shop_logs(1, trace);
  if (samples) write.samples = shop_samples(1, trace);
  write.content_hash = {trace + 1, 7};
  // Clients try again what was refused.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (bench.write(write).ok()) {
      ledger.acknowledged.insert(trace);
      ledger.unsure.erase(trace);
      return;
    }
    ledger.unsure.insert(trace);
  }
}

/// Appends, flushes, merges, restarts, appends again. Failures are expected anywhere.
void live(Bench& bench, Ledger& ledger) {
  uint64_t trace = 0;
  if (!bench.engine && !bench.try_open().ok()) return;
  for (int flush = 0; flush < 5; ++flush) {
    send(bench, trace++, ledger);
    send(bench, trace++, ledger);
    (void)bench.engine->flush().ok();
  }
  (void)bench.engine->run_background_once().ok();
  send(bench, trace++, ledger);
  bench.engine.reset();
  if (!bench.try_open().ok()) return;
  send(bench, trace++, ledger);
  (void)bench.engine->close().ok();
  bench.engine.reset();
}

constexpr uint64_t kTooOld = 4;  // traces before this one, at the end of the life below

/// A part grows too old, another half so.
void live_beyond_the_retention(Bench& bench, Ledger& ledger) {
  bench.options.retention = std::chrono::hours(48);
  if (!bench.try_open().ok()) return;
  for (const uint64_t last : {kTooOld / 2, kTooOld + 2}) {
    for (uint64_t trace = last == kTooOld / 2 ? 0 : kTooOld / 2; trace < last; ++trace)
      send(bench, trace, ledger, true);
    (void)bench.engine->flush().ok();
  }
  const int64_t limit = kTestStart + static_cast<int64_t>(kTooOld) * 1'000'000'000;
  bench.clock.advance(limit + 48 * 3'600'000'000'000 - bench.clock.now_ns());
  // The old parts go, then one half old part a round.
  for (int round = 0; round < 3; ++round) (void)bench.engine->run_background_once().ok();
  bench.engine.reset();
  if (!bench.try_open().ok()) return;
  (void)bench.engine->run_background_once().ok();
  (void)bench.engine->close().ok();
  bench.engine.reset();
}

void forget_too_old(std::set<uint64_t>& traces) {
  traces.erase(traces.begin(), traces.lower_bound(kTooOld));
}

/// Rows that are too old are not shown, and those alone go from the disk.
void expect_only_what_is_young(Bench& bench, Ledger ledger, const std::string& when) {
  for (uint64_t trace = 0; trace < kTooOld; ++trace) {
    ASSERT_EQ(bench.span_count({where_trace(trace)}), 0u) << when;
    ASSERT_EQ(bench.log_count({where_trace(trace)}), 0u) << when;
  }
  for (int round = 0; round < 2; ++round) {
    const size_t samples = bench.sample_count();
    ASSERT_GE(samples, ledger.acknowledged.size()) << when;
    ASSERT_LE(samples, ledger.acknowledged.size() + ledger.unsure.size()) << when;
    for (;;) {
      const Result<bool> worked = bench.engine->run_background_once();
      ASSERT_TRUE(worked.ok()) << when;
      if (!*worked) break;
    }
    const std::vector<TableStats> tables = bench.engine->stats().tables;
    ASSERT_EQ(tables[0].rows, bench.span_count()) << when;
    ASSERT_EQ(tables[1].rows, bench.log_count()) << when;
    ASSERT_EQ(tables[2].rows, samples) << when;
  }
}

void expect_kept(Bench& bench, const Ledger& ledger, const std::string& when) {
  const Status opened = bench.try_reopen();
  ASSERT_TRUE(opened.ok()) << when << ": " << opened.error().message;
  for (const uint64_t trace : ledger.acknowledged) {
    ASSERT_EQ(bench.trace_text(trace), trace_text(*shop_spans(1, trace), trace)) << when;
    ASSERT_EQ(bench.trace_log_text(trace), trace_text(*shop_logs(1, trace), trace)) << when;
  }
  for (const uint64_t trace : ledger.unsure) {  // whole or not at all
    const size_t spans = bench.span_count({where_trace(trace)});
    const size_t logs = bench.log_count({where_trace(trace)});
    ASSERT_TRUE((spans == 0 && logs == 0) || (spans == 7 && logs == 4))
        << when << ": " << spans << ", " << logs;
  }
  const size_t all = bench.span_count();
  ASSERT_LE(all, (ledger.acknowledged.size() + ledger.unsure.size()) * 7) << when;
  ASSERT_EQ(bench.engine->stats().quarantined_blocks, 0u) << when;
  // And it works on.
  ASSERT_TRUE(bench.write(shop_spans(1, 1'000'000)).ok()) << when;
  ASSERT_TRUE(bench.engine->flush().ok()) << when;
  ASSERT_EQ(bench.span_count(), all + 7) << when;
}

enum class End { kProcess, kPower };
enum class Life { kShort, kBeyondRetention };

void sweep(SimFs::Fault fault, Durability durability, End end, Life life = Life::kShort) {
  base::set_log_level(base::LogLevel::kError);
  for (uint64_t call = 1; call < kCallsMax; ++call) {
    Bench bench(Bench::kNotOpened);
    bench.options.durability = durability;
    bench.fs.fail_at(call, fault);
    Ledger ledger;
    life == Life::kShort ? live(bench, ledger) : live_beyond_the_retention(bench, ledger);
    const bool reached = bench.fs.calls() >= call;
    bench.engine.reset();
    bench.fs.clear_faults();
    if (end == End::kPower) bench.fs.lose_power(call);
    const std::string when = "call " + std::to_string(call);
    if (life == Life::kBeyondRetention) {
      // The clock stood still where the life ended early.
      const int64_t limit = kTestStart + static_cast<int64_t>(kTooOld) * 1'000'000'000;
      bench.clock.set_now(limit + 48 * 3'600'000'000'000);
      forget_too_old(ledger.acknowledged);
      forget_too_old(ledger.unsure);
      ASSERT_TRUE(bench.try_reopen().ok()) << when;
      expect_only_what_is_young(bench, ledger, when);
      if (::testing::Test::HasFatalFailure()) return;
    }
    expect_kept(bench, ledger, when);
    if (::testing::Test::HasFatalFailure() || !reached) return;
  }
  FAIL() << "the life of the store makes more calls than are tried";
}

TEST(EngineFaults, ACallThatFailsOnce) {
  sweep(SimFs::Fault::kOnce, Durability::kWal, End::kProcess);
}
TEST(EngineFaults, AWriteThatIsCutShort) {
  sweep(SimFs::Fault::kShort, Durability::kWal, End::kProcess);
}
TEST(EngineFaults, AllCallsFromOneOn) {
  sweep(SimFs::Fault::kFromThen, Durability::kWal, End::kProcess);
}
TEST(EngineFaults, AKillAtEachCall) {
  sweep(SimFs::Fault::kKill, Durability::kWal, End::kProcess);
}
TEST(EngineFaults, ALossOfPowerAtEachCall) {
  sweep(SimFs::Fault::kKill, Durability::kFsync, End::kPower);
}
TEST(EngineFaults, ACallThatFailsThenALossOfPower) {
  sweep(SimFs::Fault::kOnce, Durability::kFsync, End::kPower);
}

TEST(EngineFaults, ACallOfRetentionThatFailsOnce) {
  sweep(SimFs::Fault::kOnce, Durability::kWal, End::kProcess, Life::kBeyondRetention);
}
TEST(EngineFaults, AKillAtEachCallOfRetention) {
  sweep(SimFs::Fault::kKill, Durability::kWal, End::kProcess, Life::kBeyondRetention);
}
TEST(EngineFaults, ALossOfPowerAtEachCallOfRetention) {
  sweep(SimFs::Fault::kKill, Durability::kFsync, End::kPower, Life::kBeyondRetention);
}

TEST(EngineFaults, ATornTailIsCutOff) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(1, 0)).ok());
  const std::string path = "/data/wal/" + bench.fs.list("/data/wal")->at(0);
  const size_t before = bench.fs.open(path).value()->size();
  ASSERT_TRUE(bench.write(shop_spans(1, 1)).ok());
  const size_t after = bench.fs.open(path).value()->size();
  for (size_t size = before; size < after; size += 5) {
    Bench torn;
    ASSERT_TRUE(torn.write(shop_spans(1, 0)).ok());
    ASSERT_TRUE(torn.write(shop_spans(1, 1)).ok());
    ASSERT_TRUE(torn.fs.truncate(path, size).ok());
    torn.reopen();
    ASSERT_EQ(torn.span_count(), 7u) << size;
    ASSERT_EQ(torn.engine->stats().quarantined_blocks, 0u);
  }
}

TEST(EngineFaults, DamageInTheLogCostsItsRecordAlone) {
  Bench bench;
  for (uint64_t t = 0; t < 3; ++t) ASSERT_TRUE(bench.write(shop_spans(1, t)).ok());
  const std::string path = "/data/wal/" + bench.fs.list("/data/wal")->at(0);
  bench.fs.damage(path, [](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
  bench.reopen();
  EXPECT_EQ(bench.span_count(), 14u);
  EXPECT_EQ(bench.engine->stats().quarantined_blocks, 1u);
}

TEST(EngineFaults, ADamagedManifestIsNoReasonToDelete) {
  Bench bench;
  ASSERT_TRUE(bench.write(shop_spans(1, 0)).ok());
  ASSERT_TRUE(bench.engine->flush().ok());
  for (const bool gone : {false, true}) {
    bench.engine.reset();
    if (gone) {
      ASSERT_TRUE(bench.fs.remove("/data/MANIFEST").ok());
    } else {
      bench.fs.damage("/data/MANIFEST", [](std::string& bytes) { bytes[30] ^= 1; });
    }
    EXPECT_FALSE(bench.try_reopen().ok());
    EXPECT_EQ(bench.fs.list("/data/parts")->size(), 1u);
  }
}

TEST(EngineFaults, EveryFlippedByteOfAPartIsFoundOrHarmless) {
  Bench whole;
  ASSERT_TRUE(whole.write(shop_spans(20, 0)).ok());
  ASSERT_TRUE(whole.engine->close().ok());
  const std::string path = "/data/parts/" + whole.fs.list("/data/parts")->at(0);
  const size_t size = whole.fs.open(path).value()->size();
  std::string original;
  whole.fs.damage(path, [&](std::string& bytes) { original = bytes; });
  for (size_t at = 0; at < size; at += 17) {
    whole.fs.damage(path, [&](std::string& bytes) {
      bytes = original;
      bytes[at] ^= 0x10;
    });
    whole.reopen();
    const size_t spans = whole.span_count();
    ASSERT_TRUE(spans == 140 || spans == 0) << at;
    // A chunk that counting did not need may still be the damaged one.
    const std::string trace = whole.trace_text(9);
    ASSERT_TRUE(trace.empty() || trace == trace_text(*shop_spans(1, 9), 9)) << at;
  }
}

}  // namespace
}  // namespace vedette::store::engine
