// Traces: search, one whole, counted over time.
#include "api/answer.h"
#include "api/histogram.h"
#include "api/request_params.h"
#include "api/trace_document.h"
#include "api/trace_search.h"
#include "api/vedette_api.h"

namespace vedette::api {
namespace {

using base::JsonWriter;
using model::SpanBatch;

template <typename Counts>
void write_services(JsonWriter& json, const Counts& services) {
  json.key("services").begin_array();
  for (const auto& [name, spans] : services) {
    json.begin_object()
        .field("name", name)
        .field("spans", static_cast<uint64_t>(spans))
        .end_object();
  }
  json.end_array();
}

void write_summary(JsonWriter& json, const store::TraceSummary& trace) {
  json.begin_object().field("trace_id", trace.trace_id.hex());
  write_moment(json, "start_ns", trace.start_ns);
  json.field("duration_ns", trace.end_ns - trace.start_ns);
  json.field("root_service", trace.root_service)
      .field("root_name", trace.root_name)
      .field("has_root", trace.has_root);
  json.field("spans", trace.spans).field("errors", trace.errors);
  write_services(json, trace.services);
  json.end_object();
}

std::string resource_json(const SpanBatch& batch, uint32_t row) {
  const model::Resource& resource = batch.resources[batch.resource[row]];
  JsonWriter json;
  json.begin_object().field("service", batch.strings[resource.service]);
  write_attributes(json, "attributes", resource.attributes, batch.strings);
  json.end_object();
  return json.take();
}

std::string scope_json(const SpanBatch& batch, uint32_t row) {
  const model::Scope& scope = batch.scopes[batch.scope[row]];
  JsonWriter json;
  json.begin_object()
      .field("name", batch.strings[scope.name])
      .field("version", batch.strings[scope.version]);
  write_attributes(json, "attributes", scope.attributes, batch.strings);
  json.end_object();
  return json.take();
}

void write_events(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  json.key("events").begin_array();
  const auto [first, last] = rows_of(batch.events.span_row, row);
  for (size_t i = first; i < last; ++i) {
    json.begin_object();
    write_moment(json, "time_ns", batch.events.time_ns[i]);
    json.field("name", batch.strings[batch.events.name[i]]);
    write_attributes(json, "attributes", batch.events.attributes, static_cast<uint32_t>(i),
                     batch.strings);
    json.end_object();
  }
  json.end_array();
}

void write_links(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  json.key("links").begin_array();
  const auto [first, last] = rows_of(batch.links.span_row, row);
  for (size_t i = first; i < last; ++i) {
    json.begin_object().field("trace_id", hex_or_empty(batch.links.trace_id[i]));
    json.field("span_id", span_hex_or_empty(batch.links.span_id[i]));
    write_attributes(json, "attributes", batch.links.attributes, static_cast<uint32_t>(i),
                     batch.strings);
    json.end_object();
  }
  json.end_array();
}

std::string span_json(const SpanBatch& batch, uint32_t row, TraceDocument& document) {
  JsonWriter json;
  json.begin_object().field("span_id", span_hex_or_empty(batch.span_id[row]));
  json.field("parent_span_id", span_hex_or_empty(batch.parent_span_id[row]));
  json.field("name", batch.strings[batch.name[row]])
      .field("kind", model::span_kind_name(batch.kind[row]));
  json.field("status", model::span_status_name(batch.status[row]));
  json.field("status_message", batch.strings[batch.status_message[row]]);
  write_moment(json, "start_ns", batch.start_ns[row]);
  json.field("duration_ns", batch.duration_ns[row]);
  json.field("resource", static_cast<uint64_t>(document.resources.add(resource_json(batch, row))));
  json.field("scope", static_cast<uint64_t>(document.scopes.add(scope_json(batch, row))));
  json.field("trace_state", batch.strings[batch.trace_state[row]]);
  write_attributes(json, "attributes", batch.attributes, row, batch.strings);
  write_events(json, batch, row);
  write_links(json, batch, row);
  json.end_object();
  return json.take();
}

void write_rendered(JsonWriter& json, const char* key, const RenderedSet& set) {
  json.key(key).begin_array();
  for (const std::string& item : set.items()) json.raw(item);
  json.end_array();
}

/// All log records that carry the trace's id.
Result<uint64_t> count_logs(store::Store& store, const TraceDocument& trace,
                            const store::ReadContext& context) {
  store::CountQuery query;
  query.table = store::Table::kLogs;
  // Logs of a trace lie around it; a clock may be off, and work may go on after the last span.
  constexpr int64_t kSlackNs = int64_t{3600} * 1'000'000'000;
  query.range = {trace.start_ns() - kSlackNs, trace.end_ns() + kSlackNs};
  query.step_ns = query.range.end_ns - query.range.begin_ns;
  query.where.push_back(of_traces({trace.trace_id}));
  ASSIGN_OR_RETURN(const std::vector<store::CountSeries> series, store.counts(query, context));
  uint64_t total = 0;
  for (const store::CountSeries& s : series) {
    for (uint64_t n : s.counts) total += n;
  }
  return total;
}

}  // namespace

Answer find_traces(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context) {
  TraceSearch search;
  ASSIGN_OR_RETURN(search.range, time_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(search.where, span_conditions(p));
  ASSIGN_OR_RETURN(search.limit, count(p, "limit", 20, 1000));
  if (const auto cursor = text(p, "cursor"); !cursor.empty()) {
    ASSIGN_OR_RETURN(search.after, TraceCursor::parse(cursor));
  }
  ASSIGN_OR_RETURN(const FoundTraces found, search_traces(api.store, search, context));
  JsonWriter json;
  json.begin_object().key("traces").begin_array();
  for (const store::TraceSummary& trace : found.traces) write_summary(json, trace);
  json.end_array().key("next");
  if (found.next) {
    json.value(found.next->to_string());
  } else {
    json.null();
  }
  json.end_object();
  return json.take();
}

Answer show_trace(const VedetteApi& api, std::string_view trace_id,
                  const store::ReadContext& context) {
  const auto id = model::TraceId::from_hex(trace_id);
  if (!id || !id->valid())
    return invalid_parameter("trace id", trace_id, "a trace id is up to 32 hex digits");
  ASSIGN_OR_RETURN(const auto traces, read_traces(api.store, {*id}, span_json, context));
  if (traces.empty()) {
    return Error{Code::kNotFound,
                 "no span of trace " + id->hex() +
                     " is stored; it may be older than the retention, or still on its way"};
  }
  const TraceDocument& trace = traces.front();
  ASSIGN_OR_RETURN(const uint64_t logs, count_logs(api.store, trace, context));
  JsonWriter json;
  json.begin_object().field("trace_id", id->hex());
  write_moment(json, "start_ns", trace.start_ns());
  json.field("duration_ns", trace.end_ns() - trace.start_ns());
  json.field("root_service", trace.root().service)
      .field("root_name", trace.root().name)
      .field("has_root", trace.has_root());
  json.field("errors", static_cast<uint64_t>(trace.errors())).field("logs", logs);
  write_services(json, trace.services());
  write_rendered(json, "resources", trace.resources);
  write_rendered(json, "scopes", trace.scopes);
  json.key("spans").begin_array();
  for (const TraceSpan& span : trace.spans) json.raw(span.json);
  json.end_array().end_object();
  return json.take();
}

Answer trace_histogram(const VedetteApi& api, const net::Parameters& p,
                       const store::ReadContext& context) {
  ASSIGN_OR_RETURN(std::vector<store::Predicate> where, span_conditions(p));
  const Histogram histogram{store::Table::kSpans,
                            store::Field::kStatus,
                            "status",
                            [](const std::string& status) { return status; },
                            {"unset", "ok", "error"}};
  return render_histogram(api, p, histogram, std::move(where), context);
}

}  // namespace vedette::api
