// Any text either is refused or says something that can be written down and read back as the same.
#include <cstdlib>

#include "query/logql/labels.h"
#include "query/logql/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vedette::logql;
  const auto query = parse({reinterpret_cast<const char*>(data), size});
  if (!query.ok()) return 0;
  const std::string text = to_string(*query);
  const auto* log = std::get_if<LogQuery>(&*query);
  if (!log) return 0;
  const auto again = parse(text);
  if (!again.ok() && text.size() <= kQueryBytesMax) std::abort();
  if (again.ok() && to_string(*again) != text) std::abort();
  (void)conditions(*log, [](const std::string&) { return std::vector<std::string>(); });
  return 0;
}
