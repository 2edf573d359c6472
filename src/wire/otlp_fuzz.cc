// Any bytes at all as OTLP in protobuf: no crash, no memory out of proportion, columns of equal
// length.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/otlp_decode.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_columns(const vedette::model::AttributeColumns& attributes, size_t rows) {
  for (const auto& column : attributes.columns()) {
    require(column.types.size() == column.rows.size() && column.bits.size() == column.rows.size());
    for (size_t i = 0; i < column.rows.size(); ++i) {
      require(column.rows[i] < rows && (i == 0 || column.rows[i - 1] < column.rows[i]));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vedette::wire;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  DecodeOptions options;
  options.attributes_max = 4;
  options.events_max = 2;
  options.text_bytes_max = 16;
  options.rows_max = 64;
  options.samples_max = 64;
  options.label_bytes_max = 4096;
  if (const auto traces = decode_otlp_traces(body, options); traces.ok()) {
    const auto& batch = traces->batch;
    const size_t n = batch.size();
    require(n <= options.rows_max && batch.name.size() == n && batch.dropped_links.size() == n);
    for (size_t i = 0; i < n; ++i) {
      require(batch.resource[i] < batch.resources.size() && batch.scope[i] < batch.scopes.size());
      require(batch.duration_ns[i] >= 0 && batch.trace_id[i].valid() && batch.span_id[i] != 0);
    }
    check_columns(batch.attributes, n);
    check_columns(batch.events.attributes, batch.events.size());
    check_columns(batch.links.attributes, batch.links.size());
    for (const uint32_t row : batch.events.span_row) require(row < n);
    for (const uint32_t row : batch.links.span_row) require(row < n);
  }
  if (const auto logs = decode_otlp_logs(body, options); logs.ok()) {
    const auto& batch = logs->batch;
    require(batch.size() <= options.rows_max && batch.body.size() == batch.size());
    check_columns(batch.attributes, batch.size());
  }
  if (const auto metrics = decode_otlp_metrics(body, options); metrics.ok()) {
    const auto& batch = metrics->batch;
    for (const uint32_t set : batch.label_set) require(set < batch.label_sets.size());
    for (uint32_t set = 0; set < batch.label_sets.size(); ++set) {
      require(vedette::model::Labels::parse(batch.labels(set)).ok());
    }
  }
  return 0;
}
