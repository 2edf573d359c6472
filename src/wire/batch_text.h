// Text of a request on its way into a batch's string table: bounded and valid UTF-8, checked once
// per distinct string.
#pragma once

#include <string_view>

#include "base/string_table.h"
#include "wire/decoded.h"

namespace vedette::wire {

class BatchText {
 public:
  BatchText(base::StringTable& strings, size_t bytes_max, DecodeReport& report)
      : strings_(strings), bytes_max_(bytes_max), report_(report) {}

  base::StringId intern(std::string_view text) {
    if (text.empty()) return 0;
    if (text.size() > bytes_max_) [[unlikely]]
      text = cut(text);
    const uint64_t hash = base::hash_string(text);
    if (const auto known = strings_.find(text, hash)) return *known;
    return add(text, hash);
  }
  /// Bytes as they are, without a check for UTF-8.
  base::StringId intern_bytes(std::string_view bytes);
  std::string_view view(base::StringId id) const { return strings_.view(id); }
  size_t bytes_max() const { return bytes_max_; }
  DecodeReport& report() { return report_; }

 private:
  std::string_view cut(std::string_view text);
  base::StringId add(std::string_view text, uint64_t hash);

  base::StringTable& strings_;
  const size_t bytes_max_;
  DecodeReport& report_;
};

}  // namespace vedette::wire
