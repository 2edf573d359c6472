#include "store/engine/sample_part.h"

#include <algorithm>

#include "store/engine/exemplar_codec.h"
#include "store/engine/metadata_map.h"
#include "store/engine/sample_codec.h"

namespace vedette::store::engine {
namespace {

/// Time columns a cursor keeps: enough for the targets whose series lie interleaved in a metric.
constexpr size_t kColumnsKept = 256;

}  // namespace

void sort_parts(SamplePartList& parts) {
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
    return std::pair(a->footer().last_sequence, a->footer().first_sequence) <
           std::pair(b->footer().last_sequence, b->footer().first_sequence);
  });
}

Result<std::shared_ptr<SamplePart>> SamplePart::open(base::Fs& fs, const std::string& folder,
                                                     PartInfo info, Report report) {
  std::shared_ptr<SamplePart> out(new SamplePart(std::move(info), std::move(report)));
  ASSIGN_OR_RETURN(out->file_, fs.open(folder + "/" + out->info_.file));
  const uint64_t size = out->file_->size();
  if (size < kSamplePartHeaderBytes + SamplePartFooter::kBytes) {
    return Error{Code::kCorruption, "the part is only " + std::to_string(size) + " bytes long"};
  }
  std::string bytes(SamplePartFooter::kBytes, '\0');
  RETURN_IF_ERROR(out->file_->read(size - bytes.size(), bytes));
  ASSIGN_OR_RETURN(out->footer_, SamplePartFooter::decode(bytes));
  RETURN_IF_ERROR(read_page(*out->file_, out->footer_.sections[kSectionDirectory], bytes));
  ASSIGN_OR_RETURN(out->directory_, SampleDirectory::decode(bytes));
  RETURN_IF_ERROR(read_page(*out->file_, out->footer_.sections[kSectionExemplars], bytes));
  ASSIGN_OR_RETURN(out->exemplars_, decode_exemplar_blocks(bytes, out->directory_));
  out->reported_.reset(new std::atomic<bool>[out->directory_.pages.size()]());
  return out;
}

Status SamplePart::read_dictionary(
    const std::function<void(std::string_view canonical, std::span<const LabelView>)>& visit)
    const {
  std::string bytes;
  RETURN_IF_ERROR(read_page(*file_, footer_.sections[kSectionDictionary], bytes));
  size_t count = 0;
  RETURN_IF_ERROR(read_series_dictionary(
      bytes, [&](std::string_view canonical, std::span<const LabelView> labels) {
        ++count;
        visit(canonical, labels);
      }));
  if (count == directory_.series()) return {};
  return {Code::kCorruption, "the part's dictionary and directory do not have the same series"};
}

void SamplePart::bind(std::vector<SeriesId> ids) {
  ids_ = std::move(ids);
  places_.resize(ids_.size());
  for (uint32_t i = 0; i < ids_.size(); ++i) places_[i] = {ids_[i], i};
  std::sort(places_.begin(), places_.end());
}

std::optional<uint32_t> SamplePart::find(SeriesId id) const {
  const auto at =
      std::lower_bound(places_.begin(), places_.end(), std::pair<SeriesId, uint32_t>{id, 0});
  if (at == places_.end() || at->first != id) return std::nullopt;
  return at->second;
}

Result<std::vector<model::MetricMetadata>> SamplePart::metadata() const {
  std::string bytes;
  RETURN_IF_ERROR(read_page(*file_, footer_.sections[kSectionMetadata], bytes));
  return decode_metadata(bytes);
}

size_t SamplePart::memory_bytes() const {
  return sizeof *this + directory_.bytes() + directory_.pages.size() +
         exemplars_.size() * sizeof(ExemplarBlock) +
         ids_.size() * (sizeof(SeriesId) + sizeof places_[0]);
}

Status SamplePart::read(uint32_t page, std::string& out) const {
  return read_page(*file_, directory_.pages[page], out);
}

Status SamplePart::work_around(uint32_t page, const Error& error) const {
  if (error.code != Code::kCorruption) return error;
  damaged_.store(true, std::memory_order_relaxed);
  if (!reported_[page].exchange(true)) report_(info_.file, error.message);
  return {};
}

Status SamplePart::read_exemplars(uint32_t series, int64_t begin_ms, int64_t end_ms,
                                  std::vector<ExemplarRow>& out) const {
  const auto block =
      std::lower_bound(exemplars_.begin(), exemplars_.end(), ExemplarBlock{series, 0, 0});
  if (block == exemplars_.end() || block->series != series) return {};
  std::string bytes;
  if (const Status status = read(block->page, bytes); !status.ok())
    return work_around(block->page, status.error());
  std::vector<ExemplarRow> rows;
  if (block->offset >= bytes.size() ||
      !decode_exemplars(std::string_view(bytes).substr(block->offset), rows)) {
    return work_around(block->page, {Code::kCorruption, "exemplars of a series are malformed"});
  }
  for (ExemplarRow& row : rows) {
    if (row.time_ms >= begin_ms && row.time_ms < end_ms) out.push_back(std::move(row));
  }
  return {};
}

Status SamplePartCursor::load(Page& page, uint32_t number) {
  if (page.number == number) return {};
  page.number = UINT32_MAX;
  const Status status = part_.read(number, page.bytes);
  if (!status.ok()) RETURN_IF_ERROR(part_.work_around(number, status.error()));
  page.number = number;
  page.good = status.ok();
  return {};
}

Result<const std::vector<int64_t>*> SamplePartCursor::column(uint32_t number) {
  const auto known = columns_.find(number);
  if (known != columns_.end()) return known->second.empty() ? nullptr : &known->second;
  if (columns_.size() >= kColumnsKept) columns_.clear();
  const TimeColumn& c = part_.directory_.columns[number];
  RETURN_IF_ERROR(load(times_, c.page));
  std::vector<int64_t>& times = columns_[number];
  if (!times_.good) return nullptr;
  times.resize(c.count);
  if (decode_times(std::string_view(times_.bytes).substr(c.offset), times) &&
      times.front() == c.first_ms && times.back() == c.last_ms) {
    return &times;
  }
  times.clear();
  RETURN_IF_ERROR(part_.work_around(c.page, {Code::kCorruption, "a time column is malformed"}));
  return nullptr;
}

Status SamplePartCursor::read_block(const SampleBlock& block, int64_t begin_ms, int64_t end_ms,
                                    SampleRun& out) {
  ASSIGN_OR_RETURN(const std::vector<int64_t>* times, column(block.column));
  RETURN_IF_ERROR(load(values_, block.page));
  if (!times || !values_.good) return {};
  const auto first = std::lower_bound(times->begin(), times->end(), begin_ms);
  const auto last = std::lower_bound(first, times->end(), end_ms);
  if (first == last) return {};
  scratch_.resize(times->size());
  if (!decode_values(std::string_view(values_.bytes).substr(block.offset), scratch_)) {
    return part_.work_around(block.page,
                             {Code::kCorruption, "the values of a series are malformed"});
  }
  out.time_ms.insert(out.time_ms.end(), first, last);
  out.value.insert(out.value.end(), scratch_.begin() + (first - times->begin()),
                   scratch_.begin() + (last - times->begin()));
  return {};
}

Status SamplePartCursor::read(uint32_t series, int64_t begin_ms, int64_t end_ms, SampleRun& out) {
  const SampleDirectory& directory = part_.directory_;
  for (uint32_t i = directory.first_block[series]; i < directory.first_block[series + 1]; ++i) {
    const SampleBlock& block = directory.blocks[i];
    const TimeColumn& c = directory.columns[block.column];
    if (c.last_ms < begin_ms || c.first_ms >= end_ms) continue;
    RETURN_IF_ERROR(read_block(block, begin_ms, end_ms, out));
  }
  return {};
}

Result<uint64_t> SamplePartCursor::rows_before(int64_t end_ms) {
  const SampleDirectory& directory = part_.directory_;
  std::vector<uint64_t> series(directory.columns.size());  // that share the column
  for (const SampleBlock& block : directory.blocks) ++series[block.column];
  uint64_t rows = 0;
  for (uint32_t i = 0; i < series.size(); ++i) {
    const TimeColumn& c = directory.columns[i];
    if (c.first_ms >= end_ms) continue;
    if (c.last_ms < end_ms) {
      rows += series[i] * c.count;
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<int64_t>* times, column(i));
    if (!times) continue;
    const auto end = std::lower_bound(times->begin(), times->end(), end_ms);
    rows += series[i] * static_cast<uint64_t>(end - times->begin());
  }
  return rows;
}

}  // namespace vedette::store::engine
