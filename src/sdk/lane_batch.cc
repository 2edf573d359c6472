#include "sdk/lane_batch.h"

#include <protozero/pbf_reader.hpp>

#include "sdk/otlp_fields.h"
#include "sdk/proto_buffer.h"
#include "sdk/source_table.h"

namespace vedette::sdk {

uint64_t points_of_metric(std::string_view metric) {
  uint64_t points = 0;
  try {
    protozero::pbf_reader fields(metric.data(), metric.size());
    while (fields.next()) {
      if (fields.tag() < otlp::Metric::kGauge ||
          fields.wire_type() != protozero::pbf_wire_type::length_delimited) {
        fields.skip();
        continue;
      }
      protozero::pbf_reader data = fields.get_message();
      while (data.next(otlp::MetricData::kPoints)) {
        data.skip();
        ++points;
      }
    }
  } catch (const protozero::exception&) {
    // Not one of ours, then.
  }
  return points;
}

void append_item(std::string& items, std::string_view record) {
  char head[16];
  char* end = write_varint(head, tag(otlp::ScopeGroup::kItems, WireType::kBytes));
  end = write_varint(end, record.size());
  items.append(head, static_cast<size_t>(end - head)).append(record);
}

std::string encode_request(const std::map<uint32_t, std::string>& items_by_source) {
  std::map<uint32_t, ProtoBuffer> groups;  // by resource
  for (const auto& [source, items] : items_by_source) {
    const Source& from = SourceTable::instance().get(source);
    ProtoBuffer& group = groups[from.resource_id];
    if (group.size() == 0) group.bytes_field(otlp::ResourceGroup::kResource, from.resource);
    const size_t scope = group.begin_message(otlp::ResourceGroup::kScopes);
    group.bytes_field(otlp::ScopeGroup::kScope, from.scope);
    group.raw(items);
    if (!from.scope_schema_url.empty()) {
      group.bytes_field(otlp::ScopeGroup::kSchemaUrl, from.scope_schema_url);
    }
    group.end_message(scope);
  }
  std::string request;
  char head[16];
  for (const auto& [id, group] : groups) {
    const Source& from = SourceTable::instance().get(id);
    const size_t url = from.resource_schema_url.size();
    char* end = write_varint(head, tag(otlp::Request::kResourceGroups, WireType::kBytes));
    end = write_varint(end, group.size() + (url ? 1 + varint_size(url) + url : 0));
    request.append(head, static_cast<size_t>(end - head)).append(group.view());
    if (url) {
      end = write_varint(head, tag(otlp::ResourceGroup::kSchemaUrl, WireType::kBytes));
      end = write_varint(end, url);
      request.append(head, static_cast<size_t>(end - head)).append(from.resource_schema_url);
    }
  }
  return request;
}

}  // namespace vedette::sdk
