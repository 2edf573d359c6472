#include "sdk/trace_buffer.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>
#include <thread>

#include "sdk/span_bytes.h"

namespace vedette::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

/// Takes spans named by number, and remembers which came and with what behind them.
struct Sink : SpanSink {
  bool send(uint32_t source, std::string_view span, std::string_view more, bool precious) override {
    const std::lock_guard lock(mutex);
    if (full) return false;
    const uint64_t id = id_of(span);
    sent.insert(id);
    state[id] = more;
    if (precious) ++precious_count;
    sizes[id] = span.size();
    last_source = source;
    return true;
  }
  static uint64_t id_of(std::string_view span) {
    uint64_t id = 0;
    for (int i = 0; i < 8; ++i) id = id << 8 | static_cast<unsigned char>(span[2 + i]);
    return id;
  }
  bool has_state(uint64_t id, std::string_view text) { return state[id].ends_with(text); }

  std::mutex mutex;
  bool full = false;
  std::set<uint64_t> sent;
  std::map<uint64_t, std::string> state;
  std::map<uint64_t, size_t> sizes;
  size_t precious_count = 0;
  uint32_t last_source = 0;
};

/// A Span message: an id, and as much detail as wished.
std::string message(uint64_t id, size_t detail) {
  SpanRecord record;
  SpanLimits limits;
  SpanHead head;
  head.span_id = id;
  record.set_string("detail", std::string(detail, 'x'), limits);
  std::string bytes(record.encoded_size(head, "s", "", ""), 0);
  record.encode(bytes.data(), head, "s", "", "");
  // The trace id before it goes, so that the span id is at a known place.
  return bytes.substr(18);
}

struct Buffer {
  explicit Buffer(TraceBufferOptions options = {}) : traces(options) {}

  LocalTrace* root(uint64_t id, bool sampled = false, std::string_view state = "") {
    return traces.start_root({1, id}, id, sampled, state, sink);
  }
  void end(LocalTrace* trace, uint64_t id, uint64_t parent, bool failed = false,
           size_t detail = 100, int64_t duration = 1) {
    const std::string bytes = message(id, detail);
    traces.end(trace, {id, parent, 7, duration, failed, bytes}, now);
  }
  void finish(LocalTrace* trace, uint64_t id, uint64_t parent, bool failed = false,
              size_t detail = 100) {
    end(trace, id, parent, failed, detail);
    traces.release(trace, id);
  }
  bool sent(uint64_t id) { return sink->sent.contains(id); }
  void check_sum() {
    const TraceBufferStats s = traces.stats();
    EXPECT_EQ(s.ended, s.sampled + s.failed + s.unsampled + s.shed + s.refused + s.waiting);
  }

  std::shared_ptr<Sink> sink = std::make_shared<Sink>();
  TraceBuffer traces;
  int64_t now = 0;
};

TEST(TraceBuffer, AHealthyTraceFollowsItsTraceId) {
  for (bool sampled : {false, true}) {
    Buffer b;
    LocalTrace* trace = b.root(1, sampled, sampled ? "ot=th:8" : "");
    b.traces.start_child(trace, 2, 1);
    b.finish(trace, 2, 1);
    EXPECT_FALSE(b.sent(2)) << "before its root has ended";
    EXPECT_EQ(b.traces.stats().waiting, 1u);
    b.finish(trace, 1, 0);
    EXPECT_EQ(b.sink->sent.size(), sampled ? 2u : 0u);
    EXPECT_EQ(b.sink->precious_count, 0u);
    EXPECT_EQ(b.sink->has_state(1, "ot=th:8"), sampled);
    EXPECT_EQ(b.traces.stats().bytes, 0u);
    b.check_sum();
  }
}

TEST(TraceBuffer, AFailureAnywhereSendsAllOfIt) {
  Buffer b;
  LocalTrace* trace = b.root(1, false, "vendor=x");
  for (uint64_t id : {2, 3, 4}) b.traces.start_child(trace, id, id - 1);
  b.finish(trace, 4, 3);
  b.finish(trace, 3, 2, true);
  EXPECT_TRUE(b.sent(4) && b.sent(3)) << "what waited goes at once";
  b.finish(trace, 2, 1);
  b.finish(trace, 1, 0);
  EXPECT_EQ(b.sink->sent.size(), 4u);
  EXPECT_EQ(b.sink->last_source, 7u);
  for (uint64_t id : {1, 2, 3, 4}) EXPECT_TRUE(b.sink->has_state(id, "ot=th:0,vendor=x")) << id;
  EXPECT_EQ(b.traces.stats().failed, 4u);
  b.check_sum();
}

TEST(TraceBuffer, ASlowRootSendsAllOfItAndASlowChildDoesNot) {
  for (uint64_t slow : {1, 2}) {
    Buffer b({.slow_ns = kSecond});
    LocalTrace* trace = b.root(1);
    b.traces.start_child(trace, 2, 1);
    b.end(trace, 2, 1, false, 100, slow == 2 ? kSecond : 1);
    b.end(trace, 1, 0, false, 100, slow == 1 ? kSecond : kSecond - 1);
    EXPECT_EQ(b.sink->sent.size(), slow == 1 ? 2u : 0u);
  }
}

TEST(TraceBuffer, SpansThatEndAfterTheirRootFollowIt) {
  Buffer b;
  LocalTrace* dropped = b.root(1);
  for (uint64_t id : {2, 3, 4}) b.traces.start_child(dropped, id, 1);
  b.finish(dropped, 1, 0);
  b.finish(dropped, 2, 1);
  EXPECT_TRUE(b.sink->sent.empty());
  b.finish(dropped, 3, 1, true);
  EXPECT_TRUE(b.sent(3)) << "a failure is sent however late";
  b.finish(dropped, 4, 1);
  EXPECT_TRUE(b.sent(4));
  LocalTrace* kept = b.root(10, true);
  b.traces.start_child(kept, 11, 10);
  b.finish(kept, 10, 0);
  b.finish(kept, 11, 10);
  EXPECT_TRUE(b.sent(10) && b.sent(11));
  b.check_sum();
}

TEST(TraceBuffer, NestedLocalRootsDecideForThemselves) {
  Buffer b;
  LocalTrace* outer = b.root(1);
  LocalTrace* inner = b.traces.start_root({1, 1}, 2, false, "", b.sink);
  b.finish(inner, 2, 1, true);
  b.finish(outer, 1, 0);
  EXPECT_TRUE(b.sent(2));
  EXPECT_FALSE(b.sent(1));
}

TEST(TraceBuffer, AParentKnownByItsIdsIsFound) {
  Buffer b;
  LocalTrace* trace = b.root(1);
  EXPECT_EQ(b.traces.join({9, 9}, 5, 4), nullptr);
  EXPECT_EQ(b.traces.join({1, 1}, 5, 1), trace);
  b.finish(trace, 5, 1, true);
  b.finish(trace, 1, 0);
  EXPECT_TRUE(b.sent(1) && b.sent(5));
  EXPECT_EQ(b.traces.join({1, 1}, 6, 1), nullptr) << "it is over";
}

TEST(TraceBuffer, ARootThatIsThrownAwayIsDecided) {
  Buffer b;
  LocalTrace* trace = b.root(1, true);
  b.traces.start_child(trace, 2, 1);
  b.finish(trace, 2, 1);
  b.traces.release(trace, 1);
  EXPECT_TRUE(b.sent(2));
  EXPECT_EQ(b.traces.stats().bytes, 0u);
}

TEST(TraceBuffer, ARootThatNeverEndsHoldsNothingForLong) {
  for (bool sampled : {false, true}) {
    Buffer b;
    LocalTrace* endless = b.root(1, sampled, sampled ? "ot=th:8" : "");
    b.traces.start_child(endless, 2, 1);
    b.finish(endless, 2, 1);
    b.now += 61 * kSecond;
    b.finish(b.root(100), 100, 0);  // anything that happens
    EXPECT_EQ(b.traces.stats().waiting, 0u);
    EXPECT_EQ(b.sent(2), sampled);
    b.traces.start_child(endless, 3, 1);
    b.finish(endless, 3, 1, true);
    EXPECT_TRUE(b.sent(3) && b.sink->has_state(3, "ot=th:0"));
    b.now += 61 * kSecond;
    b.traces.start_child(endless, 4, 1);
    b.finish(endless, 4, 1);
    EXPECT_FALSE(b.sent(4)) << "one failure does not send for ever";
    b.finish(endless, 1, 0);
    EXPECT_EQ(b.sent(4), sampled);
    b.check_sum();
  }
}

TEST(TraceBuffer, WhatIsToBeSentAnywayGoesFirstWhenThereIsNoRoom) {
  Buffer b({.bytes_max = 4096});
  LocalTrace* sampled = b.root(1, true);
  b.traces.start_child(sampled, 2, 1);
  b.finish(sampled, 2, 1, false, 1000);
  LocalTrace* other = b.root(10);
  for (uint64_t id = 11; id < 14; ++id) {
    b.traces.start_child(other, id, 10);
    b.finish(other, id, 10, false, 1000);
  }
  EXPECT_TRUE(b.sent(2));
  EXPECT_EQ(b.traces.stats().shed, 0u);
  EXPECT_EQ(b.traces.stats().waiting, 3u);
}

TEST(TraceBuffer, AncestorsOfOpenSpansLoseTheirDetailAtMost) {
  Buffer b({.bytes_max = 4096});
  // The parent ends before its child, which will fail.
  LocalTrace* trace = b.root(1);
  b.traces.start_child(trace, 2, 1);
  b.traces.start_child(trace, 3, 2);
  b.end(trace, 2, 1, false, 1000);
  for (uint64_t id = 10; id < 40; ++id) {
    b.traces.start_child(trace, id, 1);
    b.finish(trace, id, 1, false, 1000);
    EXPECT_LE(b.traces.stats().bytes, 4096u);
  }
  EXPECT_GT(b.traces.stats().shed, 20u);
  LocalTrace* big = b.root(50);  // only detail is left to take
  b.traces.start_child(big, 51, 50);
  b.end(big, 50, 0, false, 10);
  b.traces.start_child(big, 52, 51);
  b.end(trace, 3, 2, true);
  b.end(trace, 1, 0);
  for (uint64_t id : {1, 2, 3}) EXPECT_TRUE(b.sent(id)) << id;
  b.check_sum();
}

TEST(TraceBuffer, OnlyDetailGoesWhereNothingElseMay) {
  Buffer b({.bytes_max = 2000});
  LocalTrace* trace = b.root(1);
  uint64_t id = 2;
  for (; id < 12; ++id) b.traces.start_child(trace, id, id - 1);
  for (uint64_t ended = 2; ended < 11; ++ended) b.end(trace, ended, ended - 1, false, 500);
  EXPECT_EQ(b.traces.stats().shed, 0u);
  EXPECT_GT(b.traces.stats().stripped, 4u);
  EXPECT_LE(b.traces.stats().bytes, 2000u);
  b.end(trace, 11, 10, true);
  b.end(trace, 1, 0);
  for (uint64_t span = 1; span < 12; ++span) EXPECT_TRUE(b.sent(span)) << span;
  b.check_sum();
}

TEST(TraceBuffer, FlushSendsWhatIsDecidedAndCloseDecidesTheRest) {
  Buffer b;
  LocalTrace* sampled = b.root(1, true);
  b.traces.start_child(sampled, 2, 1);
  b.finish(sampled, 2, 1);
  LocalTrace* other = b.root(10);
  b.traces.start_child(other, 11, 10);
  b.finish(other, 11, 10);
  b.traces.flush();
  EXPECT_TRUE(b.sent(2));
  EXPECT_EQ(b.traces.stats().waiting, 1u);
  b.traces.close();
  EXPECT_EQ(b.traces.stats().waiting, 0u);
  EXPECT_FALSE(b.sent(11));
  b.check_sum();
}

TEST(TraceBuffer, WhatTheQueueRefusesIsCounted) {
  Buffer b;
  b.sink->full = true;
  b.finish(b.root(1, true), 1, 0);
  b.finish(b.root(2), 2, 0, true);
  EXPECT_EQ(b.traces.stats().refused, 2u);
  b.check_sum();
}

// Random trees in random order, in a buffer that holds a tenth of them.
TEST(TraceBuffer, EveryFailureAndItsAncestorsAreSentAtTenTimesTheRoom) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Buffer b({.bytes_max = 64u << 10});
    struct Span {
      uint64_t id, parent;
      LocalTrace* trace;
    };
    struct Tree {
      std::vector<Span> open;
      std::map<uint64_t, uint64_t> parents;
      LocalTrace* trace;
      bool sampled;
    };
    std::vector<Tree> trees;
    uint64_t next_id = 1;
    std::set<uint64_t> must, may_not;
    std::map<uint64_t, uint64_t> parents;
    size_t offered = 0;
    const auto finish_one = [&](Tree& tree, size_t at) {
      const Span span = tree.open[at];
      tree.open.erase(tree.open.begin() + static_cast<ptrdiff_t>(at));
      const bool failed = random() % 50 == 0;
      const size_t detail = random() % 1500;
      offered += detail;
      if (failed) {
        for (uint64_t id = span.id; id; id = parents[id]) must.insert(id);
      }
      b.finish(span.trace, span.id, span.parent, failed, detail);
      ASSERT_LE(b.traces.stats().bytes, 64u << 10);
    };
    while (offered < 640u << 10) {
      if (trees.size() < 200) {
        const uint64_t id = next_id++;
        const bool sampled = random() % 10 == 0;
        LocalTrace* trace = b.root(id, sampled);
        parents[id] = 0;
        trees.push_back({{{id, 0, trace}}, {}, trace, sampled});
      }
      Tree& tree = trees[random() % trees.size()];
      if (random() % 2 && tree.open.size() < 12) {
        const Span parent = tree.open[random() % tree.open.size()];
        const uint64_t id = next_id++;
        parents[id] = parent.id;
        b.traces.start_child(tree.trace, id, parent.id);
        tree.open.push_back({id, parent.id, tree.trace});
      } else if (tree.open.size() > 1) {
        finish_one(tree, 1 + random() % (tree.open.size() - 1));
      } else if (random() % 8 == 0) {
        finish_one(tree, 0);
        if (tree.open.empty()) {
          std::swap(tree, trees.back());
          trees.pop_back();
        }
      }
    }
    for (Tree& tree : trees) {
      while (!tree.open.empty()) finish_one(tree, tree.open.size() - 1);
    }
    EXPECT_GT(must.size(), 20u);
    for (uint64_t id : must) EXPECT_TRUE(b.sent(id)) << "seed " << seed << " span " << id;
    EXPECT_GT(b.traces.stats().shed, 0u);
    EXPECT_EQ(b.traces.stats().waiting, 0u);
    EXPECT_EQ(b.traces.stats().bytes, 0u);
    b.check_sum();
  }
}

TEST(TraceBuffer, ThreadsMayUseItTogether) {
  Buffer b({.bytes_max = 32u << 10});
  constexpr int kThreads = 4, kTraces = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&b, t] {
      for (uint64_t i = 0; i < kTraces; ++i) {
        const uint64_t root = static_cast<uint64_t>(t) * 1'000'000 + i * 10 + 1;
        LocalTrace* trace = b.root(root, i % 10 == 0);
        for (uint64_t child = root + 1; child < root + 5; ++child) {
          b.traces.start_child(trace, child, root);
        }
        for (uint64_t child = root + 1; child < root + 5; ++child) {
          b.finish(trace, child, root, i % 25 == 3 && child == root + 4, 300);
        }
        b.finish(trace, root, 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const TraceBufferStats s = b.traces.stats();
  EXPECT_EQ(s.ended, uint64_t{kThreads} * kTraces * 5);
  EXPECT_EQ(s.failed, uint64_t{kThreads} * kTraces / 25 * 5);
  EXPECT_EQ(s.waiting, 0u);
  b.check_sum();
}

TEST(TraceBuffer, AForkedChildStartsEmpty) {
  Buffer b;
  LocalTrace* trace = b.root(1, true);
  b.traces.start_child(trace, 2, 1);
  b.finish(trace, 2, 1);
  const pid_t child = fork();
  if (child == 0) {
    b.finish(trace, 1, 0);
    const bool right = !b.sent(2) && b.sent(1) && b.traces.stats().ended == 1;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  b.finish(trace, 1, 0);
  EXPECT_TRUE(b.sent(1) && b.sent(2));
}

// ---- what the bytes tell

TEST(SpanBytes, FailuresAreStatusExceptionAndHttpStatus) {
  SpanLimits limits;
  SpanHead head;
  const auto event = [](std::string_view name) {
    ProtoBuffer out;
    out.fixed64_field(1, 5);
    out.bytes_field(2, name);
    return std::string(out.view());
  };
  SpanRecord record;
  EXPECT_FALSE(has_failed(head, record));
  record.set_int("http.response.status_code", 499, limits);
  record.add_event(event("exceptional"), limits);
  EXPECT_FALSE(has_failed(head, record));
  record.set_int("http.response.status_code", 500, limits);
  EXPECT_TRUE(has_failed(head, record));
  record.set_int("http.response.status_code", 200, limits);
  EXPECT_FALSE(has_failed(head, record));
  record.set_int("http.status_code", 503, limits);
  EXPECT_TRUE(has_failed(head, record));
  record.reset();
  record.set_string("http.response.status_code", "500", limits);
  EXPECT_FALSE(has_failed(head, record));
  record.add_event(event("exception"), limits);
  EXPECT_TRUE(has_failed(head, record));
  record.reset();
  head.status = 2;
  EXPECT_TRUE(has_failed(head, record));
}

TEST(SpanBytes, DetailIsCountedWhenItGoes) {
  SpanLimits limits;
  SpanHead head{.trace_id = {1, 2}, .span_id = 3, .parent_id = 4, .start_ns = 5, .end_ns = 6};
  SpanRecord record;
  const auto encode = [&] {
    std::string bytes(record.encoded_size(head, "name", "", "why"), 0);
    record.encode(bytes.data(), head, "name", "", "why");
    return bytes;
  };
  const std::string bare = encode();
  record.set_string("a", "1", limits);
  record.set_int("b", 2, limits);
  const std::string full = encode();
  const std::string less = without_detail(full);
  EXPECT_EQ(less, bare + std::string("\x50\x02", 2));
  EXPECT_EQ(without_detail(less), less);
  for (size_t cut = 0; cut < full.size(); ++cut) without_detail(full.substr(0, cut));
  EXPECT_EQ(without_detail("\xff\xff"), "\xff\xff");
}

}  // namespace
}  // namespace vedette::sdk
