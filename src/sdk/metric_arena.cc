#include "sdk/metric_arena.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sdk/diagnostic.h"

namespace vedette::sdk {
namespace {

constexpr uint64_t kMagic = 0x31306d7465646576;  // "vedetm01"
constexpr uint32_t kSlots = 256;                 // 0 keeps what the dead counted
constexpr size_t kHeaderBytes = 32 * 1024;
constexpr size_t kChunkBytes = 32 * 1024;
constexpr uint32_t kChunksMax = 2048;  // 64 MiB
constexpr size_t kMapBytes = kHeaderBytes + kChunkBytes * kChunksMax;
constexpr int kReadsMax = 4;

size_t in_words(size_t bytes) {
  return (bytes + 7) & ~size_t{7};
}

bool is_own_folder(const std::string& path, bool create) {
  if (create && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
         found.st_uid == ::geteuid() && (found.st_mode & 077) == 0;
}

/// Empty: there is no place where only this user writes.
std::string folder(bool create) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (std::string chosen = variable("VEDETTE_DIR"); !chosen.empty()) {
    return is_own_folder(chosen, create) ? chosen : "";
  }
  if (std::string runtime = variable("XDG_RUNTIME_DIR"); !runtime.empty()) {
    if (std::string path = runtime + "/vedette"; is_own_folder(path, create)) return path;
  }
  std::string path = "/tmp/vedette-" + std::to_string(::geteuid());
  return is_own_folder(path, create) ? path : "";
}

bool same(const ProcessId& a, int32_t pid, uint64_t start) {
  return a.pid == pid && a.start == start;
}

}  // namespace

struct MetricArena::Header {
  uint64_t magic;
  pthread_mutex_t mutex;
  int32_t leader_pid;
  uint64_t leader_start;
  std::atomic<uint64_t> retirements;  // odd: one is under way
  std::atomic<uint32_t> chunks;       // how many there are; number 0 is never used
  uint32_t free_chunk;
  uint64_t tenancies;
};

struct MetricArena::Slot {
  std::atomic<uint64_t> tenancy;  // another one: what was read is void
  std::atomic<int32_t> pid;
  std::atomic<uint64_t> start;
  std::atomic<uint32_t> first_chunk;
  uint32_t last_chunk;
};

struct MetricArena::Chunk {
  std::atomic<uint32_t> next;
  std::atomic<uint32_t> used;  // bytes, this head among them
};

struct MetricArena::Entry {
  uint32_t bytes;                 // all of it
  uint32_t definition;            // of a series; 0: this is a definition
  std::atomic<uint32_t> version;  // odd: there; even: removed
  /// Of a definition: whether everyone shows it. Of a series 0, of an exemplar 1 + its index.
  std::atomic<uint32_t> note;
  uint32_t key_bytes;
  uint32_t cells;

  char* key() { return reinterpret_cast<char*>(this + 1); }
  std::string_view key_view() { return {key(), key_bytes}; }
  Cell* values() { return reinterpret_cast<Cell*>(key() + in_words(key_bytes)); }
  /// Behind `said`, the key, a word leads from the cells back to the head.
  static size_t key_room(size_t said) { return in_words(said) + 8; }
  static size_t size(size_t said, size_t cells) {
    return sizeof(Entry) + key_room(said) + cells * sizeof(Cell);
  }
  /// Of `bytes` bytes; not yet there.
  void fill(size_t whole, uint32_t of, std::string_view said, size_t cell_count, uint32_t noted) {
    bytes = static_cast<uint32_t>(whole);
    definition = of;
    note.store(noted);
    key_bytes = static_cast<uint32_t>(key_room(said.size()));
    cells = static_cast<uint32_t>(cell_count);
    std::memset(key(), 0, whole - sizeof(Entry));
    std::memcpy(key(), said.data(), said.size());
    const uint64_t back = sizeof(Entry) + key_bytes;
    std::memcpy(key() + key_bytes - 8, &back, 8);
  }
  bool fits(size_t room) const {
    return bytes <= room && bytes >= sizeof(Entry) &&
           sizeof(Entry) + in_words(key_bytes) + cells * sizeof(Cell) <= bytes;
  }
  static Entry* of(Cell* values) {
    // The word before an entry's cells says how far its head is.
    const auto* back = reinterpret_cast<const uint64_t*>(values) - 1;
    return reinterpret_cast<Entry*>(reinterpret_cast<char*>(values) - *back);
  }
};

/// The mutex of the file. One whose owner died is taken over: what it guards is always readable.
class MetricArena::Lock {
 public:
  explicit Lock(Header& header) : header_(header) {
    const int result = pthread_mutex_lock(&header_.mutex);
    if (result == EOWNERDEAD) {
      pthread_mutex_consistent(&header_.mutex);
      if (header_.retirements.load() & 1) header_.retirements.fetch_add(1);
    }
    held_ = result == 0 || result == EOWNERDEAD;
  }
  ~Lock() {
    if (held_) pthread_mutex_unlock(&header_.mutex);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  explicit operator bool() const { return held_; }

 private:
  Header& header_;
  bool held_;
};

MetricArena::MetricArena(int fd, char* base, std::string path)
    : fd_(fd), base_(base), path_(std::move(path)) {
  static_assert(sizeof(Header) <= 1024 && sizeof(Slot) * kSlots <= kHeaderBytes - 1024);
  static_assert(Cell::is_always_lock_free && sizeof(Cell) == 8 && sizeof(Entry) % 8 == 0);
}

MetricArena::~MetricArena() {
  ::munmap(base_, kMapBytes);
  ::close(fd_);
}

MetricArena::Header& MetricArena::header() const {
  return *reinterpret_cast<Header*>(base_);
}
MetricArena::Slot& MetricArena::slot(uint32_t index) const {
  return reinterpret_cast<Slot*>(base_ + 1024)[index];
}
MetricArena::Chunk* MetricArena::chunk(uint32_t index) const {
  if (index == 0 || index >= header().chunks.load(std::memory_order_acquire)) return nullptr;
  if (index >= kChunksMax) return nullptr;
  return reinterpret_cast<Chunk*>(base_ + kHeaderBytes + index * kChunkBytes);
}
/// A reference is the entry's place in the chunks, in words of eight bytes.
MetricArena::Entry* MetricArena::entry_at(uint32_t reference) const {
  const size_t at = size_t{reference} * 8;
  const Chunk* in = chunk(static_cast<uint32_t>(at / kChunkBytes));
  const size_t room = kChunkBytes - at % kChunkBytes;
  if (!in || room < sizeof(Entry)) return nullptr;
  auto* entry = reinterpret_cast<Entry*>(base_ + kHeaderBytes + at);
  return entry->fits(room) ? entry : nullptr;
}

uint32_t MetricArena::reference_to(const Entry& entry) const {
  const auto at = static_cast<size_t>(reinterpret_cast<const char*>(&entry) - base_);
  return static_cast<uint32_t>((at - kHeaderBytes) / 8);
}

std::shared_ptr<MetricArena> MetricArena::open(const ProcessId& leader, bool create) {
  const std::string place = folder(create);
  if (place.empty()) return nullptr;
  const std::string path = place + "/metrics-" + service_name(leader);
  for (int i = 0; i < 8; ++i) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
      if (!create || errno != ENOENT) return nullptr;
      remove_stale(place);
      if (!make(path, leader)) return nullptr;
      continue;
    }
    struct stat found {};
    // Held for as long as the process lives. Whoever removes stale files has it for himself: then
    // this one is gone.
    if (::flock(fd, LOCK_SH) != 0 || ::fstat(fd, &found) != 0 || found.st_nlink == 0) {
      ::close(fd);
      continue;
    }
    char* mapped = map(fd);
    if (!mapped) return nullptr;
    std::shared_ptr<MetricArena> arena(new MetricArena(fd, mapped, path));
    return arena->header().magic == kMagic ? arena : nullptr;
  }
  return nullptr;
}

/// Maps all of what the file may become; closes it when that fails.
char* MetricArena::map(int fd) {
  struct stat found {};
  const bool whole = ::fstat(fd, &found) == 0 && found.st_size >= off_t{kHeaderBytes};
  void* mapped =
      whole ? ::mmap(nullptr, kMapBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (mapped != MAP_FAILED) return static_cast<char*>(mapped);
  ::close(fd);
  return nullptr;
}

/// Makes the file, or finds that somebody else has; in any case it is whole when it is there.
bool MetricArena::make(const std::string& path, const ProcessId& leader) {
  std::string temporary = path.substr(0, path.rfind('/')) + "/new-XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return false;
  bool done = false;
  if (::posix_fallocate(fd, 0, kHeaderBytes) != 0) {
    ::close(fd);
  } else if (char* mapped = map(fd)) {
    MetricArena arena(fd, mapped, temporary);
    Header& header = arena.header();
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&header.mutex, &kind);
    pthread_mutexattr_destroy(&kind);
    header.leader_pid = leader.pid;
    header.leader_start = leader.start;
    header.chunks.store(1);
    header.magic = kMagic;
    done = ::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST;
  }
  ::unlink(temporary.c_str());
  return done;
}

/// Files whose service is gone: nobody has them open, and the leader does not live.
void MetricArena::remove_stale(const std::string& place) {
  DIR* all = ::opendir(place.c_str());
  if (!all) return;
  while (const dirent* entry = ::readdir(all)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with("metrics-")) continue;
    ProcessId leader;
    if (std::sscanf(entry->d_name, "metrics-%d-%lu-", &leader.pid, &leader.start) != 2) continue;
    if (is_alive(leader)) continue;
    const std::string path = place + "/" + std::string(name);
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    ::close(fd);
  }
  ::closedir(all);
}

bool MetricArena::take_slot() {
  if (slot_) return true;
  const ProcessId self = this_process();
  const Lock lock(header());
  if (!lock) return false;
  uint32_t empty = 0, dead = 0;
  for (uint32_t i = 1; i < kSlots && !dead; ++i) {
    const int32_t pid = slot(i).pid.load();
    if (pid == 0) {
      if (!empty) empty = i;
    } else if (!is_alive({pid, slot(i).start.load()}) || same(self, pid, slot(i).start.load())) {
      dead = i;
    }
  }
  const uint32_t chosen = dead ? dead : empty;
  if (!chosen) return false;
  if (dead) retire(dead);
  Slot& mine = slot(chosen);
  tenancy_ = ++header().tenancies;
  mine.tenancy.store(tenancy_);
  mine.start.store(self.start);
  mine.pid.store(self.pid);
  slot_ = chosen;
  free_.clear();
  definitions_.clear();
  return true;
}

/// Under the lock. 0: the file is full, or the disk.
uint32_t MetricArena::new_chunk() {
  Header& head = header();
  uint32_t index = head.free_chunk;
  if (index && chunk(index)) {
    head.free_chunk = chunk(index)->next.load();
  } else {
    index = head.chunks.load();
    if (index >= kChunksMax) return 0;
    const auto at = static_cast<off_t>(kHeaderBytes + index * kChunkBytes);
    if (::posix_fallocate(fd_, at, kChunkBytes) != 0) return 0;
    head.chunks.store(index + 1, std::memory_order_release);
  }
  Chunk* made = chunk(index);
  std::memset(static_cast<void*>(made), 0, kChunkBytes);
  made->used.store(sizeof(Chunk));
  return index;
}

MetricArena::Entry* MetricArena::append(uint32_t owner, uint32_t definition, std::string_view key,
                                        size_t cells, uint32_t note) {
  const size_t bytes = Entry::size(key.size(), cells);
  if (bytes > kChunkBytes - sizeof(Chunk)) return nullptr;
  Slot& mine = slot(owner);
  Chunk* last = chunk(mine.last_chunk);
  if (!last || last->used.load() + bytes > kChunkBytes) {
    const uint32_t index = new_chunk();
    if (!index) return nullptr;
    if (last) {
      last->next.store(index, std::memory_order_release);
    } else {
      mine.first_chunk.store(index, std::memory_order_release);
    }
    mine.last_chunk = index;
    last = chunk(index);
  }
  const uint32_t used = last->used.load();
  auto* entry = reinterpret_cast<Entry*>(reinterpret_cast<char*>(last) + used);
  entry->fill(bytes, definition, key, cells, note);
  entry->version.store(1);
  last->used.store(used + static_cast<uint32_t>(bytes), std::memory_order_release);
  return entry;
}

namespace {

/// What an entry's key says: keys are padded, so they carry their length.
std::string sized(std::string_view text) {
  std::string out;
  put_text(out, text);
  return out;
}

std::string_view unsized(std::string_view key) {
  ByteReader reader{key};
  return reader.text();
}

/// Adds what a process that has gone left in a series.
void fold_cells(const MetricOptions& options, Cell* to, const Cell* from, size_t count,
                bool fresh) {
  const auto get = [](const Cell& cell) { return cell.load(std::memory_order_relaxed); };
  if (!is_set(options.type)) {
    for (size_t i = 0; i < count; ++i) {
      if (i != kTimeCell) to[i].store(get(to[i]) + get(from[i]));
    }
    const double created = get(from[kTimeCell]);
    if (fresh || created < get(to[kTimeCell])) to[kTimeCell].store(created);
    return;
  }
  double value = get(to[kValueCell]);
  const double other = get(from[kValueCell]);
  if (fresh) {
    value = other;
  } else if (options.mode == GaugeMode::kSum) {
    value += other;
  } else if (options.mode == GaugeMode::kMin) {
    value = std::min(value, other);
  } else if (options.mode == GaugeMode::kMax) {
    value = std::max(value, other);
  } else if (get(from[kTimeCell]) >= get(to[kTimeCell])) {
    value = other;
  }
  to[kValueCell].store(value);
  to[kTimeCell].store(std::max(get(to[kTimeCell]), get(from[kTimeCell])));
}

}  // namespace

uint32_t MetricArena::define(std::string_view identity, std::string_view help, bool everyone) {
  const auto known = definitions_.find(identity);
  if (known != definitions_.end()) return known->second;
  std::string key = sized(identity);
  put_text(key, help.substr(0, 4096));
  const Lock lock(header());
  if (!lock || !slot_) return 0;
  Entry* entry = append(slot_, 0, key, 0);
  if (!entry) return 0;
  entry->note.store(everyone);
  return definitions_.emplace(identity, reference_to(*entry)).first->second;
}

void MetricArena::show_everyone(uint32_t definition) {
  if (Entry* entry = entry_at(definition)) entry->note.store(1);
}

Cell* MetricArena::add(uint32_t definition, std::string_view values, size_t cells) {
  return add_entry(definition, values, cells, 0);
}

Cell* MetricArena::add_exemplar(uint32_t definition, std::string_view values, size_t index) {
  // Series come first: what exemplars may take is bounded.
  if (header().chunks.load() > kChunksMax / 2) return nullptr;
  return add_entry(definition, values, kExemplarCells, static_cast<uint32_t>(index) + 1);
}

Cell* MetricArena::add_entry(uint32_t definition, std::string_view values, size_t cells,
                             uint32_t note) {
  const std::string key = sized(values);
  const auto found = free_.find(static_cast<uint32_t>(Entry::size(key.size(), cells)));
  if (found != free_.end()) {
    Entry* entry = found->second;
    free_.erase(found);
    entry->fill(entry->bytes, definition, key, cells, note);
    entry->version.fetch_add(1, std::memory_order_release);
    return entry->values();
  }
  const Lock lock(header());
  if (!lock || !slot_) return nullptr;
  Entry* entry = append(slot_, definition, key, cells, note);
  return entry ? entry->values() : nullptr;
}

void MetricArena::remove(Cell* cells) {
  Entry* entry = Entry::of(cells);
  entry->version.fetch_add(1, std::memory_order_release);
  free_.emplace(entry->bytes, entry);
}

template <typename Visit>
void MetricArena::each_entry(uint32_t index, Visit visit) const {
  uint32_t at = slot(index).first_chunk.load(std::memory_order_acquire);
  for (uint32_t hops = 0; hops < kChunksMax; ++hops) {
    Chunk* here = chunk(at);
    if (!here) return;
    const size_t used = std::min<size_t>(here->used.load(std::memory_order_acquire), kChunkBytes);
    for (size_t offset = sizeof(Chunk); offset + sizeof(Entry) <= used;) {
      auto* entry = reinterpret_cast<Entry*>(reinterpret_cast<char*>(here) + offset);
      if (!entry->fits(used - offset)) return;
      visit(*entry);
      offset += entry->bytes;
    }
    at = here->next.load(std::memory_order_acquire);
  }
}

/// Under the lock: what the slot's process counted goes to slot 0, its chunks to the free ones.
void MetricArena::retire(uint32_t index) {
  Header& head = header();
  head.retirements.fetch_add(1);
  // Of slot 0: definitions under (identity, ""), series under (identity, "=" and their values).
  std::map<std::pair<std::string, std::string>, Entry*> kept;
  each_entry(0, [&](Entry& entry) {
    Entry* definition = entry.definition ? entry_at(entry.definition) : &entry;
    if (!definition) return;
    std::string values;
    if (entry.definition) values.append("=").append(unsized(entry.key_view()));
    kept.emplace(std::pair(std::string(unsized(definition->key_view())), values), &entry);
  });
  each_entry(index, [&](Entry& entry) {
    if (!entry.definition || !(entry.version.load() & 1)) return;
    if (Entry* definition = entry_at(entry.definition)) fold(*definition, entry, kept);
    entry.version.fetch_add(1);
  });
  Slot& gone = slot(index);
  const uint32_t first = gone.first_chunk.load();
  gone.pid.store(0);
  gone.tenancy.store(++head.tenancies);
  gone.first_chunk.store(0);
  if (Chunk* last = chunk(gone.last_chunk); last && first) {
    last->next.store(head.free_chunk);
    head.free_chunk = first;
  }
  gone.last_chunk = 0;
  head.retirements.fetch_add(1);
}

void MetricArena::fold(const Entry& of, Entry& entry,
                       std::map<std::pair<std::string, std::string>, Entry*>& kept) {
  const std::string_view definition_key = const_cast<Entry&>(of).key_view();
  std::string identity(unsized(definition_key));
  MetricOptions options;
  if (entry.note.load() || !parse_identity(identity, &options)) return;
  if (cells_of(options) != entry.cells) return;
  if (is_set(options.type) && (options.live || options.mode == GaugeMode::kAll)) {
    return;
  }
  Entry*& definition = kept[{identity, std::string()}];
  if (!definition) definition = append(0, 0, definition_key, 0);
  if (!definition) return;
  definition->note.store(definition->note.load() | of.note.load());
  const std::string_view key = entry.key_view();
  Entry*& sum = kept[{identity, std::string("=").append(unsized(key))}];
  const bool fresh = !sum;
  if (fresh) {
    sum = append(0, reference_to(*definition), key.substr(0, key.size() - 8), entry.cells);
  }
  if (sum) fold_cells(options, sum->values(), entry.values(), entry.cells, fresh);
}

void SharedValues::merge(SharedValues other) {
  for (const auto& [identity, at] : other.index) {
    SharedMetric& added = other.metrics[at];
    const auto [place, fresh] = index.emplace(identity, metrics.size());
    if (fresh) {
      metrics.push_back(std::move(added));
      continue;
    }
    SharedMetric& metric = metrics[place->second];
    metric.options.everyone |= added.options.everyone;
    std::move(added.series.begin(), added.series.end(), std::back_inserter(metric.series));
    std::move(added.exemplars.begin(), added.exemplars.end(), std::back_inserter(metric.exemplars));
  }
}

/// One series or exemplar into its metric, unless it is none or not of this version any more.
void MetricArena::read_entry(Entry& entry, uint32_t version, SharedMetric& metric,
                             SharedSeries series) {
  const auto unchanged = [&] { return entry.version.load(std::memory_order_acquire) == version; };
  const std::string key(entry.key_view());
  ByteReader reader{unsized(key)};
  while (reader.ok && !reader.rest.empty()) series.values.emplace_back(reader.text());
  if (const uint32_t note = entry.note.load()) {
    if (note > metric.options.bounds.size() + 1 || entry.cells != kExemplarCells) return;
    auto exemplar = read_exemplar(entry.values());
    if (exemplar && unchanged()) {
      metric.exemplars.push_back({std::move(series.values), note - 1, std::move(exemplar)});
    }
    return;
  }
  for (uint32_t i = 0; i < entry.cells; ++i) series.cells.push_back(entry.values()[i].load());
  if (unchanged() && series.values.size() == metric.options.labels.size() &&
      series.cells.size() == cells_of(metric.options)) {
    metric.series.push_back(std::move(series));
  }
}

bool MetricArena::read_slot(uint32_t index, SharedValues* out) const {
  const uint64_t tenancy = slot(index).tenancy.load(std::memory_order_acquire);
  const ProcessId owner{slot(index).pid.load(), slot(index).start.load()};
  const bool alive = index != 0 && is_alive(owner);
  SharedValues found;
  std::map<uint32_t, size_t> by_definition;
  each_entry(index, [&](Entry& entry) {
    const uint32_t version = entry.version.load(std::memory_order_acquire);
    if (!(version & 1)) return;
    if (entry.definition) {
      const auto definition = by_definition.find(entry.definition);
      if (definition == by_definition.end()) return;
      return read_entry(entry, version, found.metrics[definition->second], {{}, {}, owner, alive});
    }
    const std::string key(entry.key_view());
    ByteReader reader{key};
    const std::string identity(reader.text());
    SharedMetric metric;
    if (!parse_identity(identity, &metric.options)) return;
    metric.options.help = reader.text();
    metric.options.everyone = entry.note.load() != 0;
    by_definition.emplace(reference_to(entry), found.metrics.size());
    found.index.emplace(identity, found.metrics.size());
    found.metrics.push_back(std::move(metric));
  });
  if (slot(index).tenancy.load(std::memory_order_acquire) != tenancy) return false;
  out->merge(std::move(found));
  return true;
}

void MetricArena::read_others(SharedValues* out) const {
  for (int tries = 0; tries < kReadsMax; ++tries) {
    const uint64_t before = header().retirements.load();
    *out = {};
    bool whole = !(before & 1);
    for (uint32_t i = 0; i < kSlots; ++i) {
      if (i == slot_ && slot_ != 0) continue;
      if (i != 0 && slot(i).pid.load() == 0) continue;
      whole = read_slot(i, out) && whole;
    }
    if (whole && header().retirements.load() == before) return;
  }
}

size_t MetricArena::bytes() const {
  return kHeaderBytes + header().chunks.load() * kChunkBytes;
}

}  // namespace vedette::sdk
