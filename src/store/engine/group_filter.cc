#include "store/engine/group_filter.h"

#include "store/engine/bloom.h"
#include "store/engine/words.h"

namespace vedette::store::engine {
namespace {

using model::Value;
using model::ValueType;

constexpr uint8_t kOnlyStrings = 1u << static_cast<unsigned>(ValueType::kString);

std::optional<FixedColumn> fixed_column(Field field) {
  switch (field) {
    case Field::kService:
      return FixedColumn::kService;
    case Field::kScopeName:
      return FixedColumn::kScope;
    case Field::kSpanName:
      return FixedColumn::kName;
    case Field::kKind:
      return FixedColumn::kKind;
    case Field::kStatus:
      return FixedColumn::kStatus;
    case Field::kSeverity:
      return FixedColumn::kSeverity;
    case Field::kBody:
      return FixedColumn::kBody;
    case Field::kEventName:
      return FixedColumn::kEventName;
    default:
      return std::nullopt;
  }
}

bool any_resource_has(const GroupMeta& meta, const std::string& key) {
  const auto id = meta.strings.find(key);
  return id &&
         std::any_of(meta.resources.begin(), meta.resources.end(),
                     [&](const model::Resource& r) { return r.attributes.get(*id).has_value(); });
}

bool has_rest(const GroupMeta& meta) {
  return std::any_of(meta.blocks.begin(), meta.blocks.end(),
                     [](const BlockMeta& b) { return b.find(kRestChunk); });
}

/// Can a row that has no value of its own match, by its resource or by having none at all?
bool inherited_may_match(const GroupMeta& meta, const RowFilter::Condition& c) {
  const auto id = meta.strings.find(c.predicate.key);
  return meta.resources.empty() ||
         std::any_of(meta.resources.begin(), meta.resources.end(), [&](const auto& r) {
           const auto value = id ? r.attributes.get(*id) : std::nullopt;
           return value ? c.test.value(*value, meta.strings) : c.test.missing();
         });
}

}  // namespace

ShapeReader::ShapeReader(const GroupMeta& meta, Field field, const std::string& key)
    : meta_(meta), field_(field) {
  if (const auto fixed = fixed_column(field)) {
    column_ = meta.find_column({*fixed, 0});
    own_known_ = exact_ = !column_ || meta.columns[*column_].storage == GroupColumn::kJoined;
  } else if (field == Field::kAttribute) {
    const auto id = meta.strings.find(key);
    if (id) column_ = meta.find_column({FixedColumn::kAttribute, *id});
    own_known_ = column_ ? meta.columns[*column_].storage == GroupColumn::kJoined : !has_rest(meta);
    exact_ = own_known_ && !any_resource_has(meta, key);
  }
}

Cell ShapeReader::at(uint16_t shape) const {
  std::optional<Value> value;
  if (column_) {
    for (const ShapeEntry& entry : meta_.shapes[shape]) {
      if (entry.column == *column_) value = meta_.columns[*column_].values[entry.value];
    }
  }
  const auto number = value ? value->bits : 0;
  switch (field_) {
    case Field::kService:
      return number < meta_.services.size() ? Cell::of_string(meta_.services[number])
                                            : Cell::missing();
    case Field::kScopeName:
      return number < meta_.scopes.size() ? Cell::of_string(meta_.scopes[number].name)
                                          : Cell::missing();
    case Field::kKind:
      return Cell::of_name(model::span_kind_name(static_cast<model::SpanKind>(number)));
    case Field::kStatus:
      return Cell::of_name(model::span_status_name(static_cast<model::SpanStatus>(number)));
    case Field::kSeverity:
      return Cell::of(Value::integer(static_cast<int64_t>(number)));
    default:
      return value ? Cell::of(*value) : Cell::missing();
  }
}

GroupFilter::GroupFilter(const GroupMeta& meta, const RowFilter& filter)
    : range_(filter.range()), shape_ok_(meta.shapes.size(), true) {
  for (const RowFilter::Condition& condition : filter.conditions()) add(meta, condition);
}

void GroupFilter::only(const std::vector<bool>& shapes) {
  bool any = false;
  for (size_t s = 0; s < shape_ok_.size(); ++s) {
    shape_ok_[s] = shape_ok_[s] && shapes[s];
    any = any || shape_ok_[s];
  }
  none_ |= !any;
}

void GroupFilter::add(const GroupMeta& meta, const RowFilter::Condition& condition) {
  const Predicate& p = condition.predicate;
  const ShapeReader reader(meta, p.field, p.key);
  if (reader.exact()) {
    std::vector<bool> ok(meta.shapes.size());
    for (uint16_t s = 0; s < ok.size(); ++s)
      ok[s] = passes(condition.test, reader.at(s), meta.strings);
    return only(ok);
  }
  exact_ = false;
  switch (p.field) {
    case Field::kTraceId:
      if (p.op == Op::kNotEqual) return;
      none_ |= condition.trace_ids.empty();
      for (const model::TraceId& id : condition.trace_ids.ids())
        trace_hashes_.push_back(hash_pair(id.hi, id.lo));
      return;
    case Field::kAttribute:
      return add_attribute(meta, condition, reader);
    case Field::kResourceAttribute:
      none_ |= !inherited_may_match(meta, condition);
      return;
    case Field::kBody:
      return add_body(meta, condition, reader);
    case Field::kDuration:
      return add_duration(condition);
    default:
      return;
  }
}

void GroupFilter::add_attribute(const GroupMeta& meta, const RowFilter::Condition& condition,
                                const ShapeReader& reader) {
  const bool inherited = inherited_may_match(meta, condition);
  std::vector<bool> ok(meta.shapes.size(), true);
  if (reader.own_known()) {
    for (uint16_t s = 0; s < ok.size(); ++s) {
      const Cell own = reader.at(s);
      ok[s] = own.kind == Cell::kMissing ? inherited : passes(condition.test, own, meta.strings);
    }
    return only(ok);
  }
  if (!reader.column() || inherited) return;
  const GroupColumn& column = meta.columns[*reader.column()];
  if (column.storage == GroupColumn::kPresence) {
    for (size_t s = 0; s < ok.size(); ++s) {
      ok[s] = std::any_of(meta.shapes[s].begin(), meta.shapes[s].end(),
                          [&](const ShapeEntry& e) { return e.column == *reader.column(); });
    }
    only(ok);
  }
  const Predicate& p = condition.predicate;
  if (p.op == Op::kEqual && !p.number && column.types == kOnlyStrings) {
    value_hashes_.push_back(hash_pair(base::hash_string(p.key), base::hash_string(p.text)));
  }
}

void GroupFilter::add_body(const GroupMeta& meta, const RowFilter::Condition& condition,
                           const ShapeReader& reader) {
  const Predicate& p = condition.predicate;
  if (!reader.column() || meta.columns[*reader.column()].types != kOnlyStrings ||
      condition.test.missing())
    return;
  if (p.op != Op::kWord && p.op != Op::kContains) return;
  for_each_word(p.text, [&](std::string_view word) {
    // At the ends of a part of a text, words may go on.
    const bool at_end =
        word.data() == p.text.data() || word.data() + word.size() == p.text.data() + p.text.size();
    if (p.op == Op::kWord || !at_end) word_hashes_.push_back(hash_word(word));
  });
}

void GroupFilter::add_duration(const RowFilter::Condition& condition) {
  const Predicate& p = condition.predicate;
  if (!p.number) return;
  const double v = *p.number;
  if (p.op == Op::kGreater || p.op == Op::kGreaterOrEqual || p.op == Op::kEqual)
    min_duration_ = std::max(min_duration_, v);
  if (p.op == Op::kLess || p.op == Op::kLessOrEqual || p.op == Op::kEqual)
    max_duration_ = std::min(max_duration_, v);
}

bool GroupFilter::may_match(const BlockMeta& block) const {
  if (none_ || !range_.overlaps(block.min_ns, block.max_ns)) return false;
  if (static_cast<double>(block.max_duration_ns) < min_duration_ ||
      static_cast<double>(block.min_duration_ns) > max_duration_) {
    return false;
  }
  return std::any_of(block.shapes.begin(), block.shapes.end(),
                     [&](const ShapeCount& s) { return shape_ok_[s.shape]; });
}

bool GroupFilter::may_match(const RowPart& part, size_t group, const GroupMeta& meta,
                            size_t block) const {
  std::vector<uint32_t> kinds;
  if (!trace_hashes_.empty()) kinds.push_back(kTraceFilter);
  if (!value_hashes_.empty()) kinds.push_back(kValueFilter);
  if (!word_hashes_.empty()) kinds.push_back(kWordFilter);
  if (kinds.empty()) return true;
  const std::optional<Chunks> chunks = part.read_filters(group, meta, block, kinds);
  if (!chunks) return true;
  const auto holds = [&](uint32_t kind) {
    return [filter = chunks->find(kind)](uint64_t h) { return bloom_may_hold(filter, h); };
  };
  if (!trace_hashes_.empty() &&
      std::none_of(trace_hashes_.begin(), trace_hashes_.end(), holds(kTraceFilter))) {
    return false;
  }
  return std::all_of(value_hashes_.begin(), value_hashes_.end(), holds(kValueFilter)) &&
         std::all_of(word_hashes_.begin(), word_hashes_.end(), holds(kWordFilter));
}

}  // namespace vedette::store::engine
