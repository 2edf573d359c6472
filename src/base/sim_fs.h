// A file system in memory that fails, tears and forgets on request: the twin of Fs::posix() for
// tests.
//
// Two states of every file are kept: what a process sees, and what would survive a loss of power.
// Bytes reach the second by sync(), names by sync_dir(). After a sync() that failed, the bytes it
// was to write never become durable, not even by a later sync() that succeeds: as Linux does it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/fs.h"

namespace vedette::base {

/// Thread-safe.
class SimFs final : public Fs {
 public:
  enum class Fault : uint8_t {
    kOnce,      // the call fails, nothing of it happens
    kFromThen,  // so do all later ones, until clear_faults()
    kShort,     // an append writes half of its bytes before it fails; other calls as kOnce
    kKill,      // as kShort and kFromThen: the process is dead until restart()
  };

  /// Calls are counted from 1. Every call of Fs and of its files is one, but for exists() and
  /// size().
  uint64_t calls() const;
  /// The call with this number fails as told.
  void fail_at(uint64_t call, Fault fault, std::string message = "no space left on device");
  void clear_faults();
  /// Kills the process if it lives, and starts anew on the bytes it wrote: locks are free, files
  /// closed.
  void restart();
  /// Loss of power, then restart(): only durable bytes and names are left. With a `seed`, a file
  /// also keeps a part of what was not durable, by chance, the last byte of it damaged.
  void lose_power(uint64_t seed = 0);

  void set_free_bytes(uint64_t bytes);
  /// Changes the bytes of a file in place, as a failing disk does.
  void damage(const std::string& path, const std::function<void(std::string&)>& change);

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) override;
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status truncate(const std::string& path, uint64_t size) override;
  Status make_dirs(const std::string& path) override;
  Status sync_dir(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override;
  Result<std::unique_ptr<void, void (*)(void*)>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;

 private:
  struct Inode {
    std::string data;
    std::string durable;
    size_t never_durable = 0;  // bytes of `data` that a failed sync() gave up; 0: none
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  class Writable;
  class Readable;
  struct Lock;

  /// Counts a call; the error it must end with, if any. `torn`: half of an append happens all the
  /// same.
  Status enter(std::string_view what, const std::string& path, bool* torn = nullptr);
  bool is_dir(const std::string& path) const;

  mutable std::mutex mutex_;
  Names names_;
  Names durable_names_;
  std::set<std::string> dirs_;
  std::set<std::string> locks_;
  uint64_t calls_ = 0;
  uint64_t fail_call_ = 0;
  Fault fault_ = Fault::kOnce;
  bool failing_ = false;
  std::string fault_message_;
  uint64_t process_ = 1;  // files and locks of an earlier process are dead
  uint64_t free_bytes_ = uint64_t{1} << 40;
};

}  // namespace vedette::base
