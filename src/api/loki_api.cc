#include "api/loki_api.h"

#include "api/answer.h"
#include "api/log_search.h"
#include "api/loki_stream.h"
#include "api/request_params.h"
#include "api/runner.h"
#include "base/time_text.h"
#include "query/logql/labels.h"
#include "query/logql/parser.h"

namespace vedette::api {
namespace {

using base::JsonWriter;
using store::Field;

constexpr size_t kPointsMax = 11'000;

/// Loki's times: up to ten digits are seconds, more are nanoseconds; or a fraction, or RFC 3339.
Result<int64_t> parse_loki_time(std::string_view name, std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() > 10) {
    int64_t ns = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
    if (error == std::errc()) return ns;
  }
  return parse_time_ns(name, text);
}

Result<store::TimeRange> loki_range(const LokiRequest& request) {
  const net::Parameters& p = request.parameters;
  store::TimeRange range;
  range.end_ns = request.now_ns;
  if (const auto end = text(p, "end"); !end.empty()) {
    ASSIGN_OR_RETURN(range.end_ns, parse_loki_time("end", end));
  }
  ASSIGN_OR_RETURN(const std::optional<int64_t> since, duration_ns(p, "since"));
  range.begin_ns = range.end_ns - since.value_or(3600 * base::kNsPerSecond);
  if (const auto start = text(p, "start"); !start.empty()) {
    ASSIGN_OR_RETURN(range.begin_ns, parse_loki_time("start", start));
  }
  if (range.begin_ns > range.end_ns)
    return Error{Code::kInvalidArgument, "end timestamp must not be before start time"};
  return range;
}

/// "15s", "200ms" or seconds; a hundredth of the range where it is missing.
Result<int64_t> loki_step(const net::Parameters& p, store::TimeRange range) {
  const std::string_view value = text(p, "step");
  if (value.empty())
    return std::max<int64_t>(base::kNsPerSecond, (range.end_ns - range.begin_ns) / 100);
  auto step = base::parse_duration_ns(value);
  if (!step) step = base::parse_seconds_ns(value);
  if (!step || *step <= 0)
    return invalid_parameter("step", value, "it is seconds or a duration such as 15s");
  return *step;
}

std::vector<std::string> attribute_keys(store::Store& store, store::TimeRange range,
                                        const store::ReadContext& context) {
  store::ValuesQuery query;
  query.table = store::Table::kLogs;
  query.range = range;
  auto keys = store.values(query, context);
  return keys.ok() ? std::move(keys).value() : std::vector<std::string>();
}

/// Looks the attribute keys up once, and only if a label asks for them.
logql::KeysOfLabel keys_of_label(store::Store& store, store::TimeRange range,
                                 const store::ReadContext& context) {
  auto by_label =
      std::make_shared<std::optional<std::map<std::string, std::vector<std::string>>>>();
  return [&store, range, &context, by_label](const std::string& label) {
    if (!*by_label) {
      by_label->emplace();
      for (std::string& key : attribute_keys(store, range, context))
        (**by_label)[logql::label_name(key)].push_back(std::move(key));
    }
    const auto found = (*by_label)->find(label);
    return found == (*by_label)->end() ? std::vector<std::string>() : found->second;
  };
}

Result<std::vector<store::Predicate>> selector_conditions(store::Store& store,
                                                          std::string_view text,
                                                          store::TimeRange range,
                                                          const store::ReadContext& context) {
  ASSIGN_OR_RETURN(const logql::Query query, logql::parse(text));
  const auto* log = std::get_if<logql::LogQuery>(&query);
  if (!log)
    return Error{Code::kInvalidArgument,
                 "a stream selector such as {service_name=\"shop\"} is wanted"};
  return logql::conditions(*log, keys_of_label(store, range, context));
}

std::string success(std::string_view result_type, std::string_view result,
                    bool categorized = false) {
  JsonWriter json;
  json.begin_object()
      .field("status", "success")
      .key("data")
      .begin_object()
      .field("resultType", result_type);
  if (categorized) json.key("encodingFlags").begin_array().value("categorize-labels").end_array();
  json.key("result").raw(result).key("stats").begin_object().end_object().end_object().end_object();
  return json.take();
}

std::string names_answer(const std::vector<std::string>& names) {
  JsonWriter json;
  json.begin_object().field("status", "success").key("data").begin_array();
  for (const std::string& name : names) json.value(name);
  json.end_array().end_object();
  return json.take();
}

void write_point(JsonWriter& json, int64_t ns, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  json.begin_array()
      .value(static_cast<double>(ns) / 1e9)
      .value(std::string_view(digits, static_cast<size_t>(end - digits)))
      .end_array();
}

Result<std::string> constant_matrix(const logql::Constant& constant, const net::Parameters& p,
                                    store::TimeRange range) {
  ASSIGN_OR_RETURN(const int64_t step, loki_step(p, range));
  if ((range.end_ns - range.begin_ns) / step >= static_cast<int64_t>(kPointsMax)) {
    return Error{Code::kInvalidArgument,
                 "exceeded maximum resolution of 11,000 points per timeseries; use a larger step"};
  }
  JsonWriter json;
  json.begin_array()
      .begin_object()
      .key("metric")
      .begin_object()
      .end_object()
      .key("values")
      .begin_array();
  for (int64_t t = range.begin_ns; t <= range.end_ns; t += step)
    write_point(json, t, constant.value);
  json.end_array().end_object().end_array();
  return success("matrix", json.take());
}

/// Records by stream, streams in order of their first record.
std::string streams_json(const std::vector<FoundLog>& logs) {
  std::vector<std::pair<std::string_view, std::vector<const FoundLog*>>> streams;
  std::unordered_map<std::string_view, size_t> place;
  for (const FoundLog& log : logs) {
    const auto [at, inserted] = place.try_emplace(log.rendered.stream, streams.size());
    if (inserted) streams.push_back({log.rendered.stream, {}});
    streams[at->second].second.push_back(&log);
  }
  JsonWriter json;
  json.begin_array();
  for (const auto& [labels, entries] : streams) {
    json.begin_object().key("stream").raw(labels).key("values").begin_array();
    for (const FoundLog* log : entries) json.raw(log->rendered.json);
    json.end_array().end_object();
  }
  json.end_array();
  return json.take();
}

net::HttpResponse loki_error(const Error& error) {
  net::HttpResponse response;
  response.status = error.code == Code::kUnimplemented ? 400 : net::http_status(error.code);
  response.content_type = "text/plain; charset=utf-8";
  response.body = error.message;
  return response;
}

}  // namespace

Result<std::string> loki_query_range(store::Store& store, const LokiRequest& request,
                                     const store::ReadContext& context) {
  const net::Parameters& p = request.parameters;
  ASSIGN_OR_RETURN(const store::TimeRange range, loki_range(request));
  ASSIGN_OR_RETURN(const logql::Query query, logql::parse(text(p, "query")));
  if (const auto* constant = std::get_if<logql::Constant>(&query))
    return constant_matrix(*constant, p, range);
  LogSearch search;
  search.range = range;
  ASSIGN_OR_RETURN(search.where, logql::conditions(std::get<logql::LogQuery>(query),
                                                   keys_of_label(store, range, context)));
  ASSIGN_OR_RETURN(search.limit, count(p, "limit", 100, 5000));
  const std::string_view direction = text(p, "direction");
  search.newest_first = !(direction == "forward" || direction == "FORWARD");
  if (!direction.empty() && search.newest_first && direction != "backward" &&
      direction != "BACKWARD") {
    return invalid_parameter("direction", direction, "it is forward or backward");
  }
  const auto render = [&](const model::LogBatch& batch, uint32_t row) {
    return render_loki_entry(batch, row, request.categorize_labels);
  };
  ASSIGN_OR_RETURN(const FoundLogs found, search_logs(store, search, render, context));
  return success("streams", streams_json(found.logs), request.categorize_labels);
}

Result<std::string> loki_query(const LokiRequest& request) {
  const net::Parameters& p = request.parameters;
  ASSIGN_OR_RETURN(const logql::Query query, logql::parse(text(p, "query")));
  const auto* constant = std::get_if<logql::Constant>(&query);
  if (!constant) {
    return Error{Code::kInvalidArgument,
                 "log queries are not supported as an instant query type, please change your query "
                 "to a range query type"};
  }
  int64_t time = request.now_ns;
  if (const auto given = text(p, "time"); !given.empty()) {
    ASSIGN_OR_RETURN(time, parse_loki_time("time", given));
  }
  JsonWriter json;
  if (!constant->is_vector) {
    write_point(json, time, constant->value);
    return success("scalar", json.take());
  }
  json.begin_array().begin_object().key("metric").begin_object().end_object().key("value");
  write_point(json, time, constant->value);
  json.end_object().end_array();
  return success("vector", json.take());
}

Result<std::string> loki_labels(store::Store& store, const LokiRequest& request,
                                const store::ReadContext& context) {
  ASSIGN_OR_RETURN(const store::TimeRange range, loki_range(request));
  store::ValuesQuery query;
  query.table = store::Table::kLogs;
  query.range = range;
  ASSIGN_OR_RETURN(const std::vector<std::string> keys, store.values(query, context));
  std::set<std::string> names;
  for (const std::string& key : keys) names.insert(logql::label_name(key));
  for (std::string_view fixed : {logql::kServiceLabel, logql::kSeverityLabel, logql::kLevelLabel})
    names.emplace(fixed);
  return names_answer({names.begin(), names.end()});
}

Result<std::string> loki_label_values(store::Store& store, const std::string& label,
                                      const LokiRequest& request,
                                      const store::ReadContext& context) {
  store::ValuesQuery query;
  query.table = store::Table::kLogs;
  ASSIGN_OR_RETURN(query.range, loki_range(request));
  if (const auto selector = text(request.parameters, "query"); !selector.empty()) {
    ASSIGN_OR_RETURN(query.where, selector_conditions(store, selector, query.range, context));
  }
  const bool severity = label == logql::kSeverityLabel || label == logql::kLevelLabel;
  if (severity) {
    query.field = Field::kSeverity;
  } else if (label == logql::kServiceLabel) {
    query.field = Field::kService;
  } else {
    query.field = Field::kAttribute;
  }
  std::set<std::string> values;
  std::vector<std::string> keys{""};
  if (query.field == Field::kAttribute) keys = keys_of_label(store, query.range, context)(label);
  for (const std::string& key : keys) {
    query.key = key;
    ASSIGN_OR_RETURN(const std::vector<std::string> found, store.values(query, context));
    for (const std::string& value : found) {
      const std::string shown = severity
                                    ? severity_label(static_cast<uint8_t>(std::atoi(value.c_str())),
                                                     label == logql::kLevelLabel)
                                    : value;
      if (!shown.empty()) values.insert(shown);
    }
  }
  return names_answer({values.begin(), values.end()});
}

Result<std::string> loki_series(store::Store& store, const LokiRequest& request,
                                const store::ReadContext& context) {
  store::ValuesQuery query;
  query.table = store::Table::kLogs;
  query.field = Field::kService;
  ASSIGN_OR_RETURN(query.range, loki_range(request));
  std::vector<std::string_view> selectors = request.parameters.all("match[]");
  if (selectors.empty()) selectors = request.parameters.all("match");
  if (selectors.empty()) selectors.push_back("{}");
  std::set<std::string> services;
  for (std::string_view selector : selectors) {
    ASSIGN_OR_RETURN(query.where, selector_conditions(store, selector, query.range, context));
    ASSIGN_OR_RETURN(const std::vector<std::string> found, store.values(query, context));
    services.insert(found.begin(), found.end());
  }
  JsonWriter json;
  json.begin_object().field("status", "success").key("data").begin_array();
  for (const std::string& service : services)
    json.begin_object().field(logql::kServiceLabel, service).end_object();
  json.end_array().end_object();
  return json.take();
}

void serve_loki_api(net::Router& router, Runner& runner, store::Store& store,
                    const base::Clock& clock) {
  using Handler = std::function<Result<std::string>(const net::HttpRequest&, const LokiRequest&,
                                                    const store::ReadContext&)>;
  const auto serve = [&](const char* path, Handler handler) {
    runner.serve(
        router, "GET,POST", path,
        [&clock, handler](const net::HttpRequest& request, const store::ReadContext& context) {
          const auto p = net::Parameters::of(request);
          if (!p.ok()) return loki_error(p.error());
          const auto flags = net::find_header(request.headers, "x-loki-response-encoding-flags");
          const LokiRequest loki{
              *p, clock.now_ns(),
              flags && flags->find("categorize-labels") != std::string_view::npos};
          auto body = handler(request, loki, context);
          return body.ok() ? json_answer(std::move(body).value()) : loki_error(body.error());
        },
        loki_error);
  };
  serve("/loki/api/v1/query_range", [&store](const auto&, const LokiRequest& r, const auto& c) {
    return loki_query_range(store, r, c);
  });
  serve("/loki/api/v1/query",
        [](const auto&, const LokiRequest& r, const auto&) { return loki_query(r); });
  serve("/loki/api/v1/labels", [&store](const auto&, const LokiRequest& r, const auto& c) {
    return loki_labels(store, r, c);
  });
  serve("/loki/api/v1/label", [&store](const auto&, const LokiRequest& r, const auto& c) {
    return loki_labels(store, r, c);
  });
  serve("/loki/api/v1/series", [&store](const auto&, const LokiRequest& r, const auto& c) {
    return loki_series(store, r, c);
  });
  serve("/loki/api/v1/label/*",
        [&store](const net::HttpRequest& request, const LokiRequest& r,
                 const auto& c) -> Result<std::string> {
          constexpr std::string_view kPrefix = "/loki/api/v1/label/", kSuffix = "/values";
          std::string_view label = std::string_view(request.path).substr(kPrefix.size());
          if (!label.ends_with(kSuffix))
            return Error{Code::kNotFound, "there is no " + request.path};
          label.remove_suffix(kSuffix.size());
          return loki_label_values(store, std::string(label), r, c);
        });
  router.http("GET", "/loki/api/*", [](net::HttpRequest&& request, net::Responder respond) {
    respond(loki_error({Code::kNotFound, "there is no " + request.path}));
  });
}

}  // namespace vedette::api
