#include "api/verdict_signs.h"

#include "api/request_params.h"
#include "api/trace_search.h"
#include "base/time_text.h"
#include "query/promql/parser.h"
#include "query/promql/query.h"

namespace vedette::api {
namespace {

using store::Field;
using store::Op;
using store::Predicate;

constexpr int64_t kMinuteNs = 60 * base::kNsPerSecond;
constexpr size_t kMinutes = kWindowMinutes + kUsualMinutes;
constexpr int64_t kWindowNs = static_cast<int64_t>(kWindowMinutes) * kMinuteNs;
constexpr size_t kDependenciesMax = 50;

/// Routes that say nothing about customers.
constexpr const char* kUncountedRoutes =
    "/(health|healthz|livez|readyz|ready|live|metrics|ping)(/|$)";
constexpr const char* kUncountedPaths =
    "/(health|healthz|livez|readyz|ready|live|metrics|ping)(/.*)?";

Predicate counted_route() {
  Predicate p = equals(Field::kSpanName, kUncountedRoutes);
  p.op = Op::kNotRegex;
  return p;
}

class Gatherer {
 public:
  Gatherer(store::Store& store, const std::string& service, int64_t now_ns,
           const store::ReadContext& context)
      : store_(store), service_(service), now_ns_(now_ns), context_(context) {}

  Result<std::vector<ServiceSigns>> run() {
    RETURN_IF_ERROR(add_span_traffic());
    RETURN_IF_ERROR(add_metric_traffic());
    RETURN_IF_ERROR(add_latencies());
    RETURN_IF_ERROR(add_targets());
    for (auto& [name, signs] : services_) RETURN_IF_ERROR(add_dependencies(signs));
    for (auto& [name, signs] : services_) RETURN_IF_ERROR(add_examples(signs));
    std::vector<ServiceSigns> all;
    for (auto& [name, signs] : services_) all.push_back(std::move(signs));
    return all;
  }

 private:
  using Groups = std::map<std::string, std::vector<double>>;

  ServiceSigns& service(const std::string& name) {
    ServiceSigns& signs = services_[name];
    if (signs.service.empty()) {
      signs.service = name;
      signs.requests = {std::vector<double>(kMinutes), std::vector<double>(kMinutes)};
    }
    return signs;
  }
  bool wanted(const std::string& name) const {
    return !name.empty() && (service_.empty() || name == service_);
  }

  /// Spans by minute and by the text of a field.
  Result<Groups> count_by_minute(std::vector<Predicate> where, Field by) {
    store::CountQuery query;
    query.table = store::Table::kSpans;
    query.range = {now_ns_ - static_cast<int64_t>(kMinutes) * kMinuteNs, now_ns_};
    query.step_ns = kMinuteNs;
    query.where = std::move(where);
    if (!service_.empty()) query.where.push_back(equals(Field::kService, service_));
    query.group_by = by;
    ASSIGN_OR_RETURN(const std::vector<store::CountSeries> series, store_.counts(query, context_));
    Groups groups;
    for (const store::CountSeries& s : series) {
      std::vector<double>& minutes = groups[s.group];
      minutes.resize(kMinutes);
      for (size_t i = 0; i < std::min(kMinutes, s.counts.size()); ++i)
        minutes[i] += static_cast<double>(s.counts[i]);
    }
    return groups;
  }

  Status add_span_traffic() {
    std::vector<Predicate> where{equals(Field::kKind, "server"), counted_route()};
    ASSIGN_OR_RETURN(const Groups all, count_by_minute(where, Field::kService));
    where.push_back(equals(Field::kStatus, "error"));
    ASSIGN_OR_RETURN(Groups failed, count_by_minute(where, Field::kService));
    for (const auto& [name, minutes] : all) {
      ServiceSigns& signs = service(name);
      signs.requests.requests = minutes;
      if (const auto found = failed.find(name); found != failed.end())
        signs.requests.failed = found->second;
      from_spans_.insert(name);
    }
    return {};
  }

  Result<promql::QueryResult> instant(const std::string& expr) {
    ASSIGN_OR_RETURN(const promql::NodePtr node, promql::parse_expression(expr));
    return promql::run_instant(*node, expr, now_ns_ / base::kNsPerMs, store_, {}, context_);
  }

  Result<promql::QueryResult> by_minute(const std::string& expr) {
    ASSIGN_OR_RETURN(const promql::NodePtr node, promql::parse_expression(expr));
    const int64_t minute_ms = kMinuteNs / base::kNsPerMs;
    const int64_t end = now_ns_ / base::kNsPerMs;
    return promql::run_range(*node, expr,
                             {end - static_cast<int64_t>(kMinutes - 1) * minute_ms, end, minute_ms},
                             store_, {}, context_);
  }

  /// Services that send no server spans but have the http_* metrics of their own.
  Status add_metric_traffic() {
    const auto query = [](const char* more) {
      return std::string("sum by (job) (increase(http_requests_total{path!~\"") + kUncountedPaths +
             "\"" + more + "}[1m]))";
    };
    ASSIGN_OR_RETURN(const promql::QueryResult all, by_minute(query("")));
    ASSIGN_OR_RETURN(const promql::QueryResult failed, by_minute(query(",status=~\"5..\"")));
    for (const promql::SeriesResult& series : all.series) fill_minutes(series, &Traffic::requests);
    for (const promql::SeriesResult& series : failed.series) fill_minutes(series, &Traffic::failed);
    return {};
  }

  void fill_minutes(const promql::SeriesResult& series, std::vector<double> Traffic::*column) {
    const std::string job(series.labels.get("job"));
    if (!wanted(job) || from_spans_.contains(job)) return;
    std::vector<double>& minutes = service(job).requests.*column;
    const int64_t minute_ms = kMinuteNs / base::kNsPerMs;
    const int64_t end = now_ns_ / base::kNsPerMs;
    for (const promql::Point& point : series.points) {
      const auto back = static_cast<size_t>((end - point.time_ms) / minute_ms);
      if (back < kMinutes && std::isfinite(point.value)) minutes[kMinutes - 1 - back] = point.value;
    }
  }

  /// 95th percentiles by a label, now and in the hour before.
  Status add_percentiles(const std::string& selector, const std::string& by, std::string_view label,
                         const std::function<Latency*(const promql::SeriesResult&)>& place) {
    const auto query = [&](const char* window) {
      return "histogram_quantile(0.95, sum by (le, " + by + ") (rate(" + selector + window + ")))";
    };
    ASSIGN_OR_RETURN(const promql::QueryResult now, instant(query("[5m]")));
    ASSIGN_OR_RETURN(const promql::QueryResult usual, instant(query("[1h] offset 5m")));
    const auto fill = [&](const promql::QueryResult& result,
                          std::optional<double> Latency::*field) {
      for (const promql::SeriesResult& series : result.series) {
        if (!wanted(std::string(series.labels.get(label))) || series.points.empty()) continue;
        const double value = series.points.front().value;
        Latency* latency = std::isfinite(value) ? place(series) : nullptr;
        if (latency && !(latency->*field)) latency->*field = value;
      }
    };
    fill(now, &Latency::p95_seconds);
    fill(usual, &Latency::usual_p95_seconds);
    return {};
  }

  Status add_latencies() {
    const auto of = [this](const char* label) {
      return [this, label](const promql::SeriesResult& series) -> Latency* {
        const auto found = services_.find(std::string(series.labels.get(label)));
        return found == services_.end() ? nullptr : &found->second.latency;
      };
    };
    // The app's own figures first: what is filled already stays.
    RETURN_IF_ERROR(add_percentiles(
        std::string("http_request_duration_seconds_bucket{path!~\"") + kUncountedPaths + "\"}",
        "job", "job", of("job")));
    return add_percentiles(
        "traces_span_metrics_duration_seconds_bucket{span_kind=\"SPAN_KIND_SERVER\"}",
        "service_name", "service_name", of("service_name"));
  }

  Status add_targets() {
    ASSIGN_OR_RETURN(const promql::QueryResult up, by_minute("up"));
    for (const promql::SeriesResult& series : up.series) {
      const std::string job(series.labels.get("job"));
      if (!wanted(job) || series.points.empty()) continue;
      const promql::Point& last = series.points.back();
      if (last.time_ms < now_ns_ / base::kNsPerMs) continue;  // no longer scraped
      TargetSigns target{job, std::string(series.labels.get("instance")), last.value != 0, 0};
      for (size_t i = series.points.size(); !target.up && i > 0 && series.points[i - 1].value == 0;
           --i) {
        target.down_since_ns = series.points[i - 1].time_ms * base::kNsPerMs;
      }
      service(job).targets.push_back(std::move(target));
    }
    return {};
  }

  /// Client spans of a service by name.
  Status add_dependencies(ServiceSigns& signs) {
    std::vector<Predicate> where{equals(Field::kService, signs.service),
                                 equals(Field::kKind, "client")};
    ASSIGN_OR_RETURN(const Groups all, count_by_minute(where, Field::kSpanName));
    if (all.empty()) return {};
    where.push_back(equals(Field::kStatus, "error"));
    ASSIGN_OR_RETURN(Groups failed, count_by_minute(where, Field::kSpanName));
    std::map<std::string, DependencySigns> by_name;
    for (const auto& [name, minutes] : all) {
      if (by_name.size() >= kDependenciesMax) break;
      DependencySigns& d = by_name[name];
      d.name = name;
      d.calls = {minutes, std::vector<double>(kMinutes)};
      if (const auto found = failed.find(name); found != failed.end())
        d.calls.failed = found->second;
    }
    RETURN_IF_ERROR(add_percentiles(
        "traces_span_metrics_duration_seconds_bucket{span_kind=\"SPAN_KIND_CLIENT\"}",
        "service_name, span_name", "service_name",
        [&](const promql::SeriesResult& series) -> Latency* {
          if (series.labels.get("service_name") != signs.service) return nullptr;
          const auto found = by_name.find(std::string(series.labels.get("span_name")));
          return found == by_name.end() ? nullptr : &found->second.latency;
        }));
    for (auto& [name, d] : by_name) signs.dependencies.push_back(std::move(d));
    return {};
  }

  /// Only what a cause would show is looked for.
  Status add_examples(ServiceSigns& signs) {
    const ServiceVerdict draft = judge_service(signs, now_ns_);
    for (const Cause& cause : draft.causes) {
      std::vector<Predicate> where{equals(Field::kService, signs.service)};
      if (cause.kind == "target") continue;
      where.push_back(equals(Field::kKind, cause.kind == "dependency" ? "client" : "server"));
      if (cause.slow) {
        where.push_back(compares(Field::kDuration, Op::kGreaterOrEqual, cause.value * 1e9));
      } else {
        where.push_back(equals(Field::kStatus, "error"));
      }
      where.push_back(cause.kind == "dependency" ? equals(Field::kSpanName, cause.subject)
                                                 : counted_route());
      ASSIGN_OR_RETURN(const Example example, find_example(std::move(where)));
      if (cause.kind == "errors") signs.failed_trace_id = example.trace_id;
      if (cause.kind == "latency") signs.slow_trace_id = example.trace_id;
      if (cause.kind == "dependency") name_dependency(signs, cause.subject, example);
    }
    return {};
  }

  struct Example {
    std::string trace_id;
    std::string peer;  // whom the span calls, where it says so
  };

  /// The newest span that meets the conditions within the window.
  Result<Example> find_example(std::vector<Predicate> where) {
    constexpr std::string_view kPeerKeys[] = {"peer.service", "db.system.name", "db.system",
                                              "server.address", "net.peer.name"};
    store::RowQuery query;
    query.range = {now_ns_ - kWindowNs, now_ns_};
    query.where = std::move(where);
    query.columns.attributes.assign(std::begin(kPeerKeys), std::end(kPeerKeys));
    query.order = store::Order::kNewestFirst;
    Example example;
    RETURN_IF_ERROR(
        store_.scan_spans(query, context_, [&](const store::Block<model::SpanBatch>& block) {
          if (block.rows.empty()) return true;
          const model::SpanBatch& batch = block.batch;
          const uint32_t row = *std::max_element(
              block.rows.begin(), block.rows.end(),
              [&](uint32_t a, uint32_t b) { return batch.start_ns[a] < batch.start_ns[b]; });
          example.trace_id = batch.trace_id[row].hex();
          for (std::string_view key : kPeerKeys) {
            const auto id = batch.strings.find(key);
            const auto value = id ? batch.attributes.get(row, *id) : std::nullopt;
            if (value && example.peer.empty()) example.peer = value->to_string(batch.strings);
          }
          return false;
        }));
    return example;
  }

  static void name_dependency(ServiceSigns& signs, const std::string& span_name,
                              const Example& example) {
    for (DependencySigns& d : signs.dependencies) {
      if (d.name != span_name) continue;
      d.trace_id = example.trace_id;
      if (!example.peer.empty()) d.name = example.peer + " (" + span_name + ")";
    }
  }

  store::Store& store_;
  const std::string service_;
  const int64_t now_ns_;
  const store::ReadContext& context_;
  std::map<std::string, ServiceSigns> services_;
  std::set<std::string> from_spans_;
};

}  // namespace

Result<std::vector<ServiceSigns>> gather_signs(store::Store& store, const std::string& service,
                                               int64_t now_ns, const store::ReadContext& context) {
  return Gatherer(store, service, now_ns, context).run();
}

}  // namespace vedette::api
