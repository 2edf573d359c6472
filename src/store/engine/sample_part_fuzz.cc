// Every decoder of a sample part, on any bytes. The first byte says which one; checksums, which
// would keep the fuzzer out, are checked before these in a real read.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "store/engine/exemplar_codec.h"
#include "store/engine/metadata_map.h"
#include "store/engine/sample_codec.h"
#include "store/engine/sample_part_format.h"
#include "store/engine/series_labels.h"

using namespace vedette::store::engine;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const uint8_t which = data[0];
  const size_t count = 1 + (data[1] | data[2] << 8) % kBlockSamplesMax;
  const std::string copy(reinterpret_cast<const char*>(data) + 3,
                         size - 3);  // reads past its end are seen
  const std::string_view in(copy);
  std::vector<double> values(count);
  std::vector<int64_t> times(count);
  switch (which % 8) {
    case 0:
      if (decode_values(in, values)) {
        std::string again;
        encode_values(values, again);
        std::vector<double> back(count);
        if (!decode_values(again, back) || std::memcmp(back.data(), values.data(), count * 8) != 0)
          __builtin_trap();
      }
      break;
    case 1:
      if (decode_times(in, times)) {
        std::string again;
        encode_times(times, again);
        std::vector<int64_t> back(count);
        if (!decode_times(again, back) || back != times) __builtin_trap();
      }
      break;
    case 2:
      (void)SampleDirectory::decode(in);
      break;
    case 3: {
      std::vector<LabelView> labels;
      (void)read_series_dictionary(
          in, [&labels](std::string_view canonical, std::span<const LabelView> views) {
            if (!split_canonical(canonical, labels) || labels.size() != views.size())
              __builtin_trap();
            (void)find_bucket_label(views, canonical);
          });
      break;
    }
    case 4: {
      std::vector<ExemplarRow> rows;
      if (decode_exemplars(in, rows)) {
        sort_exemplars(rows);
        thin_exemplars(rows);
      }
      break;
    }
    case 5:
      (void)decode_metadata(in);
      break;
    case 6:
      (void)SamplePartFooter::decode(in);
      break;
    case 7: {
      const auto labels = normalise_labels(in);
      if (!labels.ok()) break;
      const std::string canonical = labels->canonical();
      const auto again = normalise_labels(canonical);
      if (!again.ok() || *again != *labels) __builtin_trap();
      break;
    }
  }
  return 0;
}
