// query, query_range, format_query.
#include "api/prometheus_params.h"
#include "base/time_text.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "query/promql/text.h"

namespace vedette::api {
namespace {

using base::JsonWriter;
using promql::QueryResult;

constexpr int64_t kPointsMax = 11'000;

std::string_view query_text(const PrometheusRequest& request) {
  return request.parameters.get("query").value_or("");
}

Result<promql::NodePtr> parse(std::string_view query) {
  auto expr = promql::parse_expression(query);
  if (!expr.ok()) return bad_parameter("query", expr.error().message);
  return expr;
}

/// The context of the request, with the client's own time limit where that is shorter.
Result<store::ReadContext> query_context(const PrometheusRequest& request) {
  store::ReadContext context = request.context;
  const std::string_view text = request.parameters.get("timeout").value_or("");
  if (text.empty()) return context;
  const auto timeout = prometheus_duration(text);
  if (!timeout.ok()) return bad_parameter("timeout", timeout.error().message);
  const int64_t now = base::Clock::system().monotonic_ns();
  if (*timeout < context.deadline_monotonic_ns - now)
    context.deadline_monotonic_ns = now + *timeout;
  return context;
}

Result<promql::QueryOptions> query_options(const PrometheusRequest& request) {
  promql::QueryOptions options = request.options;
  const std::string_view text = request.parameters.get("lookback_delta").value_or("");
  if (text.empty()) return options;
  const auto lookback = prometheus_duration(text);
  if (!lookback.ok()) {
    return Error{Code::kInvalidArgument,
                 "error parsing lookback delta duration: " + lookback.error().message};
  }
  if (*lookback > 0) options.lookback_ms = std::max<int64_t>(1, *lookback / base::kNsPerMs);
  return options;
}

void append_point(std::string& out, const promql::Point& point) {
  out += '[';
  out += promql::format_time(point.time_ms);
  out += ",\"";
  out += promql::format_sample(point.value);
  out += "\"]";
}

void write_series(JsonWriter& json, const QueryResult& result) {
  std::string points;
  json.begin_array();
  for (const promql::SeriesResult& series : result.series) {
    json.begin_object().key("metric");
    write_labels(json, series.labels);
    points.clear();
    if (result.type == promql::ValueType::kVector) {
      append_point(points, series.points[0]);
      json.key("value").raw(points);
    } else {
      points = "[";
      for (const promql::Point& point : series.points) {
        if (points.size() > 1) points += ',';
        append_point(points, point);
      }
      points += ']';
      json.key("values").raw(points);
    }
    json.end_object();
  }
  json.end_array();
}

/// Seconds spent, for `stats`.
class Stopwatch {
 public:
  double seconds() const {
    return static_cast<double>(base::Clock::system().monotonic_ns() - begin_) / 1e9;
  }

 private:
  int64_t begin_ = base::Clock::system().monotonic_ns();
};

void write_stats(JsonWriter& json, const promql::QueryStats& stats, double prepared, double total) {
  json.key("stats").begin_object().key("timings").begin_object();
  json.field("evalTotalTime", total)
      .field("resultSortTime", 0.0)
      .field("queryPreparationTime", prepared);
  json.field("innerEvalTime", total - prepared)
      .field("execQueueTime", 0.0)
      .field("execTotalTime", total);
  json.end_object().key("samples").begin_object();
  json.field("totalQueryableSamples", stats.samples_queried)
      .field("peakSamples", stats.samples_peak);
  json.end_object().end_object();
}

using Run = std::function<Result<QueryResult>(const promql::Node&, const promql::QueryOptions&,
                                              const store::ReadContext&)>;

/// What both kinds of query have in common: parameters before, limit and JSON after.
PrometheusResult answer_query(const PrometheusRequest& request, const Run& run) {
  ASSIGN_OR_RETURN(const size_t limit, limit_parameter(request.parameters));
  ASSIGN_OR_RETURN(const store::ReadContext context, query_context(request));
  ASSIGN_OR_RETURN(const promql::QueryOptions options, query_options(request));
  const Stopwatch watch;
  ASSIGN_OR_RETURN(const promql::NodePtr expr, parse(query_text(request)));
  const double prepared = watch.seconds();
  ASSIGN_OR_RETURN(QueryResult result, run(*expr, options, context));
  const double total = watch.seconds();
  PrometheusAnswer out{{}, std::move(result.warnings), std::move(result.infos)};
  if (limit > 0 && result.series.size() > limit) {
    result.series.resize(limit);
    out.warnings.emplace_back(kTruncated);
  }
  JsonWriter json;
  json.begin_object().field("resultType", promql::type_name(result.type)).key("result");
  if (result.type == promql::ValueType::kScalar) {
    std::string point;
    append_point(point, result.scalar);
    json.raw(point);
  } else if (result.type == promql::ValueType::kString) {
    json.begin_array()
        .raw(promql::format_time(result.scalar.time_ms))
        .value(result.text)
        .end_array();
  } else {
    write_series(json, result);
  }
  if (!request.parameters.get("stats").value_or("").empty())
    write_stats(json, result.stats, prepared, total);
  json.end_object();
  out.data = json.take();
  return out;
}

}  // namespace

PrometheusResult prometheus_query(const PrometheusRequest& request) {
  ASSIGN_OR_RETURN(const int64_t time,
                   time_parameter(request.parameters, "time", request.now_ns / base::kNsPerMs));
  return answer_query(request, [&](const promql::Node& expr, const auto& options,
                                   const auto& context) {
    return promql::run_instant(expr, query_text(request), time, request.store, options, context);
  });
}

PrometheusResult prometheus_query_range(const PrometheusRequest& request) {
  promql::TimeSteps steps;
  for (const auto& [name, to] : {std::pair{"start", &steps.start_ms}, {"end", &steps.end_ms}}) {
    const auto time = prometheus_time(request.parameters.get(name).value_or(""));
    if (!time.ok()) return bad_parameter(name, time.error().message);
    *to = *time;
  }
  if (steps.end_ms < steps.start_ms)
    return bad_parameter("end", "end timestamp must not be before start time");
  const auto step = prometheus_duration(request.parameters.get("step").value_or(""));
  if (!step.ok()) return bad_parameter("step", step.error().message);
  if (*step <= 0) {
    return bad_parameter(
        "step",
        "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  steps.step_ms = std::max<int64_t>(1, *step / base::kNsPerMs);
  if ((steps.end_ms - steps.start_ms) / steps.step_ms > kPointsMax) {
    return Error{Code::kInvalidArgument,
                 "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the "
                 "query resolution "
                 "(?step=XX)"};
  }
  return answer_query(
      request, [&](const promql::Node& expr, const auto& options, const auto& context) {
        auto result =
            promql::run_range(expr, query_text(request), steps, request.store, options, context);
        if (!result.ok() && result.error().code == Code::kInvalidArgument) {
          return Result<QueryResult>(bad_parameter("query", result.error().message));
        }
        return result;
      });
}

PrometheusResult prometheus_format_query(const PrometheusRequest& request) {
  ASSIGN_OR_RETURN(const promql::NodePtr expr, parse(query_text(request)));
  JsonWriter json;
  json.value(promql::pretty(*expr));
  return PrometheusAnswer{json.take(), {}, {}};
}

}  // namespace vedette::api
