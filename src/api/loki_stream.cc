#include "api/loki_stream.h"

#include "api/answer.h"
#include "query/logql/labels.h"

namespace vedette::api {
namespace {

using base::JsonWriter;

using LabelMap = std::map<std::string, std::string>;

void write_labels(JsonWriter& json, const LabelMap& labels) {
  json.begin_object();
  for (const auto& [name, value] : labels) json.field(name, value);
  json.end_object();
}

LabelMap stream_labels(const model::LogBatch& batch, uint32_t row) {
  LabelMap labels;
  const model::Resource& resource = batch.resources[batch.resource[row]];
  for (const auto& item : resource.attributes.items) {
    labels[logql::label_name(batch.strings[item.key])] = item.value.to_string(batch.strings);
  }
  labels[std::string(logql::kServiceLabel)] = batch.service(row);
  if (batch.severity[row] != 0) {
    labels[std::string(logql::kSeverityLabel)] = severity_label(batch.severity[row], false);
    labels[std::string(logql::kLevelLabel)] = severity_label(batch.severity[row], true);
  }
  return labels;
}

LabelMap metadata_labels(const model::LogBatch& batch, uint32_t row) {
  LabelMap labels;
  batch.attributes.for_each(row, [&](model::StringId key, const model::Value& value) {
    labels[logql::label_name(batch.strings[key])] = value.to_string(batch.strings);
  });
  if (batch.trace_id[row].valid())
    labels[std::string(logql::kTraceLabel)] = batch.trace_id[row].hex();
  if (batch.span_id[row] != 0)
    labels[std::string(logql::kSpanLabel)] = model::span_id_hex(batch.span_id[row]);
  return labels;
}

}  // namespace

std::string severity_label(uint8_t severity, bool lower_case) {
  std::string name(model::severity_name(severity));
  if (lower_case)
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
  return name;
}

RenderedLog render_loki_entry(const model::LogBatch& batch, uint32_t row, bool categorize) {
  LabelMap stream = stream_labels(batch, row);
  LabelMap metadata = metadata_labels(batch, row);
  if (!categorize) stream.merge(metadata);
  JsonWriter json;
  RenderedLog rendered;
  write_labels(json, stream);
  rendered.stream = json.take();
  json.begin_array()
      .value(std::to_string(batch.time_ns[row]))
      .value(batch.body[row].to_string(batch.strings));
  if (categorize) {
    json.begin_object().key("structuredMetadata");
    write_labels(json, metadata);
    json.end_object();
  }
  json.end_array();
  rendered.json = json.take();
  return rendered;
}

}  // namespace vedette::api
