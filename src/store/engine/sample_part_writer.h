// Writes one sample part: series after series, in part order.
//
// One thread. On an error, or when it is destroyed before finish(), the file is removed.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/fs.h"
#include "model/sample_batch.h"
#include "store/engine/exemplar_head.h"
#include "store/engine/sample_part_format.h"
#include "store/engine/sample_run.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

/// Which flushes a part holds.
struct SamplePartOrigin {
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;
  uint32_t level = 0;
};

class SamplePartWriter {
 public:
  static Result<std::unique_ptr<SamplePartWriter>> create(base::Fs& fs, const std::string& folder,
                                                          std::string file);
  ~SamplePartWriter();

  /// What follows belongs to this series.
  void begin_series(SeriesId id, std::string_view canonical);
  /// Of the series at hand, times ascending; later calls go on where the one before ended.
  Status add_samples(std::span<const int64_t> time_ms, std::span<const double> value);
  /// Once a series, by time.
  Status add_exemplars(std::span<const ExemplarRow> rows);

  struct Finished {
    PartInfo info;
    std::vector<SeriesId> ids;  // of its series, in order
  };
  /// Writes the rest, syncs and closes. `fallback_ms` stands for the time of a part without rows.
  Result<Finished> finish(const SamplePartOrigin& origin,
                          const std::vector<model::MetricMetadata>& metadata, int64_t fallback_ms);

 private:
  struct Open {  // a page that grows
    std::string bytes;
    uint32_t number = 0;  // in the page table; taken when the first bytes come in
  };
  struct ColumnKey {
    uint64_t hi, lo;
    bool operator==(const ColumnKey&) const = default;
  };
  struct ColumnHash {
    size_t operator()(const ColumnKey& key) const { return key.lo; }
  };

  SamplePartWriter(base::Fs& fs, const std::string& folder, std::string file);
  Status write_block(std::span<const int64_t> time_ms, std::span<const double> value);
  Result<uint32_t> column_of(std::span<const int64_t> time_ms);
  /// Makes sure that the page has its number.
  void open_page(Open& page);
  Status close_if_full(Open& page);
  Status close_page(Open& page);
  Status append(std::string_view bytes);
  Status write_section(SampleSection section, std::string_view raw);
  void cover(int64_t first_ms, int64_t last_ms);

  base::Fs& fs_;
  std::string path_;
  std::string file_name_;
  std::unique_ptr<base::WritableFile> file_;
  bool finished_ = false;
  std::string buffer_;  // not yet in the file
  uint64_t offset_ = 0;
  PageCompressor compressor_;

  SamplePartFooter footer_;
  SampleDirectory directory_;
  std::vector<ExemplarBlock> exemplar_blocks_;
  SeriesDictionaryWriter dictionary_;
  std::vector<SeriesId> ids_;
  std::vector<LabelView> labels_;
  std::unordered_map<ColumnKey, uint32_t, ColumnHash> columns_;
  Open values_, times_, exemplars_;
};

}  // namespace vedette::store::engine
