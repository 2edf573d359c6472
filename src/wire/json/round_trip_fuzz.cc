// Any bytes at all as a request in protobuf: its JSON is read back as what says the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/json/otlp_json.h"
#include "wire/otlp_to_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vedette::wire;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const Signal signal : {Signal::kTraces, Signal::kLogs, Signal::kMetrics}) {
    const std::string json = otlp_to_json(signal, bytes);
    const auto read = otlp_json_to_protobuf(signal, json, 10'000);
    // simdjson takes 1,024 levels, of which a message, two bytes at least, may need two.
    if (!read.ok() && size < 1000) std::abort();
    if (read.ok() && otlp_to_json(signal, *read) != json) std::abort();
  }
  return 0;
}
