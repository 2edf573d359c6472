// The file system behind an interface: every file the store touches goes through it, so that tests
// can fail, cut and kill at each call. `Fs::posix()` is the real one; `SimFs` (base/sim_fs.h) the
// simulated twin.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vedette::base {

/// A file open for appending. Owned by one thread at a time.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  /// Appends all of `data`, or fails; after a failure an unknown prefix may stand in the file.
  virtual Status append(std::span<const char> data) = 0;
  /// Returns once everything appended survives a loss of power. A failure is final for this file.
  virtual Status sync() = 0;
  virtual Status close() = 0;
  virtual uint64_t size() const = 0;
};

/// A file open for reading at any offset. Thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  /// Fills `out` from `offset`; kCorruption if the file ends before that.
  virtual Status read(uint64_t offset, std::span<char> out) const = 0;
  virtual uint64_t size() const = 0;
};

/// Files and folders by path. Thread-safe.
class Fs {
 public:
  virtual ~Fs() = default;

  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path) = 0;
  /// Opens an existing file to append at its end.
  virtual Result<std::unique_ptr<WritableFile>> open_append(const std::string& path) = 0;
  virtual Result<std::unique_ptr<ReadableFile>> open(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  virtual Status truncate(const std::string& path, uint64_t size) = 0;
  virtual Status make_dirs(const std::string& path) = 0;
  /// Makes creations, renames and removals in `path` survive a loss of power.
  virtual Status sync_dir(const std::string& path) = 0;
  /// Names in a folder, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  /// Takes the lock file of a data folder; released with the returned object. kAlreadyExists if
  /// held.
  virtual Result<std::unique_ptr<void, void (*)(void*)>> lock(const std::string& path) = 0;
  /// Bytes free for us on the file system that holds `path`.
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;

  /// The machine's file system; lives for ever.
  static Fs& posix();
};

/// The whole of a file.
Result<std::string> read_file(Fs& fs, const std::string& path);
/// Writes `path` whole or not at all: aside, synced, renamed, folder synced.
Status write_file_atomic(Fs& fs, const std::string& path, std::string_view content);

}  // namespace vedette::base
