#include "store/engine/metadata_map.h"

#include "base/bytes.h"

namespace vedette::store::engine {

bool MetadataMap::put(const model::MetricMetadata& metadata, uint64_t sequence) {
  if (metadata.family.empty()) return false;
  const std::lock_guard lock(mutex_);
  const auto known = families_.find(metadata.family);
  if (known == families_.end()) {
    if (families_.size() >= kFamiliesMax) return false;
    families_.emplace(metadata.family, Known{metadata, sequence});
    return true;
  }
  if (known->second.sequence > sequence) return false;
  known->second.sequence = sequence;
  if (known->second.metadata == metadata) return false;
  known->second.metadata = metadata;
  return true;
}

std::vector<model::MetricMetadata> MetadataMap::get(const std::string& family) const {
  const std::lock_guard lock(mutex_);
  std::vector<model::MetricMetadata> out;
  if (!family.empty()) {
    const auto known = families_.find(family);
    if (known != families_.end()) out.push_back(known->second.metadata);
    return out;
  }
  out.reserve(families_.size());
  for (const auto& [name, known] : families_) out.push_back(known.metadata);
  return out;
}

std::string encode_metadata(const std::vector<model::MetricMetadata>& metadata) {
  std::string out;
  base::ByteWriter w(out);
  w.varint(metadata.size());
  for (const model::MetricMetadata& m : metadata) {
    w.bytes(m.family);
    w.fixed(static_cast<uint8_t>(m.type));
    w.bytes(m.help);
    w.bytes(m.unit);
  }
  return out;
}

Result<std::vector<model::MetricMetadata>> decode_metadata(std::string_view bytes) {
  const Error malformed{Code::kCorruption, "metric metadata is malformed"};
  base::ByteReader in(bytes);
  const uint64_t count = in.varint();
  if (count > in.left() || count > MetadataMap::kFamiliesMax) return malformed;
  std::vector<model::MetricMetadata> out(count);
  for (model::MetricMetadata& m : out) {
    m.family = in.bytes();
    const auto type = in.fixed<uint8_t>();
    m.help = in.bytes();
    m.unit = in.bytes();
    if (!in.ok() || type > static_cast<uint8_t>(model::MetricType::kStateset)) return malformed;
    m.type = static_cast<model::MetricType>(type);
  }
  return out;
}

}  // namespace vedette::store::engine
