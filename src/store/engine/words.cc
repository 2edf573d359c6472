#include "store/engine/words.h"

#include <cstring>

namespace vedette::store::engine {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

uint64_t hash_word(std::string_view word) {
  // FNV-1a over eight bytes at a time would need a copy; words are short.
  uint64_t h = 0xcbf29ce484222325ull;
  for (const char c : word) h = (h ^ static_cast<unsigned char>(lower(c))) * 0x100000001b3ull;
  h ^= h >> 32;
  return h * 0x9e3779b97f4a7c15ull;
}

bool has_word(std::string_view text, std::string_view lowered) {
  if (lowered.empty()) return true;
  if (text.size() < lowered.size()) return false;
  const bool starts_word = is_word_byte(lowered.front());
  const bool ends_word = is_word_byte(lowered.back());
  const size_t last = text.size() - lowered.size();
  for (size_t i = 0; i <= last; ++i) {
    if (lower(text[i]) != lowered[0]) continue;
    if (starts_word && i > 0 && is_word_byte(text[i - 1])) continue;
    size_t j = 1;
    while (j < lowered.size() && lower(text[i + j]) == lowered[j]) ++j;
    if (j < lowered.size()) continue;
    if (ends_word && i + j < text.size() && is_word_byte(text[i + j])) continue;
    return true;
  }
  return false;
}

}  // namespace vedette::store::engine
