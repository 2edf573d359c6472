#include "base/log.h"
#include "store/engine/row_table.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kDayNs = 86'400'000'000'000;
constexpr size_t kPartitionsMax = 8;  // parts of one flush; days beyond them share the last
constexpr uint32_t kGroupRows = 65'536;

int64_t day_of(int64_t time_ns) {
  return time_ns >= 0 ? time_ns / kDayNs : (time_ns - kDayNs + 1) / kDayNs;
}

/// Traces of one day each, those with the most rows; then the rest of all days.
std::vector<std::vector<TraceRange>> partitions_of(std::span<const TraceRange> traces) {
  std::map<int64_t, uint64_t> rows_of_day;
  for (const TraceRange& t : traces) rows_of_day[day_of(t.start_ns)] += t.end - t.begin;
  std::vector<std::pair<uint64_t, int64_t>> days;
  for (const auto& [day, rows] : rows_of_day) days.push_back({rows, day});
  std::sort(days.rbegin(), days.rend());
  std::map<int64_t, size_t> partition_of_day;
  for (size_t i = 0; i < days.size(); ++i) {
    partition_of_day[days[i].second] =
        days.size() <= kPartitionsMax ? i : std::min(i, kPartitionsMax - 1);
  }
  std::vector<std::vector<TraceRange>> partitions(std::min(days.size(), kPartitionsMax));
  for (const TraceRange& t : traces) partitions[partition_of_day[day_of(t.start_ns)]].push_back(t);
  return partitions;
}

}  // namespace

template <typename Batch>
Result<std::vector<PartInfo>> RowTable<Batch>::write_frozen() {
  const HeadList<Batch> frozen = snapshot().frozen;
  std::vector<const Batch*> sources;
  for (const HeadNode<Batch>* node = frozen.get(); node; node = node->next.get())
    sources.push_back(node->batch.get());
  std::reverse(sources.begin(), sources.end());
  const RowOrder order = order_rows(sources, all_rows<Batch>(sources));
  std::vector<PartInfo> written;
  for (const std::vector<TraceRange>& traces : partitions_of(order.traces)) {
    PartFileWriter writer(context_, kTable, 0);
    Status status = write_groups(sources, order, traces, writer);
    if (status.ok()) status = finish(writer, written);
    if (status.ok()) continue;
    remove_files(written);
    return status.error();
  }
  return written;
}

template <typename Batch>
Status RowTable<Batch>::write_groups(Sources sources, const RowOrder& order,
                                     std::span<const TraceRange> traces, PartFileWriter& writer) {
  std::vector<RowRef> rows;
  for (size_t i = 0; i < traces.size(); ++i) {
    rows.insert(rows.end(), order.rows.begin() + traces[i].begin,
                order.rows.begin() + traces[i].end);
    if (rows.size() < kGroupRows && i + 1 < traces.size()) continue;
    RETURN_IF_ERROR(writer.add_group(gather(sources, rows)));
    rows.clear();
  }
  return {};
}

template <typename Batch>
void RowTable<Batch>::remove_files(std::vector<PartInfo>& written) {
  discard(written);
  for (const PartInfo& part : written) {
    if (Status status = context_.fs.remove(context_.parts_path + "/" + part.file); !status.ok()) {
      log_warn("cannot remove a part that is not needed", {{"why", status.error().message}});
    }
  }
  written.clear();
}

template <typename Batch>
Status RowTable<Batch>::finish(PartFileWriter& writer, std::vector<PartInfo>& written) {
  if (writer.rows() == 0) return {};
  ASSIGN_OR_RETURN(const PartInfo info, writer.finish());
  written.push_back(info);
  Result<Part> part = RowPart::open(context_, info, cache_);
  if (!part.ok()) {
    remove_files(written);
    return part.status();
  }
  const std::lock_guard lock(mutex_);
  written_[info.file] = *std::move(part);
  return {};
}

template Result<std::vector<PartInfo>> RowTable<model::SpanBatch>::write_frozen();
template Result<std::vector<PartInfo>> RowTable<model::LogBatch>::write_frozen();
template Status RowTable<model::SpanBatch>::write_groups(Sources, const RowOrder&,
                                                         std::span<const TraceRange>,
                                                         PartFileWriter&);
template Status RowTable<model::LogBatch>::write_groups(Sources, const RowOrder&,
                                                        std::span<const TraceRange>,
                                                        PartFileWriter&);
template void RowTable<model::SpanBatch>::remove_files(std::vector<PartInfo>&);
template void RowTable<model::LogBatch>::remove_files(std::vector<PartInfo>&);
template Status RowTable<model::SpanBatch>::finish(PartFileWriter&, std::vector<PartInfo>&);
template Status RowTable<model::LogBatch>::finish(PartFileWriter&, std::vector<PartInfo>&);

}  // namespace vedette::store::engine
