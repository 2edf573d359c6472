// Any bytes at all as OTLP in JSON: what comes out is protobuf that the decoders take, or a clear
// error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/json/otlp_json.h"
#include "wire/otlp_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vedette::wire;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  DecodeOptions options;
  options.nesting_max = 1000;  // JSON's own limit decides
  constexpr size_t kNesting = 64;
  if (const auto m = otlp_json_to_protobuf(Signal::kTraces, json, kNesting); m.ok()) {
    if (!decode_otlp_traces(*m, options).ok()) std::abort();
  }
  if (const auto m = otlp_json_to_protobuf(Signal::kLogs, json, kNesting); m.ok()) {
    if (!decode_otlp_logs(*m, options).ok()) std::abort();
  }
  if (const auto m = otlp_json_to_protobuf(Signal::kMetrics, json, kNesting); m.ok()) {
    if (!decode_otlp_metrics(*m, options).ok()) std::abort();
  }
  return 0;
}
