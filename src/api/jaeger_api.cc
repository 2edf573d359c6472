#include "api/jaeger_api.h"

#include <rapidjson/document.h>

#include "api/answer.h"
#include "api/jaeger_trace.h"
#include "api/request_params.h"
#include "api/runner.h"
#include "api/trace_search.h"
#include "base/time_text.h"

namespace vedette::api {
namespace {

using base::JsonWriter;
using store::Field;
using store::Op;
using store::Predicate;

constexpr size_t kNamesMax = 10'000;

/// {"data":…,"total":…,"limit":0,"offset":0,"errors":null}
net::HttpResponse envelope(std::string_view data, size_t total) {
  JsonWriter json;
  json.begin_object().key("data").raw(data).field("total", static_cast<uint64_t>(total));
  json.field("limit", 0).field("offset", 0).key("errors").null().end_object();
  return json_answer(json.take());
}

net::HttpResponse names_envelope(const std::vector<std::string>& names) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& name : names) json.value(name);
  json.end_array();
  return envelope(json.take(), names.size());
}

net::HttpResponse traces_envelope(const std::vector<TraceDocument>& traces) {
  JsonWriter json;
  json.begin_array();
  for (const TraceDocument& trace : traces) json.raw(jaeger_trace_json(trace));
  json.end_array();
  return envelope(json.take(), traces.size());
}

/// Microseconds since 1970.
Result<std::optional<int64_t>> micros(const net::Parameters& p, std::string_view name) {
  const std::string_view value = text(p, name);
  if (value.empty()) return std::optional<int64_t>();
  int64_t us = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), us);
  int64_t ns = 0;
  if (error != std::errc() || end != value.data() + value.size() || us < 0 ||
      __builtin_mul_overflow(us, int64_t{1000}, &ns)) {
    return invalid_parameter(name, value, "it is in microseconds since 1970");
  }
  return std::optional(ns);
}

/// Jaeger's own tags for what OTLP has fields for.
Predicate tag_condition(std::string_view key, std::string_view value) {
  if (key == "error") {
    Predicate p = equals(Field::kStatus, "error");
    if (value == "false") p.op = Op::kNotEqual;
    return p;
  }
  if (key == "span.kind") return equals(Field::kKind, value);
  if (key == "otel.status_code" || key == "status") {
    std::string lower(value);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return equals(Field::kStatus, lower);
  }
  if (key == "otel.scope.name" || key == "otel.library.name")
    return equals(Field::kScopeName, value);
  Predicate p = equals(Field::kAttribute, value);
  p.key = std::string(key);
  return p;
}

Status add_tags_json(std::string_view tags, std::vector<Predicate>& where) {
  if (tags.empty()) return {};
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(tags.data(), tags.size());
  if (document.HasParseError() || !document.IsObject()) {
    return invalid_parameter("tags", tags, "it is a JSON object such as {\"http.method\":\"GET\"}");
  }
  for (const auto& member : document.GetObject()) {
    if (!member.value.IsString())
      return invalid_parameter("tags", tags,
                               "its values are texts, such as {\"http.status_code\":\"500\"}");
    where.push_back(tag_condition({member.name.GetString(), member.name.GetStringLength()},
                                  {member.value.GetString(), member.value.GetStringLength()}));
  }
  return {};
}

/// tag=key:value, repeatable.
Status add_single_tags(const net::Parameters& p, std::vector<Predicate>& where) {
  for (std::string_view tag : p.all("tag")) {
    const size_t colon = tag.find(':');
    if (colon == std::string_view::npos) return invalid_parameter("tag", tag, "it is key:value");
    where.push_back(tag_condition(tag.substr(0, colon), tag.substr(colon + 1)));
  }
  return {};
}

Result<TraceSearch> trace_search(const net::Parameters& p, int64_t now_ns) {
  TraceSearch search;
  const std::string_view service = text(p, "service");
  if (service.empty()) return Error{Code::kInvalidArgument, "parameter 'service' is required"};
  search.where.push_back(equals(Field::kService, service));
  if (const auto name = text(p, "operation"); !name.empty())
    search.where.push_back(equals(Field::kSpanName, name));
  ASSIGN_OR_RETURN(const std::optional<int64_t> end, micros(p, "end"));
  ASSIGN_OR_RETURN(const std::optional<int64_t> start, micros(p, "start"));
  search.range.end_ns = end ? *end + 1000 : now_ns;
  search.range.begin_ns = start.value_or(search.range.end_ns - 2 * 86400 * base::kNsPerSecond);
  ASSIGN_OR_RETURN(const std::optional<int64_t> shortest, duration_ns(p, "minDuration"));
  ASSIGN_OR_RETURN(const std::optional<int64_t> longest, duration_ns(p, "maxDuration"));
  if (shortest)
    search.where.push_back(
        compares(Field::kDuration, Op::kGreaterOrEqual, static_cast<double>(*shortest)));
  if (longest)
    search.where.push_back(
        compares(Field::kDuration, Op::kLessOrEqual, static_cast<double>(*longest)));
  RETURN_IF_ERROR(add_tags_json(text(p, "tags"), search.where));
  RETURN_IF_ERROR(add_single_tags(p, search.where));
  ASSIGN_OR_RETURN(search.limit, count(p, "limit", 100, 1500));
  return search;
}

Result<std::vector<TraceDocument>> found_traces(store::Store& store, const net::Parameters& p,
                                                int64_t now_ns, const store::ReadContext& context) {
  std::vector<model::TraceId> ids;
  for (std::string_view hex : p.all("traceID")) {
    const auto id = model::TraceId::from_hex(hex);
    if (!id || !id->valid())
      return invalid_parameter("traceID", hex, "a trace id is up to 32 hex digits");
    ids.push_back(*id);
  }
  if (ids.empty()) {
    ASSIGN_OR_RETURN(const TraceSearch search, trace_search(p, now_ns));
    ASSIGN_OR_RETURN(const FoundTraces found, search_traces(store, search, context));
    for (const store::TraceSummary& trace : found.traces) ids.push_back(trace.trace_id);
    if (ids.empty()) return std::vector<TraceDocument>();
  }
  return read_traces(store, ids, jaeger_span_json, context);
}

Result<std::vector<std::string>> operation_names(store::Store& store, std::string_view service,
                                                 std::string_view kind,
                                                 const store::ReadContext& context) {
  store::ValuesQuery query;
  query.field = Field::kSpanName;
  query.limit = kNamesMax;
  query.where.push_back(equals(Field::kService, service));
  if (!kind.empty()) query.where.push_back(equals(Field::kKind, kind));
  return store.values(query, context);
}

}  // namespace

net::HttpResponse jaeger_error(const Error& error) {
  JsonWriter json;
  json.begin_object().key("data").null().field("total", 0).field("limit", 0).field("offset", 0);
  json.key("errors").begin_array().begin_object();
  json.field("code", net::http_status(error.code)).field("msg", error.message);
  json.end_object().end_array().end_object();
  net::HttpResponse response = json_answer(json.take());
  response.status = net::http_status(error.code);
  return response;
}

net::HttpResponse jaeger_services(store::Store& store, const store::ReadContext& context) {
  store::ValuesQuery query;
  query.field = Field::kService;
  query.limit = kNamesMax;
  const auto names = store.values(query, context);
  return names.ok() ? names_envelope(*names) : jaeger_error(names.error());
}

net::HttpResponse jaeger_operations(store::Store& store, std::string_view service,
                                    std::string_view kind, bool with_kind,
                                    const store::ReadContext& context) {
  if (service.empty())
    return jaeger_error({Code::kInvalidArgument, "parameter 'service' is required"});
  if (!with_kind) {
    const auto names = operation_names(store, service, kind, context);
    return names.ok() ? names_envelope(*names) : jaeger_error(names.error());
  }
  std::vector<std::string> kinds{"server", "client", "internal", "producer", "consumer"};
  if (!kind.empty()) kinds = {std::string(kind)};
  JsonWriter json;
  size_t total = 0;
  json.begin_array();
  for (const std::string& one : kinds) {
    const auto names = operation_names(store, service, one, context);
    if (!names.ok()) return jaeger_error(names.error());
    total += names->size();
    for (const std::string& name : *names)
      json.begin_object().field("name", name).field("spanKind", one).end_object();
  }
  json.end_array();
  return envelope(json.take(), total);
}

net::HttpResponse jaeger_traces(store::Store& store, const net::Parameters& p, int64_t now_ns,
                                const store::ReadContext& context) {
  const auto traces = found_traces(store, p, now_ns, context);
  return traces.ok() ? traces_envelope(*traces) : jaeger_error(traces.error());
}

net::HttpResponse jaeger_trace(store::Store& store, std::string_view trace_id,
                               const store::ReadContext& context) {
  const auto id = model::TraceId::from_hex(trace_id);
  if (!id || !id->valid())
    return jaeger_error(invalid_parameter("trace id", trace_id, "it is up to 32 hex digits"));
  const auto traces = read_traces(store, {*id}, jaeger_span_json, context);
  if (!traces.ok()) return jaeger_error(traces.error());
  if (traces->empty()) return jaeger_error({Code::kNotFound, "trace not found"});
  return traces_envelope(*traces);
}

void serve_jaeger_api(net::Router& router, Runner& runner, store::Store& store,
                      const base::Clock& clock) {
  using Request = net::HttpRequest;
  using Context = store::ReadContext;
  const auto serve = [&](const char* path, Work work) {
    runner.serve(router, "GET", path, std::move(work), jaeger_error);
  };
  serve("/jaeger/api/services", [&store](const Request&, const Context& context) {
    return jaeger_services(store, context);
  });
  serve("/jaeger/api/services/*", [&store](const Request& request, const Context& context) {
    constexpr std::string_view kPrefix = "/jaeger/api/services/", kSuffix = "/operations";
    std::string_view service = std::string_view(request.path).substr(kPrefix.size());
    if (!service.ends_with(kSuffix))
      return jaeger_error({Code::kNotFound, "there is no " + request.path});
    service.remove_suffix(kSuffix.size());
    return jaeger_operations(store, service, "", false, context);
  });
  serve("/jaeger/api/operations", [&store](const Request& request, const Context& context) {
    const auto p = net::Parameters::of(request);
    if (!p.ok()) return jaeger_error(p.error());
    return jaeger_operations(store, text(*p, "service"), text(*p, "spanKind"), true, context);
  });
  serve("/jaeger/api/traces", [&store, &clock](const Request& request, const Context& context) {
    const auto p = net::Parameters::of(request);
    return p.ok() ? jaeger_traces(store, *p, clock.now_ns(), context) : jaeger_error(p.error());
  });
  serve("/jaeger/api/traces/*", [&store](const Request& request, const Context& context) {
    constexpr std::string_view kPrefix = "/jaeger/api/traces/";
    return jaeger_trace(store, std::string_view(request.path).substr(kPrefix.size()), context);
  });
  router.http("GET", "/jaeger/api/*", [](Request&& request, net::Responder respond) {
    respond(jaeger_error({Code::kNotFound, "there is no " + request.path}));
  });
}

}  // namespace vedette::api
