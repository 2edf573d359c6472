// Log records: search and counts over time.
#include "api/answer.h"
#include "api/histogram.h"
#include "api/log_search.h"
#include "api/request_params.h"
#include "api/vedette_api.h"

namespace vedette::api {
namespace {

using base::JsonWriter;
using model::LogBatch;

RenderedLog render_log(const LogBatch& batch, uint32_t row) {
  JsonWriter json;
  json.begin_object();
  write_moment(json, "time_ns", batch.time_ns[row]);
  json.field("severity", model::severity_name(batch.severity[row]))
      .field("severity_number", int{batch.severity[row]});
  json.field("service", batch.service(row)).key("body");
  write_value(json, batch.body[row], batch.strings);
  json.field("event_name", batch.strings[batch.event_name[row]]);
  json.field("trace_id", hex_or_empty(batch.trace_id[row]))
      .field("span_id", span_hex_or_empty(batch.span_id[row]));
  write_attributes(json, "attributes", batch.attributes, row, batch.strings);
  write_attributes(json, "resource", batch.resources[batch.resource[row]].attributes,
                   batch.strings);
  json.end_object();
  return {json.take()};
}

/// With a trace and no start of its own, the whole store is searched.
Result<store::TimeRange> log_range(const net::Parameters& p, int64_t now_ns) {
  ASSIGN_OR_RETURN(store::TimeRange range, time_range(p, now_ns));
  if (!text(p, "trace_id").empty()) {
    if (!p.get("start")) range.begin_ns = std::numeric_limits<int64_t>::min();
    if (!p.get("end")) range.end_ns = std::numeric_limits<int64_t>::max();
  }
  return range;
}

std::string severity_of_group(const std::string& group) {
  const std::string_view name =
      model::severity_name(static_cast<uint8_t>(std::atoi(group.c_str())));
  return std::string(name);
}

}  // namespace

Answer find_logs(const VedetteApi& api, const net::Parameters& p,
                 const store::ReadContext& context) {
  LogSearch search;
  ASSIGN_OR_RETURN(search.range, log_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(search.where, log_conditions(p));
  ASSIGN_OR_RETURN(search.limit, count(p, "limit", 100, 5000));
  const std::string_view order = text(p, "order");
  if (order != "" && order != "newest" && order != "oldest")
    return invalid_parameter("order", order, "it is newest or oldest");
  search.newest_first = order != "oldest";
  if (const auto cursor = text(p, "cursor"); !cursor.empty()) {
    ASSIGN_OR_RETURN(search.after, LogCursor::parse(cursor));
  }
  ASSIGN_OR_RETURN(const FoundLogs found, search_logs(api.store, search, render_log, context));
  JsonWriter json;
  json.begin_object().key("logs").begin_array();
  for (const FoundLog& log : found.logs) json.raw(log.rendered.json);
  json.end_array().key("next");
  if (found.next) {
    json.value(found.next->to_string());
  } else {
    json.null();
  }
  json.end_object();
  return json.take();
}

Answer log_histogram(const VedetteApi& api, const net::Parameters& p,
                     const store::ReadContext& context) {
  ASSIGN_OR_RETURN(std::vector<store::Predicate> where, log_conditions(p));
  const Histogram histogram{store::Table::kLogs,
                            store::Field::kSeverity,
                            "severity",
                            severity_of_group,
                            {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", ""}};
  return render_histogram(api, p, histogram, std::move(where), context);
}

}  // namespace vedette::api
