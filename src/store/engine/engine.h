// The embedded storage engine: write-ahead log, heads in memory, immutable parts on disk, merges,
// retention. docs/format/ has the bytes; ARCHITECTURE.md has the life of a span.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "store/store.h"

namespace vedette::store::engine {

enum class Durability : uint8_t {
  kWal,    // acknowledged = in the log: survives SIGKILL
  kFsync,  // acknowledged = synced by group commit: survives loss of power
};

struct Options {
  std::string path;  // the data folder; made if missing
  Durability durability = Durability::kWal;
  /// Rows older than this are refused, not shown, and removed before long (engine_retention.cc);
  /// nullopt: all is kept for ever.
  std::optional<std::chrono::hours> retention = std::chrono::hours(24 * 30);
  size_t queue_bytes_max = 128u << 20;  // writes waiting for the log
  size_t head_bytes_max = 192u << 20;   // all tables' heads; a table is flushed at its share of it
  std::chrono::seconds flush_interval{300};  // a head older than this is flushed
  uint64_t disk_reserve_bytes = 200u << 20;  // read-only below this much free space
  /// Run flushes, merges and retention only when run_background_once() is called: for tests and
  /// simulation.
  bool manual_background = false;
};

/// A Store that also offers what tests, the simulator and `vedette` subcommands need.
class Engine : public Store {
 public:
  /// Takes the folder's lock, replays the log, removes half-written files. `fs` and `clock` must
  /// outlive it.
  static Result<std::unique_ptr<Engine>> open(Options options, base::Fs& fs = base::Fs::posix(),
                                              base::Clock& clock = base::Clock::system());

  /// Heads to parts, now.
  virtual Status flush() = 0;
  /// One round of what background threads do: retention, merges that are due. True if something was
  /// done.
  virtual Result<bool> run_background_once() = 0;
};

}  // namespace vedette::store::engine
