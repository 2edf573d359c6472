// What is known of metric families: the last word on each.
//
// Thread-safe: one mutex, held for a look-up or a copy.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/sample_batch.h"

namespace vedette::store::engine {

class MetadataMap {
 public:
  /// Families beyond this are not remembered: metadata is a courtesy and must not fill the memory.
  static constexpr size_t kFamiliesMax = 20'000;

  /// True if that was news. What is known from a higher `sequence`, that of the flush, stays.
  bool put(const model::MetricMetadata& metadata, uint64_t sequence = UINT64_MAX);
  /// By family name; all of them, sorted, where `family` is empty.
  std::vector<model::MetricMetadata> get(const std::string& family) const;

 private:
  mutable std::mutex mutex_;
  struct Known {
    model::MetricMetadata metadata;
    uint64_t sequence;
  };
  std::map<std::string, Known> families_;
};

/// As a section of a part (docs/format/sample_part.md).
std::string encode_metadata(const std::vector<model::MetricMetadata>& metadata);
Result<std::vector<model::MetricMetadata>> decode_metadata(std::string_view bytes);

}  // namespace vedette::store::engine
