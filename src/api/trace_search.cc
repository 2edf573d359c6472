#include "api/trace_search.h"

#include "api/request_params.h"

namespace vedette::api {
namespace {

using store::RowQuery;

struct Hit {
  int64_t time_ns;
  model::TraceId trace_id;
};
bool newer(const Hit& a, const Hit& b) {
  return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.trace_id < b.trace_id;
}

store::Columns ids_only() {
  store::Columns columns;
  columns.names = false;
  return columns;
}

/// The newest matching span of each trace, as blocks come in; keeps little more than a page.
class NewestHits {
 public:
  NewestHits(size_t wanted, std::optional<TraceCursor> after) : wanted_(wanted), after_(after) {}

  void add(const Hit& hit) {
    if (after_ && !newer({after_->time_ns, after_->trace_id}, hit)) return;
    auto [at, inserted] = newest_.try_emplace(hit.trace_id, hit.time_ns);
    if (!inserted) at->second = std::max(at->second, hit.time_ns);
    if (newest_.size() > 64 * wanted_ + 65536) prune();
  }

  /// True when `wanted` traces are newer than anything still to come.
  bool settled(int64_t bound_ns) const {
    if (newest_.size() < wanted_) return false;
    size_t above = 0;
    for (const auto& [id, time] : newest_) above += time > bound_ns;
    return above >= wanted_;
  }

  std::vector<Hit> sorted() const {
    std::vector<Hit> hits;
    hits.reserve(newest_.size());
    for (const auto& [id, time] : newest_) hits.push_back({time, id});
    const size_t keep = std::min(wanted_, hits.size());
    std::partial_sort(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(keep), hits.end(), newer);
    hits.resize(keep);
    return hits;
  }

 private:
  void prune() {
    const std::vector<Hit> kept = sorted();
    newest_.clear();
    for (const Hit& hit : kept) newest_.emplace(hit.trace_id, hit.time_ns);
  }

  size_t wanted_;
  std::optional<TraceCursor> after_;
  std::unordered_map<model::TraceId, int64_t, model::TraceIdHash> newest_;
};

/// Takes out traces that an earlier page has shown: those with a matching span at or after the
/// cursor.
Status remove_shown(store::Store& store, const TraceSearch& search,
                    const store::ReadContext& context, std::vector<Hit>& hits) {
  RowQuery query;
  query.range = {search.after->time_ns, search.range.end_ns};
  query.where = search.where;
  query.columns = ids_only();
  std::vector<model::TraceId> ids;
  for (const Hit& hit : hits) ids.push_back(hit.trace_id);
  query.where.push_back(of_traces(std::move(ids)));
  const Hit cursor{search.after->time_ns, search.after->trace_id};
  std::unordered_map<model::TraceId, bool, model::TraceIdHash> shown;
  RETURN_IF_ERROR(
      store.scan_spans(query, context, [&](const store::Block<model::SpanBatch>& block) {
        for (uint32_t row : block.rows) {
          const Hit hit{block.batch.start_ns[row], block.batch.trace_id[row]};
          if (!newer(cursor, hit)) shown[hit.trace_id] = true;
        }
        return true;
      }));
  std::erase_if(hits, [&](const Hit& hit) { return shown.contains(hit.trace_id); });
  return {};
}

/// One page of hits at or after `after`, and whether there may be more.
Result<std::vector<Hit>> find_hits(store::Store& store, const TraceSearch& search, size_t wanted,
                                   const store::ReadContext& context) {
  RowQuery query;
  query.range = search.range;
  if (search.after) query.range.end_ns = std::min(query.range.end_ns, search.after->time_ns + 1);
  query.where = search.where;
  query.columns = ids_only();
  query.order = store::Order::kNewestFirst;
  NewestHits hits(wanted, search.after);
  RETURN_IF_ERROR(
      store.scan_spans(query, context, [&](const store::Block<model::SpanBatch>& block) {
        for (uint32_t row : block.rows)
          hits.add({block.batch.start_ns[row], block.batch.trace_id[row]});
        return !hits.settled(block.bound_ns);
      }));
  return hits.sorted();
}

}  // namespace

Result<TraceCursor> TraceCursor::parse(std::string_view text) {
  const size_t dot = text.find('.');
  TraceCursor cursor;
  const char* const dot_at = text.data() + std::min(dot, text.size());
  const auto [end, error] = std::from_chars(text.data(), dot_at, cursor.time_ns);
  const auto id =
      dot == std::string_view::npos ? std::nullopt : model::TraceId::from_hex(text.substr(dot + 1));
  if (error != std::errc() || end != dot_at || !id) {
    return invalid_parameter("cursor", text, "give back the `next` of an earlier answer as it was");
  }
  cursor.trace_id = *id;
  return cursor;
}

std::string TraceCursor::to_string() const {
  return std::to_string(time_ns) + "." + trace_id.hex();
}

Result<FoundTraces> search_traces(store::Store& store, const TraceSearch& search,
                                  const store::ReadContext& context) {
  FoundTraces found;
  TraceSearch page = search;
  // Usually one round; more only where an earlier page has shown most of what was found.
  for (;;) {
    const size_t wanted = search.limit - found.traces.size() + 1;
    ASSIGN_OR_RETURN(std::vector<Hit> hits, find_hits(store, page, wanted, context));
    const bool more = hits.size() == wanted;
    if (more) hits.pop_back();
    if (!hits.empty()) found.next = TraceCursor{hits.back().time_ns, hits.back().trace_id};
    if (!more) found.next.reset();
    if (page.after && !hits.empty()) RETURN_IF_ERROR(remove_shown(store, page, context, hits));
    std::vector<model::TraceId> ids;
    for (const Hit& hit : hits) ids.push_back(hit.trace_id);
    ASSIGN_OR_RETURN(std::vector<store::TraceSummary> summaries, store.traces(ids, context));
    std::move(summaries.begin(), summaries.end(), std::back_inserter(found.traces));
    if (!found.next || found.traces.size() >= search.limit) return found;
    page.after = found.next;
    RETURN_IF_ERROR(context.check());
  }
}

}  // namespace vedette::api
