#include <set>

#include "store/engine/field_reader.h"
#include "store/engine/row_reads.h"

namespace vedette::store::engine {
namespace {

/// The first `limit` of the distinct texts it is given, in order.
class Distinct {
 public:
  explicit Distinct(size_t limit) : limit_(limit) {}
  void add(std::string text) {
    if (limit_ == 0 || (texts_.size() == limit_ && text >= *texts_.rbegin())) return;
    texts_.insert(std::move(text));
    if (texts_.size() > limit_) texts_.erase(std::prev(texts_.end()));
  }
  std::vector<std::string> take() { return {texts_.begin(), texts_.end()}; }

 private:
  size_t limit_;
  std::set<std::string> texts_;
};

template <typename Batch>
void add_field(const Block<Batch>& block, Field field, const std::string& key, Distinct& distinct) {
  const model::StringTable& strings = block.batch.strings;
  FieldReader<Batch> reader(block.batch, field, key);
  std::vector<bool> seen(strings.size());
  Cell last;
  for (const uint32_t row : block.rows) {
    const Cell cell = reader.at(row);
    if (cell.kind == Cell::kMissing) continue;
    if (cell.kind == Cell::kValue && cell.value.type == model::ValueType::kString) {
      if (seen[cell.value.text_id()]) continue;
      seen[cell.value.text_id()] = true;
    } else if (cell.kind == last.kind && cell.name == last.name && cell.value == last.value) {
      continue;
    }
    last = cell;
    distinct.add(cell.to_string(strings));
  }
}

/// Keys of the attributes that any of the rows has, of its own or from its resource.
template <typename Batch>
void add_keys(const Block<Batch>& block, Distinct& distinct) {
  const model::StringTable& strings = block.batch.strings;
  std::vector<bool> wanted(block.batch.size());
  std::vector<bool> resources(block.batch.resources.size());
  for (const uint32_t row : block.rows) {
    wanted[row] = true;
    resources[block.batch.resource[row]] = true;
  }
  for (const model::AttributeColumn& column : block.batch.attributes.columns()) {
    const bool used =
        std::any_of(column.rows.begin(), column.rows.end(), [&](uint32_t r) { return wanted[r]; });
    if (used) distinct.add(std::string(strings[column.key]));
  }
  for (size_t r = 0; r < resources.size(); ++r) {
    if (!resources[r]) continue;
    for (const auto& item : block.batch.resources[r].attributes.items) {
      distinct.add(std::string(strings[item.key]));
    }
  }
}

/// Keys of a block that is asked for all its rows: those of the columns that have a value in it.
bool take_keys(const WholeBlock& whole, bool filtered, Distinct& distinct) {
  if (filtered || whole.block.find(kRestChunk)) return false;
  std::vector<bool> used(whole.meta.columns.size());
  for (const ShapeCount& s : whole.block.shapes) {
    for (const ShapeEntry& entry : whole.meta.shapes[s.shape]) used[entry.column] = true;
  }
  for (uint32_t i = 0; i < used.size(); ++i) {
    const ColumnId id = whole.meta.columns[i].id;
    if (id.field != FixedColumn::kAttribute || !(used[i] || whole.block.find(kFirstColumn + i)))
      continue;
    distinct.add(std::string(whole.meta.strings[id.key]));
  }
  for (const model::Resource& r : whole.meta.resources) {
    for (const auto& item : r.attributes.items)
      distinct.add(std::string(whole.meta.strings[item.key]));
  }
  return true;
}

}  // namespace

template <typename Batch>
Result<std::vector<std::string>> values(const RowSnapshot<Batch>& snapshot,
                                        const ValuesQuery& query, const ReadContext& context) {
  if (query.field && !field_fits(query.table, *query.field)) {
    return Error{Code::kInvalidArgument,
                 "the table does not have the field whose values are asked for"};
  }
  Distinct distinct(query.limit);
  RowQuery rows{query.range, query.where, {}, Order::kAny};
  rows.columns.names = false;
  rows.columns.all_attributes = !query.field;
  if (query.field) add_columns(*query.field, query.key, rows.columns);
  const auto visit = [&](const Block<Batch>& block) {
    if (query.field) {
      add_field(block, *query.field, query.key, distinct);
    } else {
      add_keys(block, distinct);
    }
    return true;
  };
  const auto take_whole = [&](const WholeBlock& whole) {
    if (!query.field) return take_keys(whole, !query.where.empty(), distinct);
    const ShapeReader reader(whole.meta, *query.field, query.key);
    if (!reader.exact()) return false;
    for (const ShapeCount& s : whole.block.shapes) {
      if (!whole.filter.matches(s.shape)) continue;
      const Cell cell = reader.at(s.shape);
      if (cell.kind != Cell::kMissing) distinct.add(cell.to_string(whole.meta.strings));
    }
    return true;
  };
  const Status status = walk<Batch>(snapshot, rows, context, visit, take_whole);
  RETURN_IF_ERROR(status);
  return distinct.take();
}
template Result<std::vector<std::string>> values(const RowSnapshot<model::SpanBatch>&,
                                                 const ValuesQuery&, const ReadContext&);
template Result<std::vector<std::string>> values(const RowSnapshot<model::LogBatch>&,
                                                 const ValuesQuery&, const ReadContext&);

}  // namespace vedette::store::engine
