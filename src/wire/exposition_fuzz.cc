// Any bytes at all as a page of metrics, in both formats: the parser ends, and what it gives is
// text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "wire/exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using vedette::wire::ExpositionFormat;
  using vedette::wire::ExpositionParser;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto format : {ExpositionFormat::kText, ExpositionFormat::kOpenMetrics}) {
    ExpositionParser parser(text, format);
    for (size_t entries = 0;; ++entries) {
      if (entries > size + 1) std::abort();
      const auto entry = parser.next();
      if (!entry.ok() || *entry == ExpositionParser::Entry::kEnd) break;
      if (*entry != ExpositionParser::Entry::kSample) continue;
      for (const auto& label : parser.labels()) {
        if (!vedette::base::is_utf8(label.name) || !vedette::base::is_utf8(label.value))
          std::abort();
      }
    }
  }
  return 0;
}
