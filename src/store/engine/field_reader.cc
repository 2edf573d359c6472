#include "store/engine/field_reader.h"

namespace vedette::store::engine {

using model::LogBatch;
using model::SpanBatch;
using model::Value;

std::string Cell::to_string(const model::StringTable& strings) const {
  switch (kind) {
    case kMissing:
      return {};
    case kName:
      return std::string(name);
    case kValue:
      return value.to_string(strings);
  }
  return {};
}

namespace {

Cell own_field(const SpanBatch& b, Field field, uint32_t row) {
  switch (field) {
    case Field::kSpanName:
      return Cell::of_string(b.name[row]);
    case Field::kKind:
      return Cell::of_name(model::span_kind_name(b.kind[row]));
    case Field::kStatus:
      return Cell::of_name(model::span_status_name(b.status[row]));
    case Field::kDuration:
      return Cell::of(Value::integer(b.duration_ns[row]));
    case Field::kRoot:
      return b.parent_span_id[row] == 0 ? Cell::of(Value::boolean(true)) : Cell::missing();
    default:
      return Cell::missing();
  }
}

Cell own_field(const LogBatch& b, Field field, uint32_t row) {
  switch (field) {
    case Field::kSeverity:
      return Cell::of(Value::integer(b.severity[row]));
    case Field::kBody:
      return b.body[row].type == model::ValueType::kEmpty ? Cell::missing() : Cell::of(b.body[row]);
    case Field::kEventName:
      return Cell::of_string(b.event_name[row]);
    default:
      return Cell::missing();
  }
}

}  // namespace

template <typename Batch>
FieldReader<Batch>::FieldReader(const Batch& batch, Field field, const std::string& key)
    : batch_(batch), field_(field) {
  if (field != Field::kAttribute && field != Field::kResourceAttribute) return;
  key_ = batch.strings.find(key);
  if (key_ && field == Field::kAttribute) column_ = batch.attributes.find(*key_);
}

template <typename Batch>
Cell FieldReader<Batch>::at(uint32_t row) {
  switch (field_) {
    case Field::kService:
      return Cell::of_string(batch_.resources[batch_.resource[row]].service);
    case Field::kScopeName:
      return Cell::of_string(batch_.scopes[batch_.scope[row]].name);
    case Field::kAttribute:
    case Field::kResourceAttribute:
      return key_ ? attribute(row) : Cell::missing();
    default:
      return own_field(batch_, field_, row);
  }
}

template <typename Batch>
Cell FieldReader<Batch>::attribute(uint32_t row) {
  if (column_) {
    while (next_ < column_->size() && column_->rows[next_] < row) ++next_;
    if (next_ < column_->size() && column_->rows[next_] == row)
      return Cell::of(column_->value(next_));
  }
  const auto inherited = batch_.resources[batch_.resource[row]].attributes.get(*key_);
  return inherited ? Cell::of(*inherited) : Cell::missing();
}

template class FieldReader<SpanBatch>;
template class FieldReader<LogBatch>;

bool field_fits(Table table, Field field) {
  switch (field) {
    case Field::kTraceId:
    case Field::kSpanId:
    case Field::kService:
    case Field::kScopeName:
    case Field::kAttribute:
    case Field::kResourceAttribute:
      return table == Table::kSpans || table == Table::kLogs;
    case Field::kSpanName:
    case Field::kKind:
    case Field::kStatus:
    case Field::kDuration:
    case Field::kRoot:
      return table == Table::kSpans;
    case Field::kSeverity:
    case Field::kBody:
    case Field::kEventName:
      return table == Table::kLogs;
  }
  return false;
}

void add_columns(Field field, const std::string& key, Columns& columns) {
  switch (field) {
    case Field::kAttribute:
      columns.attributes.push_back(key);
      break;
    case Field::kScopeName:
    case Field::kEventName:
      columns.details = true;
      break;
    case Field::kSpanName:
    case Field::kKind:
    case Field::kStatus:
    case Field::kSeverity:
    case Field::kBody:
      columns.names = true;
      break;
    default:
      break;
  }
}

}  // namespace vedette::store::engine
