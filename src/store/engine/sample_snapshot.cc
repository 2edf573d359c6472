#include "store/engine/sample_snapshot.h"

#include <algorithm>

namespace vedette::store::engine {
namespace {

constexpr size_t kSeriesPerCheck = 64;

int64_t ceil_ms(int64_t ns) {
  const int64_t ms = ns / kNsPerMs;
  return ms * kNsPerMs < ns ? ms + 1 : ms;
}

std::vector<const SamplePart*> parts_in(const SampleSnapshot& snapshot, TimeRange range) {
  std::vector<const SamplePart*> out;
  for (const auto& part : *snapshot.parts) {
    if (range.overlaps(part->info().min_time_ns, part->info().max_time_ns))
      out.push_back(part.get());
  }
  return out;
}

}  // namespace

MsRange to_ms(TimeRange range) {
  return {ceil_ms(range.begin_ns), ceil_ms(range.end_ns)};
}

Status read_samples(const SampleSnapshot& snapshot, std::span<const SeriesId> ids, TimeRange range,
                    const ReadContext& context, const Store::SampleVisitor& visit) {
  const MsRange ms = to_ms(range);
  const std::vector<const SamplePart*> parts = parts_in(snapshot, range);
  std::vector<SamplePartCursor> cursors;
  cursors.reserve(parts.size());
  for (const SamplePart* part : parts) cursors.emplace_back(*part);
  SampleRun run;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % kSeriesPerCheck == 0) RETURN_IF_ERROR(context.check());
    run.clear();
    // In the order of writing, so that the later write wins.
    for (size_t p = 0; p < parts.size(); ++p) {
      const auto place = parts[p]->find(ids[i]);
      if (!place) continue;
      const size_t at = run.size();
      RETURN_IF_ERROR(cursors[p].read(*place, ms.begin, ms.end, run));
      merge_tail(run, at);
    }
    for (const HeadSet* head : {snapshot.frozen.get(), snapshot.active.get()}) {
      if (!head || !head->samples.has(ids[i])) continue;
      const size_t at = run.size();
      head->samples.collect(ids[i], ms.begin, ms.end, run);
      merge_tail(run, at);
    }
    if (!run.empty() && !visit(i, run.time_ms, run.value)) break;
  }
  return {};
}

Result<std::vector<Exemplar>> read_exemplars(const SampleSnapshot& snapshot,
                                             std::span<const SeriesId> ids, TimeRange range,
                                             size_t limit, const ReadContext& context) {
  const MsRange ms = to_ms(range);
  const std::vector<const SamplePart*> parts = parts_in(snapshot, range);
  std::vector<Exemplar> out;
  std::vector<ExemplarRow> rows;
  for (SeriesId id : ids) {
    RETURN_IF_ERROR(context.check());
    rows.clear();
    for (const SamplePart* part : parts) {
      const auto place = part->find(id);
      if (place) RETURN_IF_ERROR(part->read_exemplars(*place, ms.begin, ms.end, rows));
    }
    for (const HeadSet* head : {snapshot.frozen.get(), snapshot.active.get()}) {
      if (head) head->exemplars.collect(id, ms.begin, ms.end, rows);
    }
    sort_exemplars(rows);
    for (ExemplarRow& row : rows) {
      auto labels = model::Labels::parse(row.labels);
      out.push_back({id, row.time_ms, row.value, row.trace_id, row.span_id,
                     labels.ok() ? std::move(*labels) : model::Labels()});
    }
  }
  if (out.size() > limit) {  // the newest, in the order of their series
    std::vector<int64_t> times(out.size());
    std::transform(out.begin(), out.end(), times.begin(),
                   [](const Exemplar& e) { return e.time_ms; });
    const auto oldest_kept = times.end() - static_cast<ptrdiff_t>(limit);
    std::nth_element(times.begin(), oldest_kept, times.end());
    const int64_t bound = limit > 0 ? *oldest_kept : INT64_MAX;
    std::erase_if(out, [bound](const Exemplar& e) { return e.time_ms < bound; });
    if (out.size() > limit) out.resize(limit);
  }
  return out;
}

}  // namespace vedette::store::engine
