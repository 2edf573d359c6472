#include "store/engine/group_columns.h"

#include <algorithm>

namespace vedette::store::engine {
namespace {

using model::AttributeColumn;
using model::LogBatch;
using model::SpanBatch;
using model::Value;
using model::ValueType;

class Builder {
 public:
  /// A field where zero is what most rows have.
  template <typename T>
  void add(FixedColumn field, const std::vector<T>& values, ValueType type) {
    AttributeColumn& column = out_.made.emplace_back();
    for (uint32_t row = 0; row < values.size(); ++row) {
      const auto bits = static_cast<uint64_t>(values[row]);
      if (bits == 0) continue;
      column.rows.push_back(row);
      column.bits.push_back(bits);
    }
    column.types.assign(column.rows.size(), type);
    finish(field, column);
  }

  void add_services(const std::vector<uint32_t>& resources,
                    std::span<const uint32_t> service_of_resource) {
    std::vector<uint32_t> services(resources.size());
    for (size_t i = 0; i < services.size(); ++i) services[i] = service_of_resource[resources[i]];
    add(FixedColumn::kService, services, ValueType::kInt);
  }

  void add_values(FixedColumn field, const std::vector<Value>& values) {
    AttributeColumn& column = out_.made.emplace_back();
    for (uint32_t row = 0; row < values.size(); ++row) {
      if (values[row].type == ValueType::kEmpty) continue;
      column.rows.push_back(row);
      column.types.push_back(values[row].type);
      column.bits.push_back(values[row].bits);
    }
    finish(field, column);
  }

  void add_attributes(const model::AttributeColumns& attributes) {
    std::vector<const AttributeColumn*> columns;
    for (const AttributeColumn& c : attributes.columns()) {
      if (c.size() > 0) columns.push_back(&c);
    }
    if (columns.size() > kAttributeColumnsMax) {
      std::stable_sort(columns.begin(), columns.end(),
                       [](auto* a, auto* b) { return a->size() > b->size(); });
      out_.rest.assign(columns.begin() + kAttributeColumnsMax, columns.end());
      columns.resize(kAttributeColumnsMax);
    }
    for (const AttributeColumn* c : columns) {
      out_.columns.push_back({{FixedColumn::kAttribute, c->key}, c->rows, c->types, c->bits});
    }
  }

  SparseColumns take() { return std::move(out_); }

 private:
  void finish(FixedColumn field, const AttributeColumn& column) {
    if (column.rows.empty()) {
      out_.made.pop_back();
      return;
    }
    out_.columns.push_back({{field, 0}, column.rows, column.types, column.bits});
  }
  SparseColumns out_;
};

}  // namespace

SparseColumns sparse_columns(const SpanBatch& b, std::span<const uint32_t> service_of_resource) {
  Builder builder;
  builder.add_services(b.resource, service_of_resource);
  builder.add(FixedColumn::kName, b.name, ValueType::kString);
  builder.add(FixedColumn::kKind, b.kind, ValueType::kInt);
  builder.add(FixedColumn::kStatus, b.status, ValueType::kInt);
  builder.add(FixedColumn::kStatusMessage, b.status_message, ValueType::kString);
  builder.add(FixedColumn::kTraceState, b.trace_state, ValueType::kString);
  builder.add(FixedColumn::kFlags, b.flags, ValueType::kInt);
  builder.add(FixedColumn::kScope, b.scope, ValueType::kInt);
  builder.add(FixedColumn::kDroppedAttributes, b.dropped_attributes, ValueType::kInt);
  builder.add(FixedColumn::kDroppedEvents, b.dropped_events, ValueType::kInt);
  builder.add(FixedColumn::kDroppedLinks, b.dropped_links, ValueType::kInt);
  builder.add_attributes(b.attributes);
  return builder.take();
}

SparseColumns sparse_columns(const LogBatch& b, std::span<const uint32_t> service_of_resource) {
  Builder builder;
  builder.add_services(b.resource, service_of_resource);
  builder.add(FixedColumn::kFlags, b.flags, ValueType::kInt);
  builder.add(FixedColumn::kScope, b.scope, ValueType::kInt);
  builder.add(FixedColumn::kDroppedAttributes, b.dropped_attributes, ValueType::kInt);
  builder.add(FixedColumn::kSeverity, b.severity, ValueType::kInt);
  builder.add(FixedColumn::kSeverityText, b.severity_text, ValueType::kString);
  builder.add_values(FixedColumn::kBody, b.body);
  builder.add(FixedColumn::kEventName, b.event_name, ValueType::kString);
  std::vector<int64_t> observed_after(b.size());
  for (size_t i = 0; i < b.size(); ++i) {
    observed_after[i] = static_cast<int64_t>(static_cast<uint64_t>(b.observed_ns[i]) -
                                             static_cast<uint64_t>(b.time_ns[i]));
  }
  builder.add(FixedColumn::kObserved, observed_after, ValueType::kInt);
  builder.add_attributes(b.attributes);
  return builder.take();
}

void set_field(SpanBatch& b, FixedColumn field, uint32_t row, Value value) {
  const auto small = static_cast<uint32_t>(value.bits);
  switch (field) {
    case FixedColumn::kName:
      b.name[row] = small;
      break;
    case FixedColumn::kKind:
      b.kind[row] = static_cast<model::SpanKind>(small % 6);
      break;
    case FixedColumn::kStatus:
      b.status[row] = static_cast<model::SpanStatus>(small % 3);
      break;
    case FixedColumn::kStatusMessage:
      b.status_message[row] = small;
      break;
    case FixedColumn::kTraceState:
      b.trace_state[row] = small;
      break;
    case FixedColumn::kFlags:
      b.flags[row] = small;
      break;
    case FixedColumn::kScope:
      b.scope[row] = small;
      break;
    case FixedColumn::kDroppedAttributes:
      b.dropped_attributes[row] = small;
      break;
    case FixedColumn::kDroppedEvents:
      b.dropped_events[row] = small;
      break;
    case FixedColumn::kDroppedLinks:
      b.dropped_links[row] = small;
      break;
    default:
      break;
  }
}

void set_field(LogBatch& b, FixedColumn field, uint32_t row, Value value) {
  const auto small = static_cast<uint32_t>(value.bits);
  switch (field) {
    case FixedColumn::kFlags:
      b.flags[row] = small;
      break;
    case FixedColumn::kScope:
      b.scope[row] = small;
      break;
    case FixedColumn::kDroppedAttributes:
      b.dropped_attributes[row] = small;
      break;
    case FixedColumn::kSeverity:
      b.severity[row] = static_cast<uint8_t>(small);
      break;
    case FixedColumn::kSeverityText:
      b.severity_text[row] = small;
      break;
    case FixedColumn::kBody:
      b.body[row] = value;
      break;
    case FixedColumn::kEventName:
      b.event_name[row] = small;
      break;
    case FixedColumn::kObserved:
      b.observed_ns[row] =
          static_cast<int64_t>(static_cast<uint64_t>(b.observed_ns[row]) + value.bits);
      break;
    default:
      break;
  }
}

}  // namespace vedette::store::engine
