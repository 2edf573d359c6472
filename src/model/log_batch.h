// Log records in columns (opentelemetry/proto/logs/v1/logs.proto).
#pragma once

#include <cstdint>
#include <vector>

#include "model/attributes.h"
#include "model/ids.h"

namespace vedette::model {

/// Columns of equal length, one entry a record. Built by one thread, then const and shared.
/// A block read from disk holds only the columns that were asked for; the others are empty.
struct LogBatch {
  StringTable strings;
  std::vector<Resource> resources;
  std::vector<Scope> scopes;

  std::vector<int64_t> time_ns;  // the record's own time, or the observed time where it has none
  std::vector<int64_t> observed_ns;
  std::vector<uint8_t> severity;  // 1 to 24 as OTLP numbers them; 0: not given
  std::vector<StringId> severity_text;
  std::vector<Value> body;
  std::vector<StringId> event_name;
  std::vector<TraceId> trace_id;  // invalid: none
  std::vector<SpanId> span_id;    // 0: none
  std::vector<uint32_t> flags;
  std::vector<uint32_t> resource;
  std::vector<uint32_t> scope;
  std::vector<uint32_t> dropped_attributes;
  AttributeColumns attributes;

  size_t size() const { return time_ns.size(); }
  bool empty() const { return time_ns.empty(); }
  std::string_view service(size_t row) const { return strings[resources[resource[row]].service]; }
  size_t bytes() const;
};

/// "INFO" for 9 to 12 and so on; empty for 0 and for numbers that OTLP does not define.
std::string_view severity_name(uint8_t severity);

}  // namespace vedette::model
