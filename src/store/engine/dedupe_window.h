// Content hashes of the requests of the last ten minutes, so that a repeated request is stored
// once.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_set>
#include <vector>

#include "store/engine/wal_codec.h"

namespace vedette::store::engine {

inline constexpr int64_t kDedupeWindowNs = 600'000'000'000;

/// Single-threaded. Times are those of the server's clock; a clock that jumps back only keeps
/// hashes longer.
class DedupeWindow {
 public:
  /// False if the hash was there already. The zero hash is never remembered.
  bool insert(const SeenHash& seen, uint64_t sequence);
  /// Takes back the latest insert, of a request that could not be stored.
  void remove_last();
  void expire(int64_t now_ns);
  /// Hashes that stand in log records before `sequence`.
  std::vector<SeenHash> logged_before(uint64_t sequence) const;
  /// Those are now carried by a later record.
  void set_carried(uint64_t sequence, uint64_t carried_by);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    SeenHash seen;
    uint64_t sequence;
  };
  struct Hash {
    size_t operator()(const Write::ContentHash& h) const { return h.hi ^ h.lo; }
  };
  std::deque<Entry> entries_;
  std::unordered_set<Write::ContentHash, Hash> hashes_;
};

}  // namespace vedette::store::engine
