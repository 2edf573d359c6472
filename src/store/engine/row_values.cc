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
    const bool used = std::any_of(column.rows.begin(), column.rows.end(), [&](uint32_t r) { return wanted[r]; });
    if (used) distinct.add(std::string(strings[column.key]));
  }
  for (size_t r = 0; r < resources.size(); ++r) {
    if (!resources[r]) continue;
    for (const auto& item : block.batch.resources[r].attributes.items) {
      distinct.add(std::string(strings[item.key]));
    }
  }
}

}  // namespace

template <typename Batch>
Result<std::vector<std::string>> values(const RowSnapshot<Batch>& snapshot, const ValuesQuery& query,
                                        const ReadContext& context) {
  if (query.field && !field_fits(query.table, *query.field)) {
    return Error{Code::kInvalidArgument, "the table does not have the field whose values are asked for"};
  }
  Distinct distinct(query.limit);
  RowQuery rows{query.range, query.where, {}, Order::kAny};
  rows.columns.names = false;
  rows.columns.all_attributes = !query.field;
  if (query.field) add_columns(*query.field, query.key, rows.columns);
  const Status status = scan<Batch>(snapshot, rows, context, [&](const Block<Batch>& block) {
    if (query.field) {
      add_field(block, *query.field, query.key, distinct);
    } else {
      add_keys(block, distinct);
    }
    return true;
  });
  RETURN_IF_ERROR(status);
  return distinct.take();
}
template Result<std::vector<std::string>> values(const RowSnapshot<model::SpanBatch>&, const ValuesQuery&,
                                                 const ReadContext&);
template Result<std::vector<std::string>> values(const RowSnapshot<model::LogBatch>&, const ValuesQuery&,
                                                 const ReadContext&);

}  // namespace vedette::store::engine
