#include "base/string_table.h"

#include <xxhash.h>

namespace vedette::base {
namespace {
constexpr StringId kFree = UINT32_MAX;
constexpr size_t kInitialSlots = 64;
}  // namespace

uint64_t hash_string(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

Hash128 hash128(std::string_view bytes, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.high64, hash.low64};
}

StringTable::StringTable() {
  clear();
}

void StringTable::clear() {
  bytes_.clear();
  entries_.clear();
  slots_.assign(kInitialSlots, kFree);
  intern({});
}

StringId StringTable::intern(std::string_view text, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != kFree; slot = (slot + 1) & mask) {
    const Entry& e = entries_[slots_[slot]];
    if (e.hash == hash && view(slots_[slot]) == text) return slots_[slot];
  }
  const auto id = static_cast<StringId>(entries_.size());
  entries_.push_back(
      {hash, static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size())});
  bytes_.append(text);
  slots_[slot] = id;
  if (entries_.size() * 2 > slots_.size()) grow();
  return id;
}

std::optional<StringId> StringTable::find(std::string_view text, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; slots_[slot] != kFree; slot = (slot + 1) & mask) {
    const Entry& e = entries_[slots_[slot]];
    if (e.hash == hash && view(slots_[slot]) == text) return slots_[slot];
  }
  return std::nullopt;
}

size_t StringTable::bytes() const {
  return bytes_.capacity() + entries_.capacity() * sizeof(Entry) +
         slots_.capacity() * sizeof(StringId);
}

void StringTable::grow() {
  slots_.assign(slots_.size() * 2, kFree);
  const size_t mask = slots_.size() - 1;
  for (StringId id = 0; id < entries_.size(); ++id) {
    size_t slot = entries_[id].hash & mask;
    while (slots_[slot] != kFree) slot = (slot + 1) & mask;
    slots_[slot] = id;
  }
}

}  // namespace vedette::base
