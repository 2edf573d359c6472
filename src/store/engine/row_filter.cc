#include "store/engine/row_filter.h"

namespace vedette::store::engine {

using model::LogBatch;
using model::SpanBatch;
using model::TraceId;

TraceIdSet::TraceIdSet(std::vector<TraceId> ids) : ids_(std::move(ids)) {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  for (const TraceId& id : ids_) {
    const uint64_t h = model::TraceIdHash()(id) & kMask;
    bits_[h / 64] |= uint64_t{1} << (h % 64);
  }
}

bool TraceIdSet::find(const TraceId& id) const {
  return std::binary_search(ids_.begin(), ids_.end(), id);
}

namespace {

void add_needs(const Predicate& predicate, ReadSet& needs) {
  add_columns(predicate.field, predicate.key, needs.columns);
  switch (predicate.field) {
    case Field::kTraceId:
      needs.trace_ids = true;
      break;
    case Field::kSpanId:
    case Field::kRoot:
      needs.span_ids = true;
      break;
    case Field::kDuration:
      needs.durations = true;
      break;
    case Field::kService:
    case Field::kAttribute:
    case Field::kResourceAttribute:
      needs.resources = true;
      break;
    default:
      break;
  }
}

}  // namespace

Result<RowFilter> RowFilter::make(Table table, TimeRange range, std::span<const Predicate> where) {
  RowFilter filter;
  filter.range_ = range;
  filter.needs_ = {false, false, false, false, {}};
  filter.needs_.columns.names = false;
  for (const Predicate& predicate : where) {
    if (!field_fits(table, predicate.field)) {
      return Error{Code::kInvalidArgument,
                   "a condition names a field that this table does not have"};
    }
    ASSIGN_OR_RETURN(ValueCheck test, ValueCheck::make(predicate));
    add_needs(predicate, filter.needs_);
    filter.conditions_.push_back({predicate, std::move(test), TraceIdSet(predicate.trace_ids)});
  }
  // The cheap and sharp ones first.
  std::stable_sort(filter.conditions_.begin(), filter.conditions_.end(),
                   [](const auto& a, const auto& b) {
                     const auto cost = [](const Condition& c) {
                       return c.predicate.field == Field::kTraceId ? 0
                              : c.predicate.field == Field::kBody  ? 2
                                                                   : 1;
                     };
                     return cost(a) < cost(b);
                   });
  return filter;
}

namespace {

const std::vector<int64_t>& times(const SpanBatch& b) {
  return b.start_ns;
}
const std::vector<int64_t>& times(const LogBatch& b) {
  return b.time_ns;
}

/// Answers of a test by string, so that each distinct string is looked at once.
class TextMemo {
 public:
  TextMemo(const ValueCheck& test, const model::StringTable& strings)
      : test_(test), strings_(strings), answers_(strings.size(), kUnknown) {}
  bool operator()(const Cell& cell) {
    // Bytes are compared as base64: another text than a string of the same bytes.
    if (cell.kind != Cell::kValue || !cell.value.has_text() ||
        cell.value.type == model::ValueType::kBytes) {
      return passes(test_, cell, strings_);
    }
    int8_t& answer = answers_[cell.value.text_id()];
    if (answer == kUnknown) answer = passes(test_, cell, strings_);
    return answer != 0;
  }

 private:
  static constexpr int8_t kUnknown = -1;
  const ValueCheck& test_;
  const model::StringTable& strings_;
  std::vector<int8_t> answers_;
};

template <typename Batch>
void apply(const RowFilter::Condition& condition, const Batch& batch, std::vector<uint32_t>& rows) {
  const Predicate& p = condition.predicate;
  if (p.field == Field::kTraceId) {
    const bool wanted = p.op != Op::kNotEqual;
    std::erase_if(rows, [&](uint32_t r) {
      return condition.trace_ids.contains(batch.trace_id[r]) != wanted;
    });
  } else if (p.field == Field::kSpanId) {
    const bool wanted = p.op != Op::kNotEqual;
    std::erase_if(rows, [&](uint32_t r) { return (batch.span_id[r] == p.number_u64) != wanted; });
  } else {
    FieldReader<Batch> reader(batch, p.field, p.key);
    TextMemo memo(condition.test, batch.strings);
    std::erase_if(rows, [&](uint32_t r) { return !memo(reader.at(r)); });
  }
}

}  // namespace

bool passes(const ValueCheck& test, const Cell& cell, const model::StringTable& strings) {
  switch (cell.kind) {
    case Cell::kMissing:
      return test.missing();
    case Cell::kName:
      return test.text(cell.name);
    case Cell::kValue:
      return test.value(cell.value, strings);
  }
  return false;
}

template <typename Batch>
void RowFilter::select(const Batch& batch, std::vector<uint32_t>& rows) const {
  rows.clear();
  const std::vector<int64_t>& time = times(batch);
  for (uint32_t r = 0; r < time.size(); ++r) {
    if (range_.contains(time[r])) rows.push_back(r);
  }
  for (const Condition& condition : conditions_) {
    if (rows.empty()) return;
    apply(condition, batch, rows);
  }
}
template void RowFilter::select(const SpanBatch&, std::vector<uint32_t>&) const;
template void RowFilter::select(const LogBatch&, std::vector<uint32_t>&) const;

}  // namespace vedette::store::engine
