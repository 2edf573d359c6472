#include "base/scheduler.h"

#include <gmock/gmock.h>

#include <future>

namespace vedette::base {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

constexpr int64_t kSecond = 1'000'000'000;

TEST(Scheduler, RunsWhatIsDueInOrder) {
  SimClock clock(0);
  Scheduler scheduler(clock);
  std::vector<int> ran;
  scheduler.after(seconds(3), [&] { ran.push_back(3); });
  scheduler.after(seconds(1), [&] { ran.push_back(1); });
  scheduler.after(seconds(9), [&] { ran.push_back(9); });
  EXPECT_EQ(scheduler.run_due(), 0u);
  clock.advance(3 * kSecond);
  EXPECT_EQ(scheduler.run_due(), 2u);
  EXPECT_THAT(ran, ElementsAre(1, 3));
}

TEST(Scheduler, RepeatsOnItsOwnGridAndSkipsWhatWasMissed) {
  SimClock clock(0);
  Scheduler scheduler(clock);
  int ran = 0;
  scheduler.every(seconds(2), seconds(10), [&] { ++ran; });
  for (const auto& [advance, expected] :
       std::vector<std::pair<int, int>>{{2, 1}, {9, 1}, {1, 2}, {35, 3}, {4, 3}, {1, 4}}) {
    clock.advance(advance * kSecond);
    scheduler.run_due();
    EXPECT_EQ(ran, expected) << clock.monotonic_ns() / kSecond;
  }
}

TEST(Scheduler, CancelledTasksDoNotRun) {
  SimClock clock(0);
  Scheduler scheduler(clock);
  int ran = 0;
  const auto id = scheduler.every(seconds(1), seconds(1), [&] { ++ran; });
  Scheduler::TimerId self = 0;
  self = scheduler.every(seconds(1), seconds(1), [&] {
    ran += 10;
    scheduler.cancel(self);
  });
  scheduler.cancel(id);
  clock.advance(5 * kSecond);
  scheduler.run_due();
  clock.advance(5 * kSecond);
  scheduler.run_due();
  EXPECT_EQ(ran, 10);
}

TEST(Scheduler, ItsThreadRunsTasksAndCancelWaitsForThem) {
  Scheduler scheduler(Clock::system());
  scheduler.start();
  std::promise<void> started, finish;
  std::atomic<bool> done{false};
  const auto id = scheduler.after(seconds(0), [&] {
    started.set_value();
    finish.get_future().wait();
    done = true;
  });
  started.get_future().wait();
  std::thread releaser([&] { finish.set_value(); });
  scheduler.cancel(id);
  EXPECT_TRUE(done);
  releaser.join();
  scheduler.stop();
}

}  // namespace
}  // namespace vedette::base
