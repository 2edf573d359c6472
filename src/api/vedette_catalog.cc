// What is there: services, operations, fields, values.
#include "api/answer.h"
#include "api/request_params.h"
#include "api/vedette_api.h"

namespace vedette::api {
namespace {

using store::CountQuery;
using store::Field;
using store::Table;

/// Rows of the whole range by the text of a field.
Result<std::map<std::string, uint64_t>> totals(store::Store& store, Table table,
                                               store::TimeRange range,
                                               std::vector<store::Predicate> where, Field by,
                                               const store::ReadContext& context) {
  CountQuery query;
  query.table = table;
  query.range = range;
  query.step_ns = std::max<int64_t>(1, range.end_ns - range.begin_ns);
  query.where = std::move(where);
  query.group_by = by;
  ASSIGN_OR_RETURN(const std::vector<store::CountSeries> series, store.counts(query, context));
  std::map<std::string, uint64_t> counts;
  for (const store::CountSeries& s : series) {
    for (uint64_t n : s.counts) counts[s.group] += n;
  }
  return counts;
}

Result<Table> table_parameter(const net::Parameters& p) {
  const std::string_view name = text(p, "table");
  if (name == "spans") return Table::kSpans;
  if (name == "logs") return Table::kLogs;
  return invalid_parameter("table", name, "it is spans or logs");
}

/// A named column, or an attribute.
std::pair<Field, std::string> field_of(std::string_view name, Table table) {
  if (name == "service") return {Field::kService, ""};
  if (name == "severity" && table == Table::kLogs) return {Field::kSeverity, ""};
  if (table == Table::kSpans) {
    if (name == "name") return {Field::kSpanName, ""};
    if (name == "kind") return {Field::kKind, ""};
    if (name == "status") return {Field::kStatus, ""};
  }
  return {Field::kAttribute, std::string(name)};
}

std::vector<store::Predicate> of_service(const net::Parameters& p) {
  std::vector<store::Predicate> where;
  if (const auto service = text(p, "service"); !service.empty())
    where.push_back(equals(Field::kService, service));
  return where;
}

/// "9" -> "INFO", where severities came as numbers; distinct, in order of severity.
std::vector<std::string> severity_names(const std::vector<std::string>& numbers) {
  std::set<int> seen;
  for (const std::string& n : numbers) seen.insert(std::atoi(n.c_str()));
  std::vector<std::string> names;
  for (int n : seen) {
    const std::string name(model::severity_name(static_cast<uint8_t>(n)));
    if (!name.empty() && (names.empty() || names.back() != name)) names.push_back(name);
  }
  return names;
}

std::string list_json(const char* key, const std::vector<std::string>& values) {
  base::JsonWriter json;
  json.begin_object().key(key).begin_array();
  for (const std::string& v : values) json.value(v);
  json.end_array().end_object();
  return json.take();
}

}  // namespace

Answer list_services(const VedetteApi& api, const net::Parameters& p,
                     const store::ReadContext& context) {
  ASSIGN_OR_RETURN(const store::TimeRange range, time_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(const auto spans,
                   totals(api.store, Table::kSpans, range, {}, Field::kService, context));
  ASSIGN_OR_RETURN(auto errors,
                   totals(api.store, Table::kSpans, range, {equals(Field::kStatus, "error")},
                          Field::kService, context));
  ASSIGN_OR_RETURN(const auto logs,
                   totals(api.store, Table::kLogs, range, {}, Field::kService, context));
  std::map<std::string, std::pair<uint64_t, uint64_t>> services;
  for (const auto& [name, n] : spans) services[name].first = n;
  for (const auto& [name, n] : logs) services[name].second = n;
  base::JsonWriter json;
  json.begin_object().key("services").begin_array();
  for (const auto& [name, counts] : services) {
    json.begin_object().field("name", name).field("spans", counts.first);
    json.field("errors", errors[name]).field("logs", counts.second).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

Answer list_operations(const VedetteApi& api, const net::Parameters& p,
                       const store::ReadContext& context) {
  ASSIGN_OR_RETURN(const store::TimeRange range, time_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(const size_t limit, count(p, "limit", 1000, 10'000));
  ASSIGN_OR_RETURN(std::vector<store::Predicate> where, span_conditions(p));
  ASSIGN_OR_RETURN(const auto spans,
                   totals(api.store, Table::kSpans, range, where, Field::kSpanName, context));
  where.push_back(equals(Field::kStatus, "error"));
  ASSIGN_OR_RETURN(auto errors,
                   totals(api.store, Table::kSpans, range, where, Field::kSpanName, context));
  std::vector<std::pair<std::string, uint64_t>> sorted(spans.begin(), spans.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (sorted.size() > limit) sorted.resize(limit);
  base::JsonWriter json;
  json.begin_object().key("operations").begin_array();
  for (const auto& [name, n] : sorted) {
    json.begin_object()
        .field("name", name)
        .field("spans", n)
        .field("errors", errors[name])
        .end_object();
  }
  json.end_array().end_object();
  return json.take();
}

Answer list_fields(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context) {
  store::ValuesQuery query;
  ASSIGN_OR_RETURN(query.range, time_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(query.table, table_parameter(p));
  query.where = of_service(p);
  ASSIGN_OR_RETURN(const std::vector<std::string> keys, api.store.values(query, context));
  return list_json("fields", keys);
}

Answer list_values(const VedetteApi& api, const net::Parameters& p,
                   const store::ReadContext& context) {
  store::ValuesQuery query;
  ASSIGN_OR_RETURN(query.range, time_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(query.table, table_parameter(p));
  ASSIGN_OR_RETURN(query.limit, count(p, "limit", 100, 10'000));
  const std::string_view field = text(p, "field");
  if (field.empty())
    return invalid_parameter("field", field, "name the attribute whose values you want");
  const auto [column, key] = field_of(field, query.table);
  query.field = column;
  query.key = key;
  query.where = of_service(p);
  ASSIGN_OR_RETURN(std::vector<std::string> values, api.store.values(query, context));
  if (column == Field::kSeverity) values = severity_names(values);
  return list_json("values", values);
}

}  // namespace vedette::api
