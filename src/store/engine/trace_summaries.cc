#include <unordered_map>
#include <unordered_set>

#include "store/engine/row_reads.h"

namespace vedette::store::engine {
namespace {

using model::SpanBatch;
using model::TraceId;

/// A summary in the making. A span that is stored twice (a retry that was cut differently) counts
/// once.
class Summary {
 public:
  void add(const SpanBatch& b, uint32_t row) {
    if (!spans_.insert(b.span_id[row]).second) return;
    const int64_t start = b.start_ns[row];
    const int64_t end = start + b.duration_ns[row];
    const bool root = b.parent_span_id[row] == 0;
    const bool first = summary_.spans == 0;
    if (first || (root && !summary_.has_root) ||
        (root == summary_.has_root && start < named_start_)) {
      summary_.root_service = b.service(row);
      summary_.root_name = b.strings[b.name[row]];
      summary_.has_root = root;
      named_start_ = start;
    }
    summary_.start_ns = first ? start : std::min(summary_.start_ns, start);
    summary_.end_ns = first ? end : std::max(summary_.end_ns, end);
    ++summary_.spans;
    if (b.status[row] == model::SpanStatus::kError) ++summary_.errors;
    ++services_[std::string(b.service(row))];
  }

  TraceSummary take(TraceId id) {
    summary_.trace_id = id;
    summary_.services.assign(services_.begin(), services_.end());
    return std::move(summary_);
  }

 private:
  TraceSummary summary_;
  int64_t named_start_ = 0;
  std::map<std::string, uint32_t> services_;
  std::unordered_set<model::SpanId> spans_;
};

}  // namespace

Result<std::vector<TraceSummary>> summaries(const RowSnapshot<SpanBatch>& snapshot,
                                            std::span<const TraceId> ids,
                                            const ReadContext& context) {
  std::unordered_map<TraceId, Summary, model::TraceIdHash> found;
  RowQuery query;
  query.where.push_back(
      {.field = Field::kTraceId, .key = {}, .text = {}, .number = {}, .trace_ids = {}});
  query.where[0].trace_ids.assign(ids.begin(), ids.end());
  const Status status =
      scan<SpanBatch>(snapshot, query, context, [&](const Block<SpanBatch>& block) {
        for (const uint32_t row : block.rows)
          found[block.batch.trace_id[row]].add(block.batch, row);
        return true;
      });
  RETURN_IF_ERROR(status);
  std::vector<TraceSummary> out;
  for (const TraceId& id : ids) {
    const auto it = found.find(id);
    if (it == found.end()) continue;
    out.push_back(it->second.take(id));
    found.erase(it);  // an id that is asked for twice is answered once
  }
  return out;
}

}  // namespace vedette::store::engine
