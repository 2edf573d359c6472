// What there is: series, label names and values, metric metadata, exemplars, and who answers.
#include <map>
#include <set>

#include "api/prometheus_params.h"
#include "base/utf8.h"
#include "query/promql/parser.h"
#include "query/promql/text.h"

namespace vedette::api {
namespace {

using base::JsonWriter;

using MatcherSets = std::vector<std::vector<store::Matcher>>;

/// The selectors of match[]. `named`: whether errors name the parameter, which differs between
/// endpoints.
Result<MatcherSets> matcher_sets(const PrometheusRequest& request, bool named) {
  MatcherSets out;
  for (const std::string_view text : request.parameters.all("match[]")) {
    auto matchers = promql::parse_selector(text);
    if (!matchers.ok())
      return named ? bad_parameter("match[]", matchers.error().message) : matchers.error();
    if (std::all_of(matchers->begin(), matchers->end(), promql::matches_empty)) {
      return bad_parameter("match[]", "match[] must contain at least one non-empty matcher");
    }
    out.push_back(std::move(matchers).value());
  }
  return out;
}

/// Label names, or the values of `label`.
PrometheusResult values_answer(const PrometheusRequest& request, const std::string& label) {
  ASSIGN_OR_RETURN(const size_t limit, limit_parameter(request.parameters));
  store::ValuesQuery query;
  query.table = store::Table::kSeries;
  query.key = label;
  query.limit = limit > 0 ? limit + 1 : std::numeric_limits<size_t>::max();
  ASSIGN_OR_RETURN(query.range, range_parameters(request.parameters));
  ASSIGN_OR_RETURN(query.matchers, matcher_sets(request, false));
  PrometheusAnswer out;
  std::vector<std::string> values;
  if (query.range.begin_ns < query.range.end_ns) {
    ASSIGN_OR_RETURN(values, request.store.values(query, request.context));
  }
  if (limit > 0 && values.size() > limit) {
    values.resize(limit);
    out.warnings.emplace_back(kTruncated);
  }
  JsonWriter json;
  json.begin_array();
  for (const std::string& value : values) json.value(value);
  json.end_array();
  out.data = json.take();
  return out;
}

void selectors_of(const promql::Node& node, MatcherSets& out) {
  using Kind = promql::Node::Kind;
  switch (node.kind) {
    case Kind::kVectorSelector:
      out.push_back(promql::as<promql::VectorSelector>(node).matchers);
      break;
    case Kind::kMatrixSelector:
      selectors_of(*promql::as<promql::MatrixSelector>(node).selector, out);
      break;
    case Kind::kSubquery:
      selectors_of(*promql::as<promql::Subquery>(node).expr, out);
      break;
    case Kind::kUnary:
      selectors_of(*promql::as<promql::Unary>(node).expr, out);
      break;
    case Kind::kParen:
      selectors_of(*promql::as<promql::Paren>(node).expr, out);
      break;
    case Kind::kAggregate: {
      const auto& aggregate = promql::as<promql::Aggregate>(node);
      if (aggregate.parameter) selectors_of(*aggregate.parameter, out);
      selectors_of(*aggregate.expr, out);
      break;
    }
    case Kind::kBinary:
      selectors_of(*promql::as<promql::Binary>(node).lhs, out);
      selectors_of(*promql::as<promql::Binary>(node).rhs, out);
      break;
    case Kind::kCall:
      for (const promql::NodePtr& arg : promql::as<promql::Call>(node).args)
        selectors_of(*arg, out);
      break;
    default:
      break;
  }
}

Result<size_t> count_parameter(const PrometheusRequest& request, const char* name) {
  const std::string_view text = request.parameters.get(name).value_or("");
  if (text.empty()) return std::numeric_limits<size_t>::max();
  int64_t n = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), n);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return Error{Code::kInvalidArgument, std::string(name) + " must be a number"};
  }
  return n < 0 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(n);
}

}  // namespace

PrometheusResult prometheus_series(const PrometheusRequest& request) {
  if (request.parameters.all("match[]").empty()) {
    return Error{Code::kInvalidArgument, "no match[] parameter provided"};
  }
  ASSIGN_OR_RETURN(const size_t limit, limit_parameter(request.parameters));
  ASSIGN_OR_RETURN(const store::TimeRange range, range_parameters(request.parameters));
  ASSIGN_OR_RETURN(const MatcherSets sets, matcher_sets(request, true));
  std::set<model::Labels> found;
  for (const auto& matchers : sets) {
    if (range.begin_ns >= range.end_ns) break;
    ASSIGN_OR_RETURN(std::vector<store::Series> series,
                     request.store.series(matchers, range, request.context));
    for (store::Series& s : series) found.insert(std::move(s.labels));
  }
  PrometheusAnswer out;
  JsonWriter json;
  json.begin_array();
  size_t written = 0;
  for (const model::Labels& labels : found) {
    if (limit > 0 && written == limit) {
      out.warnings.emplace_back(kTruncated);
      break;
    }
    write_labels(json, labels);
    ++written;
  }
  json.end_array();
  out.data = json.take();
  return out;
}

PrometheusResult prometheus_labels(const PrometheusRequest& request) {
  return values_answer(request, {});
}

PrometheusResult prometheus_label_values(const PrometheusRequest& request,
                                         const std::string& label) {
  if (label.empty() || !base::is_utf8(label)) {
    return Error{Code::kInvalidArgument, "invalid label name: " + promql::quote(label)};
  }
  return values_answer(request, label);
}

PrometheusResult prometheus_metadata(const PrometheusRequest& request) {
  ASSIGN_OR_RETURN(const size_t limit, count_parameter(request, "limit"));
  ASSIGN_OR_RETURN(const size_t per_metric, count_parameter(request, "limit_per_metric"));
  const std::string metric(request.parameters.get("metric").value_or(""));
  std::map<std::string, std::vector<model::MetricMetadata>> by_family;
  for (model::MetricMetadata& m : request.store.metadata(metric))
    by_family[m.family].push_back(std::move(m));
  JsonWriter json;
  json.begin_object();
  size_t written = 0;
  for (const auto& [family, all] : by_family) {
    if (written++ == limit) break;
    json.key(family).begin_array();
    for (size_t i = 0; i < all.size() && (i < per_metric || per_metric == 0); ++i) {
      json.begin_object().field("type", model::metric_type_name(all[i].type));
      json.field("help", all[i].help).field("unit", all[i].unit).end_object();
    }
    json.end_array();
  }
  json.end_object();
  return PrometheusAnswer{json.take(), {}, {}};
}

PrometheusResult prometheus_exemplars(const PrometheusRequest& request) {
  constexpr size_t kExemplarsMax = 10'000;
  ASSIGN_OR_RETURN(const store::TimeRange range, range_parameters(request.parameters));
  const auto expr = promql::parse_expression(request.parameters.get("query").value_or(""));
  if (!expr.ok()) return expr.error();
  MatcherSets sets;
  selectors_of(**expr, sets);
  std::map<store::SeriesId, model::Labels> labels_of;
  for (const auto& matchers : sets) {
    // A series keeps its exemplars longer than it has samples in the range, so time does not narrow
    // the series.
    ASSIGN_OR_RETURN(std::vector<store::Series> found,
                     request.store.series(matchers, {}, request.context));
    for (store::Series& series : found) labels_of.emplace(series.id, std::move(series.labels));
  }
  std::vector<store::SeriesId> ids;
  for (const auto& [id, labels] : labels_of) ids.push_back(id);
  ASSIGN_OR_RETURN(const std::vector<store::Exemplar> exemplars,
                   request.store.exemplars(ids, range, kExemplarsMax, request.context));
  std::map<model::Labels, std::vector<const store::Exemplar*>> by_series;
  for (const store::Exemplar& e : exemplars) by_series[labels_of[e.series]].push_back(&e);
  JsonWriter json;
  json.begin_array();
  for (const auto& [labels, of_series] : by_series) {
    json.begin_object().key("seriesLabels");
    write_labels(json, labels);
    json.key("exemplars").begin_array();
    for (const store::Exemplar* e : of_series) {
      json.begin_object().key("labels");
      write_labels(json, e->labels);
      json.field("value", promql::format_sample(e->value));
      json.key("timestamp").raw(promql::format_time(e->time_ms)).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
  return PrometheusAnswer{json.take(), {}, {}};
}

PrometheusResult prometheus_buildinfo(const PrometheusRequest&) {
  // Clients switch features by this version: it is the Prometheus whose API this is. No `features`,
  // or Grafana takes the server for Mimir.
  JsonWriter json;
  json.begin_object()
      .field("version", "3.5.0")
      .field("revision", "vedette")
      .field("branch", "vedette");
  json.field("buildUser", "").field("buildDate", "").field("goVersion", "").end_object();
  return PrometheusAnswer{json.take(), {}, {}};
}

}  // namespace vedette::api
