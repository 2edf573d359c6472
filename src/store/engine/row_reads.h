// Reads of one table of rows, on a snapshot of it.
#pragma once

#include <vector>

#include "store/engine/group_filter.h"
#include "store/engine/head_list.h"
#include "store/store.h"

namespace vedette::store::engine {

using PartList = std::vector<std::shared_ptr<const RowPart>>;

template <typename Batch>
struct RowSnapshot {
  HeadList<Batch> head;
  HeadList<Batch> frozen;
  std::shared_ptr<const PartList> parts;                    // never null
  int64_t oldest_ns = std::numeric_limits<int64_t>::min();  // older rows are not shown
};

/// A block of a part, all of it within the time range, of which the shapes tell what matches.
struct WholeBlock {
  const GroupMeta& meta;
  const BlockMeta& block;
  const GroupFilter& filter;
};
/// True if nothing more need be known of the block: it is then not read.
using TakeWhole = std::function<bool(const WholeBlock&)>;

/// The walk that all reads are made of.
template <typename Batch>
Status walk(const RowSnapshot<Batch>& snapshot, const RowQuery& query, const ReadContext& context,
            const Visitor<Batch>& visit, const TakeWhole& take_whole);

template <typename Batch>
Status scan(const RowSnapshot<Batch>& snapshot, const RowQuery& query, const ReadContext& context,
            const Visitor<Batch>& visit) {
  return walk<Batch>(snapshot, query, context, visit, nullptr);
}

template <typename Batch>
Result<std::vector<CountSeries>> counts(const RowSnapshot<Batch>& snapshot, const CountQuery& query,
                                        const ReadContext& context);

template <typename Batch>
Result<std::vector<std::string>> values(const RowSnapshot<Batch>& snapshot,
                                        const ValuesQuery& query, const ReadContext& context);

Result<std::vector<TraceSummary>> summaries(const RowSnapshot<model::SpanBatch>& snapshot,
                                            std::span<const model::TraceId> ids,
                                            const ReadContext& context);

}  // namespace vedette::store::engine
