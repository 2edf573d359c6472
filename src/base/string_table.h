// Distinct strings by small number: what columns hold instead of text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vedette::base {

/// The number of a string in one StringTable. 0 is always the empty string.
using StringId = uint32_t;

/// 64-bit XXH3, the one hash of strings in this project.
uint64_t hash_string(std::string_view text);

/// 128-bit XXH3, for whole requests: two different ones never meet by chance.
struct Hash128 {
  uint64_t hi = 0;
  uint64_t lo = 0;
};
Hash128 hash128(std::string_view bytes, uint64_t seed);

/// An append-only set of strings, numbered from 0 in the order of their first use.
/// Single-threaded while it grows; any number of readers once it is const.
class StringTable {
 public:
  StringTable();

  /// The number of `text`, adding it if it is new. Copies the bytes.
  StringId intern(std::string_view text) { return intern(text, hash_string(text)); }
  /// Same, with the hash already known (from another table: strings are not hashed twice).
  StringId intern(std::string_view text, uint64_t hash);
  std::optional<StringId> find(std::string_view text) const {
    return find(text, hash_string(text));
  }
  std::optional<StringId> find(std::string_view text, uint64_t hash) const;

  /// Valid until the table grows.
  std::string_view view(StringId id) const {
    const Entry& e = entries_[id];
    return {bytes_.data() + e.offset, e.length};
  }
  std::string_view operator[](StringId id) const { return view(id); }
  uint64_t hash(StringId id) const { return entries_[id].hash; }
  size_t size() const { return entries_.size(); }
  /// Memory held, for budgets.
  size_t bytes() const;
  void clear();

 private:
  struct Entry {
    uint64_t hash;
    uint32_t offset;
    uint32_t length;
  };
  void grow();

  std::string
      bytes_;  // at most 4 GiB: a batch is bounded by the request limit, a head by its budget
  std::vector<Entry> entries_;
  std::vector<StringId> slots_;  // open addressing, power of two; kFree where empty
};

}  // namespace vedette::base
