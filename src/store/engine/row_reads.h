// Reads of one table of rows, on a snapshot of it.
#pragma once

#include <vector>

#include "store/engine/head_list.h"
#include "store/store.h"

namespace vedette::store::engine {

template <typename Batch>
struct RowSnapshot {
  HeadList<Batch> head;
  HeadList<Batch> frozen;
};

template <typename Batch>
Status scan(const RowSnapshot<Batch>& snapshot, const RowQuery& query, const ReadContext& context,
            const Visitor<Batch>& visit);

template <typename Batch>
Result<std::vector<CountSeries>> counts(const RowSnapshot<Batch>& snapshot, const CountQuery& query,
                                        const ReadContext& context);

template <typename Batch>
Result<std::vector<std::string>> values(const RowSnapshot<Batch>& snapshot, const ValuesQuery& query,
                                        const ReadContext& context);

Result<std::vector<TraceSummary>> summaries(const RowSnapshot<model::SpanBatch>& snapshot,
                                            std::span<const model::TraceId> ids, const ReadContext& context);

}  // namespace vedette::store::engine
