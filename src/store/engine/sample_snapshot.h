// What a read of samples works on: heads and parts as they stood when it began.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/engine/exemplar_head.h"
#include "store/engine/sample_head.h"
#include "store/engine/sample_part.h"
#include "store/store.h"

namespace vedette::store::engine {

/// Everything of the table that is not in a part yet. Written by the writer thread, read by all.
struct HeadSet {
  SampleHead samples;
  ExemplarHead exemplars;
  // Of the writer thread, until the set is frozen.
  int64_t since_ns = 0;
  bool metadata_changed = false;

  size_t bytes() const { return samples.bytes() + exemplars.bytes(); }
};

struct SampleSnapshot {
  std::shared_ptr<const SamplePartList> parts;  // sort_parts
  std::shared_ptr<const HeadSet> frozen;        // null when there is none
  std::shared_ptr<const HeadSet> active;
};

/// A range in whole milliseconds: begin <= t < end.
struct MsRange {
  int64_t begin = 0;
  int64_t end = 0;
};
MsRange to_ms(TimeRange range);

Status read_samples(const SampleSnapshot& snapshot, std::span<const SeriesId> ids, TimeRange range,
                    const ReadContext& context, const Store::SampleVisitor& visit);
Result<std::vector<Exemplar>> read_exemplars(const SampleSnapshot& snapshot,
                                             std::span<const SeriesId> ids, TimeRange range,
                                             size_t limit, const ReadContext& context);

}  // namespace vedette::store::engine
