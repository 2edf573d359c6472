// Words of a text, as kWord and the token filters of parts see them: runs of ASCII letters, digits
// and '_' and of bytes beyond ASCII; compared without regard to the case of ASCII letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::store::engine {

inline bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
inline char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
std::string lower(std::string_view text);

/// Does `text` hold `lowered` (in lower case), with no word going on at either of its ends?
bool has_word(std::string_view text, std::string_view lowered);

/// The same for words that differ in the case of letters only.
uint64_t hash_word(std::string_view word);

template <typename Fn>
void for_each_word(std::string_view text, Fn&& fn) {
  for (size_t i = 0; i < text.size();) {
    while (i < text.size() && !is_word_byte(text[i])) ++i;
    const size_t from = i;
    while (i < text.size() && is_word_byte(text[i])) ++i;
    if (i > from) fn(text.substr(from, i - from));
  }
}

}  // namespace vedette::store::engine
