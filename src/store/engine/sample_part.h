// One immutable sample part, open for reading.
//
// Thread-safe once bound to series ids; readers hold it by shared_ptr. A page that fails its
// checksum is reported once and left out of what is read; the rest is served.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fs.h"
#include "model/sample_batch.h"
#include "store/engine/exemplar_head.h"
#include "store/engine/sample_part_format.h"
#include "store/engine/sample_run.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

class SamplePart;
/// In the order of writing: at equal times the sample of a later part wins.
using SamplePartList = std::vector<std::shared_ptr<const SamplePart>>;
void sort_parts(SamplePartList& parts);

class SamplePart {
 public:
  using Report = std::function<void(const std::string& file, const std::string& why)>;

  static Result<std::shared_ptr<SamplePart>> open(base::Fs& fs, const std::string& folder,
                                                  PartInfo info, Report report);

  // Before it is shared.
  Status read_dictionary(const std::function<void(std::string_view canonical,
                                                  std::span<const LabelView>)>& visit) const;
  /// Ids of its series, in order.
  void bind(std::vector<SeriesId> ids);

  const PartInfo& info() const { return info_; }
  const SamplePartFooter& footer() const { return footer_; }
  const SampleDirectory& directory() const { return directory_; }
  const std::vector<SeriesId>& ids() const { return ids_; }
  /// The place of a series in the part.
  std::optional<uint32_t> find(SeriesId id) const;
  Result<std::vector<model::MetricMetadata>> metadata() const;
  /// Exemplars with begin <= time < end of one series, behind what `out` holds.
  Status read_exemplars(uint32_t series, int64_t begin_ms, int64_t end_ms,
                        std::vector<ExemplarRow>& out) const;
  size_t memory_bytes() const;
  /// Some page was found damaged.
  bool damaged() const { return damaged_.load(std::memory_order_relaxed); }

 private:
  friend class SamplePartCursor;
  SamplePart(PartInfo info, Report report) : info_(std::move(info)), report_(std::move(report)) {}
  Status read(uint32_t page, std::string& out) const;
  /// Takes note of damage. OK for damage, which readers work around; other errors come back.
  Status work_around(uint32_t page, const Error& error) const;

  PartInfo info_;
  Report report_;
  std::unique_ptr<base::ReadableFile> file_;
  SamplePartFooter footer_;
  SampleDirectory directory_;
  std::vector<ExemplarBlock> exemplars_;
  std::vector<SeriesId> ids_;
  std::vector<std::pair<SeriesId, uint32_t>> places_;      // sorted
  mutable std::unique_ptr<std::atomic<bool>[]> reported_;  // by page
  mutable std::atomic<bool> damaged_{false};
};

/// Reads series out of a part; pages and time columns that neighbours share are decoded once.
class SamplePartCursor {
 public:
  explicit SamplePartCursor(const SamplePart& part) : part_(part) {}
  /// Puts the samples with begin <= time < end behind what `out` holds.
  Status read(uint32_t series, int64_t begin_ms, int64_t end_ms, SampleRun& out);
  /// How many samples of all series are older.
  Result<uint64_t> rows_before(int64_t end_ms);

 private:
  struct Page {
    uint32_t number = UINT32_MAX;
    bool good = false;
    std::string bytes;
  };
  Status load(Page& page, uint32_t number);
  /// Null where the column is damaged.
  Result<const std::vector<int64_t>*> column(uint32_t number);
  Status read_block(const SampleBlock& block, int64_t begin_ms, int64_t end_ms, SampleRun& out);

  const SamplePart& part_;
  Page values_, times_;
  std::unordered_map<uint32_t, std::vector<int64_t>> columns_;
  std::vector<double> scratch_;
};

}  // namespace vedette::store::engine
