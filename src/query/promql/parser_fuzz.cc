// Any bytes: the parser ends with a tree or an error; a tree prints to text that parses to the same
// print.
#include "query/promql/parser.h"
#include "query/promql/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vedette::promql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto expr = parse_expression(text); expr.ok()) {
    const std::string printed = print(**expr);
    const auto again = parse_expression(printed);
    if (!again.ok() || print(**again) != printed) __builtin_trap();
    (void)pretty(**expr);
  }
  (void)parse_selector(text);
  return 0;
}
