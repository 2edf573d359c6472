#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace vedette::base {
namespace {

TEST(ThreadPool, RunsEverythingThatWasTaken) {
  std::atomic<int> ran{0};
  {
    ThreadPool pool(3, 1000);
    for (int i = 0; i < 500; ++i) {
      ThreadPool::Task task = [&] { ++ran; };
      ASSERT_TRUE(pool.submit(task));
    }
  }
  EXPECT_EQ(ran, 500);
}

TEST(ThreadPool, RefusesWhenFullAndLeavesTheTask) {
  std::promise<void> gate, started;
  ThreadPool pool(1, 1);
  ThreadPool::Task blocker = [&] {
    started.set_value();
    gate.get_future().wait();
  };
  ASSERT_TRUE(pool.submit(blocker));
  started.get_future().wait();
  ThreadPool::Task waiting = [] {};
  ASSERT_TRUE(pool.submit(waiting));
  ThreadPool::Task refused = [] {};
  EXPECT_FALSE(pool.submit(refused));
  EXPECT_TRUE(refused) << "the caller still has it to answer";
  gate.set_value();
}

}  // namespace
}  // namespace vedette::base
