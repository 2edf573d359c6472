#include "model/log_batch.h"
#include "model/span_batch.h"

namespace vedette::model {
namespace {

template <typename T>
size_t held(const std::vector<T>& v) {
  return v.capacity() * sizeof(T);
}

size_t held(const std::vector<Resource>& resources, const std::vector<Scope>& scopes) {
  size_t total = resources.capacity() * sizeof(Resource) + scopes.capacity() * sizeof(Scope);
  for (const Resource& r : resources) total += held(r.attributes.items);
  for (const Scope& s : scopes) total += held(s.attributes.items);
  return total;
}

}  // namespace

std::string_view span_kind_name(SpanKind kind) {
  switch (kind) {
    case SpanKind::kUnspecified:
      return "unspecified";
    case SpanKind::kInternal:
      return "internal";
    case SpanKind::kServer:
      return "server";
    case SpanKind::kClient:
      return "client";
    case SpanKind::kProducer:
      return "producer";
    case SpanKind::kConsumer:
      return "consumer";
  }
  return "unspecified";
}

std::string_view span_status_name(SpanStatus status) {
  switch (status) {
    case SpanStatus::kUnset:
      return "unset";
    case SpanStatus::kOk:
      return "ok";
    case SpanStatus::kError:
      return "error";
  }
  return "unset";
}

std::string_view severity_name(uint8_t severity) {
  constexpr std::string_view kNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
  if (severity == 0 || severity > 24) return {};
  return kNames[(severity - 1) / 4];
}

size_t SpanBatch::bytes() const {
  return strings.bytes() + held(resources, scopes) + held(trace_id) + held(span_id) +
         held(parent_span_id) + held(start_ns) + held(duration_ns) + held(name) + held(kind) +
         held(status) + held(status_message) + held(trace_state) + held(flags) + held(resource) +
         held(scope) + held(dropped_attributes) + held(dropped_events) + held(dropped_links) +
         attributes.bytes() + held(events.span_row) + held(events.time_ns) + held(events.name) +
         held(events.dropped_attributes) + events.attributes.bytes() + held(links.span_row) +
         held(links.trace_id) + held(links.span_id) + held(links.trace_state) + held(links.flags) +
         held(links.dropped_attributes) + links.attributes.bytes();
}

size_t LogBatch::bytes() const {
  return strings.bytes() + held(resources, scopes) + held(time_ns) + held(observed_ns) +
         held(severity) + held(severity_text) + held(body) + held(event_name) + held(trace_id) +
         held(span_id) + held(flags) + held(resource) + held(scope) + held(dropped_attributes) +
         attributes.bytes();
}

}  // namespace vedette::model
