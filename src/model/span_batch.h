// Finished spans in columns (opentelemetry/proto/trace/v1/trace.proto).
#pragma once

#include <cstdint>
#include <vector>

#include "model/attributes.h"
#include "model/ids.h"

namespace vedette::model {

enum class SpanKind : uint8_t { kUnspecified, kInternal, kServer, kClient, kProducer, kConsumer };
enum class SpanStatus : uint8_t { kUnset, kOk, kError };

std::string_view span_kind_name(SpanKind kind);        // "server"
std::string_view span_status_name(SpanStatus status);  // "error"

/// Events of all spans of a batch, by the row of their span, ascending.
struct EventColumns {
  std::vector<uint32_t> span_row;
  std::vector<int64_t> time_ns;
  std::vector<StringId> name;
  std::vector<uint32_t> dropped_attributes;
  AttributeColumns attributes;  // rows are indices into these columns
  size_t size() const { return span_row.size(); }
};

/// Links of all spans of a batch, by the row of their span, ascending.
struct LinkColumns {
  std::vector<uint32_t> span_row;
  std::vector<TraceId> trace_id;
  std::vector<SpanId> span_id;
  std::vector<StringId> trace_state;
  std::vector<uint32_t> flags;
  std::vector<uint32_t> dropped_attributes;
  AttributeColumns attributes;
  size_t size() const { return span_row.size(); }
};

/// Columns of equal length, one entry a span. Built by one thread, then const and shared.
/// A block read from disk holds only the columns that were asked for; the others are empty.
struct SpanBatch {
  StringTable strings;
  std::vector<Resource> resources;
  std::vector<Scope> scopes;

  std::vector<TraceId> trace_id;
  std::vector<SpanId> span_id;
  std::vector<SpanId> parent_span_id;  // 0: root
  std::vector<int64_t> start_ns;
  std::vector<int64_t> duration_ns;  // never negative
  std::vector<StringId> name;
  std::vector<SpanKind> kind;
  std::vector<SpanStatus> status;
  std::vector<StringId> status_message;
  std::vector<StringId> trace_state;
  std::vector<uint32_t> flags;
  std::vector<uint32_t> resource;  // index into resources
  std::vector<uint32_t> scope;     // index into scopes
  std::vector<uint32_t> dropped_attributes;
  std::vector<uint32_t> dropped_events;
  std::vector<uint32_t> dropped_links;
  AttributeColumns attributes;
  EventColumns events;
  LinkColumns links;

  size_t size() const { return trace_id.size(); }
  bool empty() const { return trace_id.empty(); }
  std::string_view service(size_t row) const { return strings[resources[resource[row]].service]; }
  /// Memory held, for budgets.
  size_t bytes() const;
};

}  // namespace vedette::model
