#include "api/jaeger_trace.h"

#include "base/json_writer.h"

namespace vedette::api {
namespace {

using base::JsonWriter;
using model::SpanBatch;
using model::Value;
using model::ValueType;

void write_tag(JsonWriter& json, std::string_view key, std::string_view value) {
  json.begin_object().field("key", key).field("type", "string").field("value", value).end_object();
}

void write_tag(JsonWriter& json, std::string_view key, const Value& value,
               const model::StringTable& strings) {
  json.begin_object().field("key", key);
  switch (value.type) {
    case ValueType::kBool:
      json.field("type", "bool").field("value", value.bits != 0);
      break;
    case ValueType::kInt:
      json.field("type", "int64").field("value", value.as_int());
      break;
    case ValueType::kDouble:
      if (std::isfinite(value.as_double())) {
        json.field("type", "float64").field("value", value.as_double());
        break;
      }
      [[fallthrough]];
    default:
      json.field("type", value.type == ValueType::kBytes ? "binary" : "string")
          .field("value", value.to_string(strings));
  }
  json.end_object();
}

std::string process_json(const SpanBatch& batch, uint32_t row) {
  const model::Resource& resource = batch.resources[batch.resource[row]];
  JsonWriter json;
  json.begin_object()
      .field("serviceName", batch.strings[resource.service])
      .key("tags")
      .begin_array();
  for (const auto& item : resource.attributes.items) {
    if (batch.strings[item.key] != "service.name")
      write_tag(json, batch.strings[item.key], item.value, batch.strings);
  }
  json.end_array().end_object();
  return json.take();
}

/// What OTLP has fields for and Jaeger has tags for (OpenTelemetry to Jaeger transformation).
void write_field_tags(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  if (batch.kind[row] != model::SpanKind::kUnspecified)
    write_tag(json, "span.kind", model::span_kind_name(batch.kind[row]));
  if (batch.status[row] == model::SpanStatus::kError) {
    write_tag(json, "otel.status_code", "ERROR");
    json.begin_object()
        .field("key", "error")
        .field("type", "bool")
        .field("value", true)
        .end_object();
  } else if (batch.status[row] == model::SpanStatus::kOk) {
    write_tag(json, "otel.status_code", "OK");
  }
  const auto message = batch.strings[batch.status_message[row]];
  if (!message.empty()) write_tag(json, "otel.status_description", message);
  const model::Scope& scope = batch.scopes[batch.scope[row]];
  if (scope.name != 0) write_tag(json, "otel.scope.name", batch.strings[scope.name]);
  if (scope.version != 0) write_tag(json, "otel.scope.version", batch.strings[scope.version]);
  const auto state = batch.strings[batch.trace_state[row]];
  if (!state.empty()) write_tag(json, "w3c.tracestate", state);
}

void write_references(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  const auto write = [&](const char* type, model::TraceId trace, model::SpanId span) {
    json.begin_object().field("refType", type).field("traceID", trace.hex());
    json.field("spanID", model::span_id_hex(span)).end_object();
  };
  json.key("references").begin_array();
  if (batch.parent_span_id[row] != 0)
    write("CHILD_OF", batch.trace_id[row], batch.parent_span_id[row]);
  const auto [first, last] = rows_of(batch.links.span_row, row);
  for (size_t i = first; i < last; ++i)
    write("FOLLOWS_FROM", batch.links.trace_id[i], batch.links.span_id[i]);
  json.end_array();
}

void write_logs(JsonWriter& json, const SpanBatch& batch, uint32_t row) {
  json.key("logs").begin_array();
  const auto [first, last] = rows_of(batch.events.span_row, row);
  for (size_t i = first; i < last; ++i) {
    json.begin_object()
        .field("timestamp", batch.events.time_ns[i] / 1000)
        .key("fields")
        .begin_array();
    if (batch.events.name[i] != 0) write_tag(json, "event", batch.strings[batch.events.name[i]]);
    batch.events.attributes.for_each(static_cast<uint32_t>(i),
                                     [&](model::StringId key, const Value& value) {
                                       write_tag(json, batch.strings[key], value, batch.strings);
                                     });
    json.end_array().end_object();
  }
  json.end_array();
}

}  // namespace

std::string jaeger_span_json(const SpanBatch& batch, uint32_t row, TraceDocument& document) {
  const size_t process = document.resources.add(process_json(batch, row)) + 1;
  JsonWriter json;
  json.begin_object()
      .field("traceID", batch.trace_id[row].hex())
      .field("spanID", model::span_id_hex(batch.span_id[row]));
  json.field("flags", static_cast<uint64_t>(batch.flags[row] & 1))
      .field("operationName", batch.strings[batch.name[row]]);
  write_references(json, batch, row);
  json.field("startTime", batch.start_ns[row] / 1000)
      .field("duration", batch.duration_ns[row] / 1000);
  json.key("tags").begin_array();
  batch.attributes.for_each(row, [&](model::StringId key, const Value& value) {
    write_tag(json, batch.strings[key], value, batch.strings);
  });
  write_field_tags(json, batch, row);
  json.end_array();
  write_logs(json, batch, row);
  json.field("processID", "p" + std::to_string(process)).key("warnings").null().end_object();
  return json.take();
}

std::string jaeger_trace_json(const TraceDocument& trace) {
  JsonWriter json;
  json.begin_object().field("traceID", trace.trace_id.hex()).key("spans").begin_array();
  for (const TraceSpan& span : trace.spans) json.raw(span.json);
  json.end_array().key("processes").begin_object();
  for (size_t i = 0; i < trace.resources.items().size(); ++i) {
    json.key("p" + std::to_string(i + 1)).raw(trace.resources.items()[i]);
  }
  json.end_object().key("warnings").null().end_object();
  return json.take();
}

}  // namespace vedette::api
