// The verdict as JSON.
#include "api/answer.h"
#include "api/request_params.h"
#include "api/vedette_api.h"
#include "api/verdict_signs.h"

namespace vedette::api {
namespace {

using base::JsonWriter;

void write_optional(JsonWriter& json, const char* key, const std::optional<double>& value) {
  json.key(key);
  if (value) {
    json.value(*value);
  } else {
    json.null();
  }
}

void write_since(JsonWriter& json, int64_t ns) {
  json.field("since_ns", ns > 0 ? std::to_string(ns) : std::string());
}

void write_cause(JsonWriter& json, const Cause& cause) {
  json.begin_object().field("kind", cause.kind).field("state", state_name(cause.state));
  json.field("sentence", cause.sentence)
      .field("subject", cause.subject)
      .field("value", cause.value);
  write_optional(json, "usual", cause.usual);
  write_since(json, cause.since_ns);
  json.field("trace_id", cause.trace_id).end_object();
}

void write_service(JsonWriter& json, const ServiceVerdict& v) {
  json.begin_object()
      .field("service", v.service)
      .field("state", state_name(v.state))
      .field("sentence", v.sentence);
  write_since(json, v.since_ns);
  json.field("requests_per_second", v.requests_per_second);
  write_optional(json, "error_ratio", v.error_ratio);
  write_optional(json, "p95_seconds", v.p95_seconds);
  json.key("causes").begin_array();
  for (const Cause& cause : v.causes) write_cause(json, cause);
  json.end_array().end_object();
}

void write_down_targets(JsonWriter& json, const Verdict& verdict) {
  json.key("targets").begin_array();
  for (const ServiceVerdict& v : verdict.services) {
    for (const Cause& cause : v.causes) {
      if (cause.kind != "target") continue;
      json.begin_object()
          .field("job", v.service)
          .field("instance", cause.subject)
          .field("state", state_name(cause.state));
      json.field("sentence", cause.sentence).end_object();
    }
  }
  json.end_array();
}

}  // namespace

Answer show_verdict(const VedetteApi& api, const net::Parameters& p,
                    const store::ReadContext& context) {
  int64_t now_ns = api.clock.now_ns();
  if (const auto time = text(p, "time"); !time.empty()) {
    ASSIGN_OR_RETURN(now_ns, parse_time_ns("time", time));
  }
  ASSIGN_OR_RETURN(auto signs,
                   gather_signs(api.store, std::string(text(p, "service")), now_ns, context));
  const Verdict verdict = judge(std::move(signs), now_ns);
  JsonWriter json;
  json.begin_object().field("state", state_name(verdict.state)).field("sentence", verdict.sentence);
  write_since(json, verdict.since_ns);
  write_moment(json, "time_ns", now_ns);
  json.key("services").begin_array();
  for (const ServiceVerdict& v : verdict.services) write_service(json, v);
  json.end_array();
  write_down_targets(json, verdict);
  json.end_object();
  return json.take();
}

}  // namespace vedette::api
