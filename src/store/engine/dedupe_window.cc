#include "store/engine/dedupe_window.h"

namespace vedette::store::engine {

bool DedupeWindow::insert(const SeenHash& seen, uint64_t sequence) {
  if (seen.hash == Write::ContentHash{}) return true;
  if (!hashes_.insert(seen.hash).second) return false;
  entries_.push_back({seen, sequence});
  return true;
}

void DedupeWindow::remove_last() {
  hashes_.erase(entries_.back().seen.hash);
  entries_.pop_back();
}

void DedupeWindow::expire(int64_t now_ns) {
  while (!entries_.empty() && entries_.front().seen.time_ns < now_ns - kDedupeWindowNs) {
    hashes_.erase(entries_.front().seen.hash);
    entries_.pop_front();
  }
}

std::vector<SeenHash> DedupeWindow::logged_before(uint64_t sequence) const {
  std::vector<SeenHash> found;
  for (const Entry& entry : entries_) {
    if (entry.sequence < sequence) found.push_back(entry.seen);
  }
  return found;
}

void DedupeWindow::set_carried(uint64_t sequence, uint64_t carried_by) {
  for (Entry& entry : entries_) {
    if (entry.sequence < sequence) entry.sequence = carried_by;
  }
}

}  // namespace vedette::store::engine
