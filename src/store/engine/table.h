// What the engine and its tables agree on. The engine owns the log, the manifest, threads and time;
// a table owns its head and the format of its parts.
//
// A table's life: rows enter the head on the writer thread, visible at once. freeze() puts the head
// aside (still visible) and starts a new one; write_frozen() makes parts of it on a background
// thread; when the manifest names them, publish() swaps them in. Merges go the same way: merge()
// writes, the manifest commits, publish() swaps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/result.h"
#include "store/store.h"

namespace vedette::store::engine {

/// One immutable file of a table, as the manifest lists it.
struct PartInfo {
  Table table = Table::kSpans;
  std::string file;         // name inside the data folder's parts/
  int64_t min_time_ns = 0;  // of its rows
  int64_t max_time_ns = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  uint32_t level = 0;  // 0: flushed; else 1 + the highest level merged into it
};

/// A change of the set of parts, committed by the manifest before it is published.
struct PartChange {
  std::vector<std::string> removed;
  std::vector<PartInfo> added;
  bool frozen_written = false;  // the frozen head is in `added`
};

/// What a table needs from the engine.
struct TableContext {
  base::Fs& fs;
  base::Clock& clock;
  std::string parts_path;                      // folder of part files
  std::function<std::string()> new_file_name;  // unique, never reused; thread-safe
  std::function<void(const std::string& file, const std::string& why)> report_corruption;
};

class EngineTable {
 public:
  virtual ~EngineTable() = default;

  /// At start, for each part of the manifest. A part whose footer can't be read is reported and
  /// left out.
  virtual Status open_part(const PartInfo& info) = 0;

  // On the writer thread.
  virtual size_t head_bytes() const = 0;
  /// Time of the head's oldest write (by the clock, not by its rows); 0 when empty.
  virtual int64_t head_since_ns() const = 0;
  /// False when the head is empty. Never called while a frozen head exists.
  virtual bool freeze() = 0;

  // On background threads: one makes parts of the frozen head, next to one that does the rest.
  /// Files written, synced and closed; on failure it removes what it wrote and the frozen head
  /// stays.
  virtual Result<std::vector<PartInfo>> write_frozen() = 0;
  /// Files that should become one now, by size tier within a time partition; empty: nothing to do.
  virtual std::vector<std::string> pick_merge() const = 0;
  /// One part of these, without the rows older than `oldest_ns`; none when nothing is left. A
  /// single file is rewritten. Fails where a block can't be read: what is in it would be lost for
  /// good.
  virtual Result<std::vector<PartInfo>> merge(const std::vector<std::string>& files,
                                              int64_t oldest_ns) = 0;
  /// How many rows of a part are older.
  virtual Result<uint64_t> rows_before(const std::string& file, int64_t time_ns) const = 0;
  /// Rewrites one part without rows of the range (drop) and, for spans, without traces that `keep`
  /// refuses. The result is empty when nothing is left.
  virtual Result<std::vector<PartInfo>> rewrite(const std::string& file, TimeRange drop,
                                                const KeepTrace* keep) = 0;

  // On any thread; atomic to readers, which keep their snapshot.
  virtual void publish(const PartChange& change) = 0;
  /// Forgets what was written and is not to be published: the manifest could not be saved.
  virtual void discard(const std::vector<PartInfo>& written) = 0;
  virtual std::vector<PartInfo> parts() const = 0;
  virtual TableStats stats() const = 0;
};

}  // namespace vedette::store::engine
