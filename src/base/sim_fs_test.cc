// The simulated file system forgets, tears and fails exactly as it says: other tests rest on it.
#include "base/sim_fs.h"

#include <gmock/gmock.h>

namespace vedette::base {
namespace {

using ::testing::ElementsAre;

class SimFsTest : public ::testing::Test {
 protected:
  SimFsTest() { EXPECT_TRUE(fs.make_dirs("/d").ok()); }

  std::unique_ptr<WritableFile> create(const std::string& path) {
    auto file = fs.create(path);
    EXPECT_TRUE(file.ok());
    return file.ok() ? *std::move(file) : nullptr;
  }
  /// Written, synced, its name too.
  void write_durably(const std::string& path, std::string_view bytes) {
    const auto file = create(path);
    EXPECT_TRUE(file->append(bytes).ok());
    EXPECT_TRUE(file->sync().ok());
    EXPECT_TRUE(fs.sync_dir("/d").ok());
  }
  std::string content(const std::string& path) {
    auto bytes = read_file(fs, path);
    return bytes.ok() ? *bytes : "(" + bytes.error().message + ")";
  }
  std::vector<std::string> names() { return *fs.list("/d"); }

  SimFs fs;
};

TEST_F(SimFsTest, AKillLosesNothingThatWasWritten) {
  const auto file = create("/d/a");
  ASSERT_TRUE(file->append(std::string_view("unsynced")).ok());
  fs.restart();
  EXPECT_EQ(content("/d/a"), "unsynced");
  EXPECT_FALSE(file->append(std::string_view("x")).ok());  // of a process that is dead
  EXPECT_EQ(content("/d/a"), "unsynced");
}

TEST_F(SimFsTest, ALossOfPowerDropsBytesThatWereNotSynced) {
  write_durably("/d/a", "kept");
  const auto file = *fs.open_append("/d/a");
  ASSERT_TRUE(file->append(std::string_view(" and lost")).ok());
  fs.lose_power();
  EXPECT_EQ(content("/d/a"), "kept");
}

TEST_F(SimFsTest, ALossOfPowerWithASeedKeepsADamagedPartOfThem) {
  bool some = false;
  for (uint64_t seed = 1; seed < 10; ++seed) {
    write_durably("/d/a", "kept");
    const auto file = *fs.open_append("/d/a");
    ASSERT_TRUE(file->append(std::string_view("0123456789")).ok());
    fs.lose_power(seed);
    const std::string left = content("/d/a");
    ASSERT_LE(left.size(), 14u);
    ASSERT_TRUE(left.starts_with("kept")) << left;
    if (left.size() == 4) continue;
    some = true;
    EXPECT_EQ(left.substr(0, left.size() - 1),
              std::string("kept0123456789").substr(0, left.size() - 1));
    EXPECT_NE(left.back(), "kept0123456789"[left.size() - 1]);
  }
  EXPECT_TRUE(some);
}

TEST_F(SimFsTest, ALossOfPowerUndoesNamesThatWereNotSynced) {
  write_durably("/d/old", "old");
  write_durably("/d/gone", "gone");
  const auto file = create("/d/new");
  ASSERT_TRUE(file->append(std::string_view("new")).ok());
  ASSERT_TRUE(file->sync().ok());  // the bytes, not the name
  ASSERT_TRUE(fs.rename("/d/old", "/d/renamed").ok());
  ASSERT_TRUE(fs.remove("/d/gone").ok());
  EXPECT_THAT(names(), ElementsAre("new", "renamed"));
  fs.lose_power();
  EXPECT_THAT(names(), ElementsAre("gone", "old"));
  EXPECT_EQ(content("/d/old"), "old");
}

TEST_F(SimFsTest, ARenameReplacesOnceTheFolderIsSynced) {
  write_durably("/d/a", "first");
  const auto file = create("/d/a.tmp");
  ASSERT_TRUE(file->append(std::string_view("second")).ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(fs.rename("/d/a.tmp", "/d/a").ok());
  ASSERT_TRUE(fs.sync_dir("/d").ok());
  fs.lose_power();
  EXPECT_THAT(names(), ElementsAre("a"));
  EXPECT_EQ(content("/d/a"), "second");
}

TEST_F(SimFsTest, WhatAFailedSyncGaveUpNeverBecomesDurable) {
  write_durably("/d/a", "kept");
  const auto file = *fs.open_append("/d/a");
  ASSERT_TRUE(file->append(std::string_view(" lost")).ok());
  fs.fail_at(fs.calls() + 1, SimFs::Fault::kOnce);
  EXPECT_FALSE(file->sync().ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(content("/d/a"), "kept lost");
  fs.lose_power();
  EXPECT_EQ(content("/d/a"), "kept");
}

TEST_F(SimFsTest, FailsAsTold) {
  const struct {
    SimFs::Fault fault;
    const char* after;      // of a write of "abcd" that fails
    bool later_calls_work;  // before the faults are cleared
  } cases[] = {
      {SimFs::Fault::kOnce, "", true},
      {SimFs::Fault::kShort, "ab", true},
      {SimFs::Fault::kFromThen, "", false},
      {SimFs::Fault::kKill, "ab", false},
  };
  for (const auto& c : cases) {
    const std::string path = "/d/" + std::to_string(static_cast<int>(c.fault));
    const auto file = create(path);
    fs.fail_at(fs.calls() + 1, c.fault, "no more");
    const Status failed = file->append(std::string_view("abcd"));
    ASSERT_FALSE(failed.ok());
    EXPECT_THAT(failed.error().message, ::testing::HasSubstr("no more"));
    EXPECT_EQ(file->sync().ok(), c.later_calls_work);
    EXPECT_EQ(fs.list("/d").ok(), c.later_calls_work);
    fs.clear_faults();
    EXPECT_EQ(content(path), c.after);
    EXPECT_TRUE(file->append(std::string_view("e")).ok());
  }
}

TEST_F(SimFsTest, CountsEachCallButSizesAndQuestionsOfExistence) {
  const auto file = create("/d/a");
  const uint64_t before = fs.calls();
  EXPECT_TRUE(fs.exists("/d/a"));
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(fs.calls(), before);
  ASSERT_TRUE(file->append(std::string_view("x")).ok());
  ASSERT_TRUE(file->close().ok());
  ASSERT_TRUE(fs.sync_dir("/d").ok());
  EXPECT_EQ(fs.calls(), before + 3);
}

TEST_F(SimFsTest, HoldsALockUntilItIsReleasedOrItsProcessDies) {
  auto lock = fs.lock("/d/LOCK");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(fs.lock("/d/LOCK").error().code, Code::kAlreadyExists);
  fs.restart();
  auto next = fs.lock("/d/LOCK");
  ASSERT_TRUE(next.ok());
  lock->reset();  // of the dead: takes nothing from the living
  EXPECT_FALSE(fs.lock("/d/LOCK").ok());
  next->reset();
  EXPECT_TRUE(fs.lock("/d/LOCK").ok());
}

}  // namespace
}  // namespace vedette::base
