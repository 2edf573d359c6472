#include "sdk/source_table.h"

namespace vedette::sdk {

SourceTable& SourceTable::instance() {
  // Never destroyed: the export thread may outlive static destruction.
  static auto* table = new SourceTable;
  return *table;
}

uint32_t SourceTable::intern(std::string_view resource, std::string_view resource_schema_url,
                             std::string_view scope, std::string_view scope_schema_url) {
  const std::lock_guard lock(mutex_);
  auto resource_id = static_cast<uint32_t>(sources_.size());
  for (uint32_t i = 0; i < sources_.size(); ++i) {
    const Source& known = sources_[i];
    if (known.resource != resource || known.resource_schema_url != resource_schema_url) continue;
    resource_id = known.resource_id;
    if (known.scope == scope && known.scope_schema_url == scope_schema_url) return i;
  }
  sources_.push_back({resource_id, std::string(resource), std::string(resource_schema_url),
                      std::string(scope), std::string(scope_schema_url)});
  return static_cast<uint32_t>(sources_.size() - 1);
}

const Source& SourceTable::get(uint32_t id) {
  const std::lock_guard lock(mutex_);
  return sources_[id];
}

}  // namespace vedette::sdk
