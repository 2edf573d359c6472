#include "store/engine/row_order.h"

#include <unordered_set>

#include "store/engine/head_list.h"

namespace vedette::store::engine {
namespace {

using model::LogBatch;
using model::SpanBatch;
using model::TraceId;

constexpr uint32_t kFree = UINT32_MAX;
constexpr size_t kSmallTrace = 24;  // rows up to which duplicates are searched one by one

struct Trace {
  TraceId id;
  int64_t start_ns;
  uint32_t rows;
};

/// Numbers traces by id; rows without one get a trace each.
class TraceNumbers {
 public:
  explicit TraceNumbers(size_t rows)
      : slots_(std::bit_ceil(std::max<size_t>(rows / 2, 16)), kFree) {}

  uint32_t add(const TraceId& id, int64_t time_ns) {
    if (!id.valid()) {
      traces_.push_back({id, time_ns, 1});
      return static_cast<uint32_t>(traces_.size() - 1);
    }
    const size_t mask = slots_.size() - 1;
    size_t slot = model::TraceIdHash()(id) * 0x9e3779b97f4a7c15ull >> 20 & mask;
    for (; slots_[slot] != kFree; slot = (slot + 1) & mask) {
      Trace& trace = traces_[slots_[slot]];
      if (trace.id != id) continue;
      trace.start_ns = std::min(trace.start_ns, time_ns);
      ++trace.rows;
      return slots_[slot];
    }
    slots_[slot] = static_cast<uint32_t>(traces_.size());
    traces_.push_back({id, time_ns, 1});
    if (++used_ * 2 > slots_.size()) grow();
    return static_cast<uint32_t>(traces_.size() - 1);
  }
  const std::vector<Trace>& traces() const { return traces_; }

 private:
  void grow() {
    slots_.assign(slots_.size() * 2, kFree);
    const size_t mask = slots_.size() - 1;
    for (uint32_t t = 0; t < traces_.size(); ++t) {
      if (!traces_[t].id.valid()) continue;
      size_t slot = model::TraceIdHash()(traces_[t].id) * 0x9e3779b97f4a7c15ull >> 20 & mask;
      while (slots_[slot] != kFree) slot = (slot + 1) & mask;
      slots_[slot] = t;
    }
  }
  std::vector<uint32_t> slots_;
  std::vector<Trace> traces_;
  size_t used_ = 0;
};

/// Removes rows whose span id was seen before in the same trace; gives the new end.
uint32_t remove_duplicates(std::span<const SpanBatch* const> sources, std::vector<RowRef>& rows,
                           uint32_t begin, uint32_t end) {
  const auto id = [&](uint32_t i) { return sources[rows[i].source]->span_id[rows[i].row]; };
  std::unordered_set<model::SpanId> seen;
  uint32_t kept = begin;
  for (uint32_t i = begin; i < end; ++i) {
    bool duplicate = false;
    if (end - begin <= kSmallTrace) {
      for (uint32_t k = begin; k < kept && !duplicate; ++k) duplicate = id(k) == id(i);
    } else {
      duplicate = !seen.insert(id(i)).second;
    }
    if (!duplicate) rows[kept++] = rows[i];
  }
  return kept;
}

uint32_t remove_duplicates(std::span<const LogBatch* const>, std::vector<RowRef>&, uint32_t,
                           uint32_t end) {
  return end;
}

template <typename Batch>
RowOrder order(std::span<const Batch* const> sources, std::span<const RowRef> rows) {
  TraceNumbers numbers(rows.size());
  std::vector<uint32_t> trace_of_row(rows.size());
  std::vector<int64_t> times(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Batch& b = *sources[rows[i].source];
    times[i] = row_times(b)[rows[i].row];
    trace_of_row[i] = numbers.add(b.trace_id[rows[i].row], times[i]);
  }
  const std::vector<Trace>& traces = numbers.traces();
  std::vector<uint32_t> by_start(traces.size());
  for (uint32_t t = 0; t < by_start.size(); ++t) by_start[t] = t;
  std::sort(by_start.begin(), by_start.end(), [&](uint32_t a, uint32_t b) {
    return std::tie(traces[a].start_ns, traces[a].id) < std::tie(traces[b].start_ns, traces[b].id);
  });
  std::vector<uint32_t> next(traces.size());
  uint32_t at = 0;
  for (const uint32_t t : by_start) {
    next[t] = at;
    at += traces[t].rows;
  }
  std::vector<uint32_t> sorted(rows.size());
  for (uint32_t i = 0; i < rows.size(); ++i) sorted[next[trace_of_row[i]]++] = i;

  RowOrder out;
  out.rows.reserve(rows.size());
  out.traces.reserve(traces.size());
  at = 0;
  for (const uint32_t t : by_start) {
    const auto first = sorted.begin() + at;
    std::stable_sort(first, first + traces[t].rows,
                     [&](uint32_t a, uint32_t b) { return times[a] < times[b]; });
    at += traces[t].rows;
    const auto begin = static_cast<uint32_t>(out.rows.size());
    for (uint32_t i = 0; i < traces[t].rows; ++i) out.rows.push_back(rows[first[i]]);
    const auto end = static_cast<uint32_t>(out.rows.size());
    out.rows.resize(remove_duplicates(sources, out.rows, begin, end));
    out.traces.push_back({begin, static_cast<uint32_t>(out.rows.size()), traces[t].start_ns});
  }
  return out;
}

}  // namespace

RowOrder order_rows(std::span<const SpanBatch* const> sources, std::span<const RowRef> rows) {
  return order<SpanBatch>(sources, rows);
}
RowOrder order_rows(std::span<const LogBatch* const> sources, std::span<const RowRef> rows) {
  return order<LogBatch>(sources, rows);
}

}  // namespace vedette::store::engine
