// The write-ahead log: numbered records in segment files. docs/format/wal.md.
//
// A group of records is committed by one append (and one sync). After a commit that failed, the
// segment is cut back to its last good record and never written again: bytes whose sync failed are
// not trusted.
//
// One thread at a time; bytes() from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "store/engine/wal_codec.h"

namespace vedette::store::engine {

class Wal {
 public:
  struct Options {
    std::string folder;
    bool sync = false;  // commit() returns only when the group survives a loss of power
    uint64_t segment_bytes_max = 64u << 20;
  };
  using Replay = std::function<void(uint64_t sequence, WalRecord record)>;
  using Report = std::function<void(const std::string& file, const std::string& why)>;

  /// Gives every readable record to `replay`, in order. A torn tail is cut off; damage before the
  /// tail is reported and stepped over. New records are numbered from `sequence_min` at least.
  static Result<std::unique_ptr<Wal>> open(base::Fs& fs, Options options, uint64_t sequence_min,
                                           const Replay& replay, const Report& report);

  /// Adds to the group that the next commit() writes; gives the record's number.
  uint64_t add(const WalRecord& record);
  /// The whole group is in the log, or none of it is acknowledged.
  Status commit();
  size_t group_bytes() const { return group_.size(); }

  uint64_t next_sequence() const { return next_sequence_; }
  /// The next commit starts a segment, so that what is before can go once it is flushed.
  void rotate();
  /// Number of the first record that remove_before(sequence) would keep.
  uint64_t first_kept(uint64_t sequence) const;
  /// Removes segments that hold only records before `sequence`.
  Status remove_before(uint64_t sequence);
  uint64_t bytes() const { return bytes_; }

 private:
  struct Segment {
    uint64_t first = 0;  // number of its first record
    std::string path;
    uint64_t bytes = 0;
  };

  Wal(base::Fs& fs, Options options) : fs_(fs), options_(std::move(options)) {}
  Status replay_segment(Segment& segment, bool last, const Replay& replay, const Report& report);
  Status open_segment();
  Status write_group();
  void abandon_segment();

  base::Fs& fs_;
  Options options_;
  std::vector<Segment> segments_;  // oldest first; the last is being written while file_ is set
  std::unique_ptr<base::WritableFile> file_;
  std::string group_;
  uint64_t group_first_ = 0;
  uint64_t next_sequence_ = 1;
  std::atomic<uint64_t> bytes_ = 0;
};

}  // namespace vedette::store::engine
