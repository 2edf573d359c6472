// Any bytes at all as a remote write request, compressed and not: every label set that comes out is
// canonical.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/remote_write.h"

namespace {

void check(const vedette::Result<vedette::wire::Decoded<vedette::model::SampleBatch>>& decoded) {
  if (!decoded.ok()) return;
  const auto& batch = decoded->batch;
  for (uint32_t set = 0; set < batch.label_sets.size(); ++set) {
    const auto labels = vedette::model::Labels::parse(batch.labels(set));
    if (!labels.ok() || labels->metric_name().empty()) std::abort();
  }
  for (const uint32_t set : batch.label_set) {
    if (set >= batch.label_sets.size()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vedette::wire;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(decode_write_request(body, {}));
  check(decode_remote_write(body, 1 << 20, {}));
  return 0;
}
