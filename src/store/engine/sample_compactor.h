// Makes parts: of a head that was put aside, and of parts that should become one.
//
// A flush opens at most kFlushDays parts, for the days with the most rows, and one more, the
// overflow, for rows of all other days. One call at a time, on a background thread: flushes and
// merges that run side by side have one each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "store/engine/metadata_map.h"
#include "store/engine/sample_part.h"
#include "store/engine/sample_part_writer.h"
#include "store/engine/sample_snapshot.h"
#include "store/engine/series_index.h"
#include "store/engine/series_order.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

class SampleCompactor {
 public:
  static constexpr size_t kFlushDays = 4;

  SampleCompactor(const TableContext& context, const SeriesIndex& index)
      : context_(context), index_(index), order_(index) {}

  /// On failure nothing is left on the disk.
  Result<SamplePartList> flush(const HeadSet& head,
                               const std::vector<model::MetricMetadata>& metadata,
                               uint64_t sequence);
  struct Merged {
    SamplePartList parts;      // one; none if nothing is left
    bool lost_series = false;  // all that some series had was dropped
  };
  /// When a page can't be read: kCorruption, with nothing done, since merging would make the loss
  /// final; or what can be read is kept.
  enum class Damage : uint8_t { kRefuse, kLeaveOut };
  /// One part of several, in the order of writing; without what lies in `drop`.
  Result<Merged> merge(const SamplePartList& parts, uint32_t level, MsRange drop, Damage damage);

 private:
  class Writers;
  Result<SamplePartList> open_written(std::vector<SamplePartWriter::Finished> written);

  const TableContext& context_;
  const SeriesIndex& index_;
  SeriesOrder order_;
};

}  // namespace vedette::store::engine
