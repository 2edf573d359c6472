#include <unordered_map>

#include "store/engine/field_reader.h"
#include "store/engine/row_reads.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kBucketsMax = 1'000'000;
constexpr size_t kGroupsMax = 10'000;

/// Numbers the texts of a field; distinct strings of a batch are looked up once.
class Groups {
 public:
  explicit Groups(std::vector<CountSeries>& series, size_t buckets)
      : series_(series), buckets_(buckets) {}

  void next_batch(const model::StringTable& strings) {
    strings_ = &strings;
    of_string_.assign(strings.size(), kNone);
  }
  /// kNone when there are too many.
  uint32_t of(const Cell& cell) {
    if (cell.kind == Cell::kValue && cell.value.type == model::ValueType::kString) {
      uint32_t& group = of_string_[cell.value.text_id()];
      if (group == kNone) group = of_text(std::string((*strings_)[cell.value.text_id()]));
      return group;
    }
    return of_text(cell.to_string(*strings_));
  }
  static constexpr uint32_t kNone = UINT32_MAX;

 private:
  uint32_t of_text(std::string text) {
    const auto found = of_text_.find(text);
    if (found != of_text_.end()) return found->second;
    if (series_.size() == kGroupsMax) return kNone;
    const auto group = static_cast<uint32_t>(series_.size());
    series_.push_back({text, std::vector<uint64_t>(buckets_)});
    of_text_.emplace(std::move(text), group);
    return group;
  }

  std::vector<CountSeries>& series_;
  size_t buckets_;
  const model::StringTable* strings_ = nullptr;
  std::vector<uint32_t> of_string_;
  std::unordered_map<std::string, uint32_t> of_text_;
};

Result<size_t> bucket_count(const CountQuery& query) {
  const TimeRange& range = query.range;
  if (query.step_ns <= 0 || range.begin_ns == std::numeric_limits<int64_t>::min() ||
      range.end_ns == std::numeric_limits<int64_t>::max() || range.end_ns < range.begin_ns) {
    return Error{Code::kInvalidArgument, "counts need a finite range and a positive step"};
  }
  const uint64_t span = static_cast<uint64_t>(range.end_ns) - static_cast<uint64_t>(range.begin_ns);
  const auto step = static_cast<uint64_t>(query.step_ns);
  const uint64_t buckets = span / step + (span % step != 0);
  if (buckets > kBucketsMax) {
    return Error{Code::kInvalidArgument,
                 "counts over " + std::to_string(buckets) + " steps: make the step longer"};
  }
  return buckets;
}

}  // namespace

template <typename Batch>
Result<std::vector<CountSeries>> counts(const RowSnapshot<Batch>& snapshot, const CountQuery& query,
                                        const ReadContext& context) {
  ASSIGN_OR_RETURN(const size_t buckets, bucket_count(query));
  if (query.group_by && !field_fits(query.table, *query.group_by)) {
    return Error{Code::kInvalidArgument,
                 "rows can't be grouped by a field that this table does not have"};
  }
  std::vector<CountSeries> series;
  Groups groups(series, buckets);
  if (!query.group_by) series.push_back({{}, std::vector<uint64_t>(buckets)});

  RowQuery rows{query.range, query.where, {}, Order::kAny};
  rows.columns.names = false;
  if (query.group_by) add_columns(*query.group_by, query.group_key, rows.columns);
  const auto bucket = [&](int64_t time) {
    return static_cast<uint64_t>(time - query.range.begin_ns) /
           static_cast<uint64_t>(query.step_ns);
  };
  const auto visit = [&](const Block<Batch>& block) {
    const std::vector<int64_t>& times = row_times(block.batch);
    if (!query.group_by) {
      for (const uint32_t row : block.rows) ++series[0].counts[bucket(times[row])];
      return true;
    }
    groups.next_batch(block.batch.strings);
    FieldReader<Batch> reader(block.batch, *query.group_by, query.group_key);
    for (const uint32_t row : block.rows) {
      const uint32_t group = groups.of(reader.at(row));
      if (group != Groups::kNone) ++series[group].counts[bucket(times[row])];
    }
    return true;
  };
  // A block that lies in one bucket is counted by its shapes.
  const auto take_whole = [&](const WholeBlock& whole) {
    const uint64_t at = bucket(whole.block.min_ns);
    if (at != bucket(whole.block.max_ns)) return false;
    std::optional<ShapeReader> reader;
    if (query.group_by) {
      reader.emplace(whole.meta, *query.group_by, query.group_key);
      if (!reader->exact()) return false;
      groups.next_batch(whole.meta.strings);
    }
    for (const ShapeCount& s : whole.block.shapes) {
      if (!whole.filter.matches(s.shape)) continue;
      const uint32_t group = reader ? groups.of(reader->at(s.shape)) : 0;
      if (group != Groups::kNone) series[group].counts[at] += s.rows;
    }
    return true;
  };
  const Status status = walk<Batch>(snapshot, rows, context, visit, take_whole);
  RETURN_IF_ERROR(status);
  std::sort(series.begin(), series.end(),
            [](const auto& a, const auto& b) { return a.group < b.group; });
  return series;
}
template Result<std::vector<CountSeries>> counts(const RowSnapshot<model::SpanBatch>&,
                                                 const CountQuery&, const ReadContext&);
template Result<std::vector<CountSeries>> counts(const RowSnapshot<model::LogBatch>&,
                                                 const CountQuery&, const ReadContext&);

}  // namespace vedette::store::engine
