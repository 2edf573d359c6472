#include "store/engine/sample_part_writer.h"

#include <xxhash.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/string_table.h"
#include "store/engine/exemplar_codec.h"
#include "store/engine/metadata_map.h"
#include "store/engine/sample_codec.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kWriteBytes = 256 << 10;

/// Cuts samples into blocks at fixed moments, halving the day until a piece fits: so series that
/// are scraped together are cut alike, and share their time columns, whenever each of them began.
template <typename Emit>
Status cut(std::span<const int64_t> times, size_t at, int64_t window_begin, int64_t window,
           const Emit& emit) {
  if (times.empty()) return {};
  if (times.size() <= kBlockSamplesMax) return emit(at, times.size());
  const int64_t middle = window_begin + window / 2;
  const auto half =
      static_cast<size_t>(std::lower_bound(times.begin(), times.end(), middle) - times.begin());
  RETURN_IF_ERROR(cut(times.first(half), at, window_begin, window / 2, emit));
  return cut(times.subspan(half), at + half, middle, window - window / 2, emit);
}

}  // namespace

SamplePartWriter::SamplePartWriter(base::Fs& fs, const std::string& folder, std::string file)
    : fs_(fs), path_(folder + "/" + file), file_name_(std::move(file)) {
  footer_.min_ms = INT64_MAX;
  footer_.max_ms = INT64_MIN;
}

SamplePartWriter::~SamplePartWriter() {
  if (!file_ || finished_) return;
  file_.reset();
  // Best effort: a file that no manifest names is removed at the next start.
  (void)fs_.remove(path_);
}

Result<std::unique_ptr<SamplePartWriter>> SamplePartWriter::create(base::Fs& fs,
                                                                   const std::string& folder,
                                                                   std::string file) {
  std::unique_ptr<SamplePartWriter> out(new SamplePartWriter(fs, folder, std::move(file)));
  ASSIGN_OR_RETURN(out->file_, fs.create(out->path_));
  std::string header(kSamplePartMagic, sizeof kSamplePartMagic);
  base::ByteWriter w(header);
  w.fixed(kSamplePartVersion);
  w.fixed(uint32_t{0});
  RETURN_IF_ERROR(out->append(header));
  return out;
}

Status SamplePartWriter::append(std::string_view bytes) {
  buffer_.append(bytes);
  offset_ += bytes.size();
  if (buffer_.size() < kWriteBytes) return {};
  RETURN_IF_ERROR(file_->append(buffer_));
  buffer_.clear();
  return {};
}

void SamplePartWriter::open_page(Open& page) {
  if (!page.bytes.empty()) return;
  page.number = static_cast<uint32_t>(directory_.pages.size());
  directory_.pages.emplace_back();
}

Status SamplePartWriter::close_if_full(Open& page) {
  return page.bytes.size() >= kSamplePageBytes ? close_page(page) : Status();
}

Status SamplePartWriter::close_page(Open& page) {
  if (page.bytes.empty()) return {};
  const std::string_view stored = compressor_.compress(page.bytes);
  directory_.pages[page.number] = {offset_, static_cast<uint32_t>(stored.size()),
                                   static_cast<uint32_t>(page.bytes.size()),
                                   base::hash_string(stored)};
  RETURN_IF_ERROR(append(stored));
  page.bytes.clear();
  return {};
}

void SamplePartWriter::cover(int64_t first_ms, int64_t last_ms) {
  footer_.min_ms = std::min(footer_.min_ms, first_ms);
  footer_.max_ms = std::max(footer_.max_ms, last_ms);
}

void SamplePartWriter::begin_series(SeriesId id, std::string_view canonical) {
  split_canonical(canonical, labels_);
  dictionary_.add(labels_);
  ids_.push_back(id);
  directory_.first_block.push_back(static_cast<uint32_t>(directory_.blocks.size()));
}

Status SamplePartWriter::add_samples(std::span<const int64_t> time_ms,
                                     std::span<const double> value) {
  for (size_t begin = 0; begin < time_ms.size();) {
    const int64_t midnight = day_of(time_ms[begin]) * kMsPerDay;
    const auto end =
        static_cast<size_t>(std::lower_bound(time_ms.begin() + static_cast<ptrdiff_t>(begin),
                                             time_ms.end(), midnight + kMsPerDay) -
                            time_ms.begin());
    RETURN_IF_ERROR(cut(time_ms.subspan(begin, end - begin), begin, midnight, kMsPerDay,
                        [&](size_t at, size_t n) {
                          return write_block(time_ms.subspan(at, n), value.subspan(at, n));
                        }));
    begin = end;
  }
  return {};
}

Status SamplePartWriter::write_block(std::span<const int64_t> time_ms,
                                     std::span<const double> value) {
  ASSIGN_OR_RETURN(const uint32_t column, column_of(time_ms));
  open_page(values_);
  directory_.blocks.push_back(
      {values_.number, static_cast<uint32_t>(values_.bytes.size()), column});
  encode_values(value, values_.bytes);
  footer_.rows += time_ms.size();
  cover(time_ms.front(), time_ms.back());
  return close_if_full(values_);
}

Result<uint32_t> SamplePartWriter::column_of(std::span<const int64_t> time_ms) {
  const XXH128_hash_t hash = XXH3_128bits(time_ms.data(), time_ms.size_bytes());
  const auto [known, is_new] = columns_.try_emplace(
      {hash.high64, hash.low64}, static_cast<uint32_t>(directory_.columns.size()));
  if (!is_new) return known->second;
  open_page(times_);
  directory_.columns.push_back({times_.number, static_cast<uint32_t>(times_.bytes.size()),
                                static_cast<uint32_t>(time_ms.size()), time_ms.front(),
                                time_ms.back()});
  encode_times(time_ms, times_.bytes);
  RETURN_IF_ERROR(close_if_full(times_));
  return known->second;
}

Status SamplePartWriter::add_exemplars(std::span<const ExemplarRow> rows) {
  if (rows.empty()) return {};
  open_page(exemplars_);
  exemplar_blocks_.push_back({static_cast<uint32_t>(ids_.size() - 1), exemplars_.number,
                              static_cast<uint32_t>(exemplars_.bytes.size())});
  encode_exemplars(rows, exemplars_.bytes);
  footer_.exemplars += rows.size();
  cover(rows.front().time_ms, rows.back().time_ms);
  return close_if_full(exemplars_);
}

Status SamplePartWriter::write_section(SampleSection section, std::string_view raw) {
  const std::string_view stored = compressor_.compress(raw);
  footer_.sections[section] = {offset_, static_cast<uint32_t>(stored.size()),
                               static_cast<uint32_t>(raw.size()), base::hash_string(stored)};
  return append(stored);
}

Result<SamplePartWriter::Finished> SamplePartWriter::finish(
    const SamplePartOrigin& origin, const std::vector<model::MetricMetadata>& metadata,
    int64_t fallback_ms) {
  for (Open* page : {&values_, &times_, &exemplars_}) RETURN_IF_ERROR(close_page(*page));
  directory_.first_block.push_back(static_cast<uint32_t>(directory_.blocks.size()));
  RETURN_IF_ERROR(write_section(kSectionDictionary, dictionary_.encode()));
  RETURN_IF_ERROR(write_section(kSectionDirectory, directory_.encode()));
  RETURN_IF_ERROR(write_section(kSectionExemplars, encode_exemplar_blocks(exemplar_blocks_)));
  RETURN_IF_ERROR(write_section(kSectionMetadata, encode_metadata(metadata)));
  if (footer_.min_ms > footer_.max_ms) footer_.min_ms = footer_.max_ms = fallback_ms;
  footer_.first_sequence = origin.first_sequence;
  footer_.last_sequence = origin.last_sequence;
  RETURN_IF_ERROR(append(footer_.encode()));
  RETURN_IF_ERROR(file_->append(buffer_));
  RETURN_IF_ERROR(file_->sync());
  RETURN_IF_ERROR(file_->close());
  finished_ = true;
  return Finished{{Table::kSamples, file_name_, footer_.min_ms * kNsPerMs,
                   footer_.max_ms * kNsPerMs, footer_.rows, offset_, origin.level},
                  std::move(ids_)};
}

}  // namespace vedette::store::engine
