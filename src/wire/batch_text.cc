#include "wire/batch_text.h"

#include "base/utf8.h"

namespace vedette::wire {

std::string_view BatchText::cut(std::string_view text) {
  ++report_.truncated;
  size_t end = bytes_max_;
  // A character is at most four bytes: step back over the tail of one that would be split.
  for (int i = 0; i < 3 && end > 0 && (text[end] & 0xc0) == 0x80; ++i) --end;
  return text.substr(0, end);
}

base::StringId BatchText::add(std::string_view text, uint64_t hash) {
  if (base::is_utf8(text)) return strings_.intern(text, hash);
  ++report_.sanitized;
  return strings_.intern(base::sanitize_utf8(text));
}

base::StringId BatchText::intern_bytes(std::string_view bytes) {
  if (bytes.size() > bytes_max_) {
    ++report_.truncated;
    bytes = bytes.substr(0, bytes_max_);
  }
  return strings_.intern(bytes);
}

}  // namespace vedette::wire
