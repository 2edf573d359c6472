#include "sdk/metric_arena.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

namespace vedette::sdk {
namespace {

/// A folder of its own for the arenas of a test.
class MetricArenaTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vedette-arena-XXXXXX";
    folder_ = ::mkdtemp(name);
    ::setenv("VEDETTE_DIR", folder_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("VEDETTE_DIR");
    std::filesystem::remove_all(folder_);
  }

  /// Runs `work` in a child, to its end.
  static void in_child(const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      work();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_EQ(status, 0);
  }

  std::string folder_;
};

const MetricOptions kCounter{
    .type = MetricType::kCounter, .name = "c", .help = "help", .labels = {"x"}, .everyone = true};

void count(MetricArena& arena, const MetricOptions& options, const std::string& label,
           double value) {
  ASSERT_TRUE(arena.take_slot());
  const uint32_t definition = arena.define(metric_identity(options), options.help, true);
  ASSERT_TRUE(definition);
  Cell* cells = arena.add(definition, join_values({label}), cells_of(options));
  ASSERT_TRUE(cells);
  cells[kValueCell].store(value);
  cells[kTimeCell].store(value);
}

double sum_of(const MetricArena& arena, const MetricOptions& options) {
  SharedValues values;
  arena.read_others(&values);
  const SharedMetric* metric = values.find(metric_identity(options));
  double sum = 0;
  if (metric) {
    for (const SharedSeries& series : metric->series) sum += series.cells[kValueCell];
  }
  return sum;
}

TEST_F(MetricArenaTest, IdentitiesAreReadBack) {
  MetricOptions options{.type = MetricType::kHistogram,
                        .name = "h",
                        .help = "",
                        .labels = {"a", ""},
                        .bounds = {0.5, 1},
                        .unit = "s"};
  MetricOptions read;
  ASSERT_TRUE(parse_identity(metric_identity(options), &read));
  EXPECT_EQ(read.labels, options.labels);
  EXPECT_EQ(read.bounds, options.bounds);
  EXPECT_EQ(metric_identity(read), metric_identity(options));
  for (size_t cut = 0; cut < 24; ++cut) {
    MetricOptions short_one;
    parse_identity(metric_identity(options).substr(0, cut), &short_one);
  }
}

TEST_F(MetricArenaTest, TheCountsOfManyGenerationsStayAndTheFileDoesNotGrow) {
  const ProcessId leader = this_process();
  auto arena = MetricArena::open(leader, true);
  ASSERT_TRUE(arena);
  ASSERT_TRUE(arena->take_slot());
  size_t bytes = 0;
  for (int i = 0; i < 200; ++i) {
    in_child([&] {
      auto mine = MetricArena::open(leader, false);
      count(*mine, kCounter, std::to_string(i % 3), 2);
    });
    if (i == 10) bytes = arena->bytes();
  }
  EXPECT_EQ(sum_of(*arena, kCounter), 400);
  EXPECT_EQ(arena->bytes(), bytes);
}

TEST_F(MetricArenaTest, GaugesOfTheDeadCountByTheirMode) {
  const ProcessId leader = this_process();
  auto arena = MetricArena::open(leader, true);
  ASSERT_TRUE(arena);
  const auto gauge = [](const char* name, GaugeMode mode, bool live) {
    return MetricOptions{.type = MetricType::kGauge,
                         .name = name,
                         .help = "",
                         .labels = {"x"},
                         .mode = mode,
                         .live = live};
  };
  const MetricOptions sum = gauge("sum", GaugeMode::kSum, false);
  const MetricOptions max = gauge("max", GaugeMode::kMax, false);
  const MetricOptions min = gauge("min", GaugeMode::kMin, false);
  const MetricOptions recent = gauge("recent", GaugeMode::kMostRecent, false);
  const MetricOptions live = gauge("live", GaugeMode::kSum, true);
  for (double value : {3.0, 5.0, 4.0}) {
    in_child([&] {
      auto mine = MetricArena::open(leader, false);
      for (const auto& options : {sum, max, min, recent, live}) count(*mine, options, "l", value);
    });
  }
  // Takes the last slot: what was in it is folded.
  ASSERT_TRUE(arena->take_slot());
  EXPECT_EQ(sum_of(*arena, sum), 12);
  EXPECT_EQ(sum_of(*arena, max), 5);
  EXPECT_EQ(sum_of(*arena, min), 3);
  EXPECT_EQ(sum_of(*arena, recent), 5);
  EXPECT_EQ(sum_of(*arena, live), 0);
}

TEST_F(MetricArenaTest, RoomOfRemovedSeriesIsUsedAgain) {
  const ProcessId leader = this_process();
  auto arena = MetricArena::open(leader, true);
  ASSERT_TRUE(arena && arena->take_slot());
  const uint32_t definition = arena->define(metric_identity(kCounter), "", true);
  Cell* first = arena->add(definition, join_values({"12345"}), 2);
  const size_t bytes = arena->bytes();
  for (int i = 0; i < 10'000; ++i) {
    arena->remove(first);
    Cell* next = arena->add(definition, join_values({std::to_string(10'000 + i)}), 2);
    ASSERT_EQ(next, first);
    ASSERT_EQ(next[0].load(), 0);
  }
  EXPECT_EQ(arena->bytes(), bytes);
}

TEST_F(MetricArenaTest, AFullArenaRefusesAndStaysWhole) {
  auto arena = MetricArena::open(this_process(), true);
  ASSERT_TRUE(arena && arena->take_slot());
  const uint32_t definition = arena->define(metric_identity(kCounter), "", true);
  const std::string large(20'000, 'x');
  int fitted = 0;
  while (arena->add(definition, join_values({large}), 2)) ++fitted;
  EXPECT_GT(fitted, 1000);
  EXPECT_EQ(arena->add(definition, join_values({std::string(40'000, 'x')}), 2), nullptr);
  EXPECT_LE(arena->bytes(), 65u << 20);
}

TEST_F(MetricArenaTest, FilesOfServicesThatAreGoneAreRemoved) {
  in_child([&] { MetricArena::open(this_process(), true); });
  ASSERT_FALSE(std::filesystem::is_empty(folder_));
  auto arena = MetricArena::open(this_process(), true);
  ASSERT_TRUE(arena);
  const auto files = std::distance(std::filesystem::directory_iterator(folder_), {});
  EXPECT_EQ(files, 1);
}

TEST_F(MetricArenaTest, AFolderThatOthersMayWriteIsNotUsed) {
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  EXPECT_FALSE(MetricArena::open(this_process(), true));
}

TEST(ProcessIdentity, AForkedChildIsAWorkerAndKnowsWhoLives) {
  const ProcessId self = this_process();
  EXPECT_TRUE(is_alive(self));
  EXPECT_FALSE(is_alive({self.pid, self.start + 1}));
  const ProcessId leader = service_leader();
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(service_leader() == leader ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(is_alive({static_cast<int32_t>(pid), self.start}));
}

}  // namespace
}  // namespace vedette::sdk
