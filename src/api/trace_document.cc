#include "api/trace_document.h"

#include "api/request_params.h"

namespace vedette::api {
namespace {

TraceSpan make_span(const model::SpanBatch& batch, uint32_t row, const SpanRenderer& render,
                    TraceDocument& document) {
  TraceSpan span;
  span.span_id = batch.span_id[row];
  span.parent_span_id = batch.parent_span_id[row];
  span.start_ns = batch.start_ns[row];
  span.duration_ns = batch.duration_ns[row];
  span.error = batch.status[row] == model::SpanStatus::kError;
  span.service = std::string(batch.service(row));
  span.name = std::string(batch.strings[batch.name[row]]);
  span.json = render(batch, row, document);
  return span;
}

/// By start; where starts are equal, by depth below spans of the same start.
void sort_spans(std::vector<TraceSpan>& spans) {
  std::unordered_map<model::SpanId, size_t> place;
  for (size_t i = 0; i < spans.size(); ++i) place.emplace(spans[i].span_id, i);
  std::vector<uint32_t> depth(spans.size(), 0);
  for (size_t i = 0; i < spans.size(); ++i) {
    size_t at = i;
    // Bounded: a hostile trace may have a ring of parents, or a chain of all its spans at one
    // moment.
    for (uint32_t steps = 0; steps < 64; ++steps) {
      const auto parent = place.find(spans[at].parent_span_id);
      if (parent == place.end() || spans[parent->second].start_ns != spans[i].start_ns) break;
      at = parent->second;
      ++depth[i];
    }
  }
  std::vector<uint32_t> order(spans.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::tuple(spans[a].start_ns, depth[a], spans[a].span_id, a) <
           std::tuple(spans[b].start_ns, depth[b], spans[b].span_id, b);
  });
  std::vector<TraceSpan> sorted;
  sorted.reserve(spans.size());
  for (uint32_t i : order) {
    // A span that was sent twice is shown once.
    if (place.at(spans[i].span_id) == i || spans[i].span_id == 0)
      sorted.push_back(std::move(spans[i]));
  }
  spans = std::move(sorted);
}

}  // namespace

size_t RenderedSet::add(std::string json) {
  const auto [at, inserted] = place_.try_emplace(std::move(json), items_.size());
  if (inserted) items_.push_back(at->first);
  return at->second;
}

int64_t TraceDocument::end_ns() const {
  int64_t end = spans.front().start_ns;
  for (const TraceSpan& span : spans) end = std::max(end, span.start_ns + span.duration_ns);
  return end;
}

const TraceSpan& TraceDocument::root() const {
  for (const TraceSpan& span : spans) {
    if (span.parent_span_id == 0) return span;
  }
  return spans.front();
}

size_t TraceDocument::errors() const {
  return static_cast<size_t>(
      std::count_if(spans.begin(), spans.end(), [](const TraceSpan& s) { return s.error; }));
}

std::vector<std::pair<std::string, size_t>> TraceDocument::services() const {
  std::map<std::string, size_t> counts;
  for (const TraceSpan& span : spans) ++counts[span.service];
  return {counts.begin(), counts.end()};
}

Result<std::vector<TraceDocument>> read_traces(store::Store& store,
                                               const std::vector<model::TraceId>& ids,
                                               const SpanRenderer& render,
                                               const store::ReadContext& context) {
  std::vector<TraceDocument> documents(ids.size());
  std::unordered_map<model::TraceId, size_t, model::TraceIdHash> place;
  for (size_t i = 0; i < ids.size(); ++i) {
    documents[i].trace_id = ids[i];
    place.emplace(ids[i], i);
  }
  store::RowQuery query;
  query.where.push_back(of_traces(ids));
  query.columns = store::Columns::everything();
  RETURN_IF_ERROR(
      store.scan_spans(query, context, [&](const store::Block<model::SpanBatch>& block) {
        for (uint32_t row : block.rows) {
          TraceDocument& document = documents[place.at(block.batch.trace_id[row])];
          if (document.spans.size() < kTraceSpansMax) {
            document.spans.push_back(make_span(block.batch, row, render, document));
          }
        }
        return true;
      }));
  std::erase_if(documents, [](const TraceDocument& d) { return d.spans.empty(); });
  for (TraceDocument& document : documents) sort_spans(document.spans);
  return documents;
}

std::pair<size_t, size_t> rows_of(const std::vector<uint32_t>& span_row, uint32_t row) {
  const auto [first, last] = std::equal_range(span_row.begin(), span_row.end(), row);
  return {static_cast<size_t>(first - span_row.begin()),
          static_cast<size_t>(last - span_row.begin())};
}

}  // namespace vedette::api
