// One memory-mapped file in which the processes of a service keep the values of their metrics, so
// that each of them can answer for all.
//
//   header | slots | chunks of 32 KiB …
//
// A process owns a slot: its number and start time, and a list of chunks. A chunk holds entries,
// and an entry is a metric's definition, or one series: label values and cells, which are plain
// atomics that only the owner changes. When a process has died, the next that comes takes its slot:
// counts are added to slot 0 first, gauges by their mode, so that nothing counted is lost and the
// file does not grow with the number of processes there have been.
//
// Slots and chunks change hands under a robust mutex in the file; nobody holds it over I/O other
// than asking /proc who lives. Readers take no lock: they check that what they read was not given
// away meanwhile. The file is in $VEDETTE_DIR, else $XDG_RUNTIME_DIR/vedette, else
// /tmp/vedette-<uid>, mode 0700 and of this user; it goes when no process of the service is left.
#pragma once

#include <map>

#include "sdk/metric_codec.h"
#include "sdk/process_identity.h"

namespace vedette::sdk {

/// The newest of one process.
struct SharedExemplar {
  std::vector<std::string> values;  // of its series
  size_t index;
  std::shared_ptr<const Exemplar> exemplar;
};

struct SharedSeries {
  std::vector<std::string> values;
  std::vector<double> cells;
  ProcessId owner;  // pid 0: of several that have gone
  bool alive = false;
};

struct SharedMetric {
  MetricOptions options;
  std::vector<SharedSeries> series;
  std::vector<SharedExemplar> exemplars;
  bool shown = false;
};

class SharedValues {
 public:
  /// By identity, in the order they were found.
  std::map<std::string, size_t> index;
  std::vector<SharedMetric> metrics;

  SharedMetric* find(const std::string& identity) {
    const auto found = index.find(identity);
    return found == index.end() ? nullptr : &metrics[found->second];
  }
  /// Adds what another slot has.
  void merge(SharedValues other);
};

/// Methods are called under one lock, read_others() without.
class MetricArena {
 public:
  /// The arena of this leader's service; null when there is none, or it cannot be made.
  static std::shared_ptr<MetricArena> open(const ProcessId& leader, bool create);
  ~MetricArena();

  /// A slot for this process. False: all are taken by living processes.
  bool take_slot();
  /// In a forked child: the slot is the parent's.
  void forget_slot() { slot_ = 0; }
  /// Which slot, of all there have been; 0: none.
  uint64_t tenancy() const { return slot_ ? tenancy_ : 0; }

  /// Where the definition is; 0: no room.
  uint32_t define(std::string_view identity, std::string_view help, bool everyone);
  void show_everyone(uint32_t definition);
  /// Zeroed cells of a new series; null: no room.
  Cell* add(uint32_t definition, std::string_view values, size_t cells);
  void remove(Cell* cells);
  /// Room for the exemplar at `index` of a series, by write_exemplar(); null: none is left for
  /// such. It is removed as a series is.
  Cell* add_exemplar(uint32_t definition, std::string_view values, size_t index);

  void read_others(SharedValues* out) const;
  /// Bytes that are in use; for tests.
  size_t bytes() const;

 private:
  struct Header;
  struct Slot;
  struct Chunk;
  struct Entry;
  class Lock;

  MetricArena(int fd, char* base, std::string path);
  static char* map(int fd);
  static bool make(const std::string& path, const ProcessId& leader);
  static void remove_stale(const std::string& folder);
  Header& header() const;
  Slot& slot(uint32_t index) const;
  Chunk* chunk(uint32_t index) const;
  Entry* entry_at(uint32_t reference) const;
  uint32_t reference_to(const Entry& entry) const;
  uint32_t new_chunk();
  Entry* append(uint32_t slot, uint32_t definition, std::string_view key, size_t cells,
                uint32_t note = 0);
  Cell* add_entry(uint32_t definition, std::string_view values, size_t cells, uint32_t note);
  static void read_entry(Entry& entry, uint32_t version, SharedMetric& metric, SharedSeries series);
  bool read_slot(uint32_t index, SharedValues* out) const;
  template <typename Visit>
  void each_entry(uint32_t slot, Visit visit) const;
  void retire(uint32_t slot);
  void fold(const Entry& definition, Entry& entry,
            std::map<std::pair<std::string, std::string>, Entry*>& kept);

  const int fd_;
  char* const base_;
  const std::string path_;
  uint32_t slot_ = 0;
  uint64_t tenancy_ = 0;
  std::multimap<uint32_t, Entry*> free_;  // removed entries of our slot, by size
  std::map<std::string, uint32_t, std::less<>> definitions_;  // of our slot, by identity
};

}  // namespace vedette::sdk
