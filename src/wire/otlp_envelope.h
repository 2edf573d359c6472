// What the three OTLP requests share: records within scopes within resources.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/attributes.h"
#include "model/ids.h"
#include "wire/any_value.h"
#include "wire/batch_text.h"
#include "wire/decoded.h"
#include "wire/otlp_fields.h"

namespace vedette::wire {

// One description of the envelope serves all three signals.
static_assert(otlp::resource_spans::kResource == otlp::resource_logs::kResource &&
              otlp::resource_spans::kScopeSpans == otlp::resource_logs::kScopeLogs &&
              otlp::resource_spans::kSchemaUrl == otlp::resource_logs::kSchemaUrl &&
              otlp::scope_spans::kScope == otlp::scope_logs::kScope &&
              otlp::scope_spans::kSpans == otlp::scope_logs::kLogRecords &&
              otlp::scope_spans::kSchemaUrl == otlp::scope_logs::kSchemaUrl);
static_assert(otlp::resource_spans::kResource == otlp::resource_metrics::kResource &&
              otlp::resource_spans::kScopeSpans == otlp::resource_metrics::kScopeMetrics &&
              otlp::scope_spans::kScope == otlp::scope_metrics::kScope &&
              otlp::scope_spans::kSpans == otlp::scope_metrics::kMetrics);

inline constexpr std::string_view kUnknownService = "unknown_service";

/// The error of a body that can't be read; `request` names the message it should have been.
Error otlp_body_error(AnyValueFault fault, std::string_view request, const DecodeOptions& options);

/// Resources and scopes of a batch, while its records are read.
class EnvelopeDecoder {
 public:
  EnvelopeDecoder(std::vector<model::Resource>& resources, std::vector<model::Scope>& scopes,
                  BatchText& text, const DecodeOptions& options)
      : resources_(resources), scopes_(scopes), text_(text), options_(options) {}

  /// Walks a whole request. `sink.record(bytes, resource, scope)` gives a fault; `sink.rows()` the
  /// rows so far: resources and scopes without any are taken back, so that empty ones can't pile
  /// up; `sink.expect(n)` announces how many records a scope has.
  template <typename Sink>
  AnyValueFault walk(std::string_view body, Sink& sink) {
    ProtoReader in(body);
    while (in.next()) {
      if (in.tag() != otlp::export_trace_service_request::kResourceSpans) {
        in.skip();
        continue;
      }
      const size_t before = sink.rows();
      const size_t scopes_before = scopes_.size();
      const auto fault = walk_resource(in.bytes(), sink);
      if (fault != AnyValueFault::kNone) return fault;
      if (sink.rows() == before) {
        resources_.pop_back();
        scopes_.resize(scopes_before);
      }
    }
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

 private:
  template <typename Sink>
  AnyValueFault walk_resource(std::string_view bytes, Sink& sink) {
    const auto index = static_cast<uint32_t>(resources_.size());
    resources_.emplace_back();
    ProtoReader in(bytes);
    while (in.next()) {
      auto fault = AnyValueFault::kNone;
      switch (in.tag()) {
        case otlp::resource_spans::kResource:
          fault = resource(in.bytes(), resources_[index]);
          break;
        case otlp::resource_spans::kScopeSpans:
          fault = walk_scope(in.bytes(), index, sink);
          break;
        case otlp::resource_spans::kSchemaUrl:
          resources_[index].schema_url = text_.intern(in.bytes());
          break;
        default:
          in.skip();
      }
      if (fault != AnyValueFault::kNone) return fault;
    }
    if (resources_[index].service == 0) resources_[index].service = text_.intern(kUnknownService);
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  template <typename Sink>
  AnyValueFault walk_scope(std::string_view bytes, uint32_t resource, Sink& sink) {
    const size_t before = sink.rows();
    const auto index = static_cast<uint32_t>(scopes_.size());
    scopes_.emplace_back();
    // A walk over the heads of the records, for memory taken once instead of ten times.
    size_t records = 0;
    ProtoReader heads(bytes);
    for (; heads.next(); heads.skip()) records += heads.tag() == otlp::scope_spans::kSpans;
    sink.expect(std::min(records, options_.rows_max));
    ProtoReader in(bytes);
    while (in.next()) {
      auto fault = AnyValueFault::kNone;
      switch (in.tag()) {
        case otlp::scope_spans::kSpans:
          fault = sink.record(in.bytes(), resource, index);
          break;
        case otlp::scope_spans::kScope:
          fault = scope(in.bytes(), scopes_[index]);
          break;
        case otlp::scope_spans::kSchemaUrl:
          scopes_[index].schema_url = text_.intern(in.bytes());
          break;
        default:
          in.skip();
      }
      if (fault != AnyValueFault::kNone) return fault;
    }
    if (sink.rows() == before) scopes_.pop_back();
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  AnyValueFault resource(std::string_view bytes, model::Resource& out);
  AnyValueFault scope(std::string_view bytes, model::Scope& out);
  AnyValueFault attribute(std::string_view bytes, model::AttributeList& out);

  std::vector<model::Resource>& resources_;
  std::vector<model::Scope>& scopes_;
  BatchText& text_;
  const DecodeOptions& options_;
};

/// A nanosecond time of OTLP; times after the year 2262 do not fit and give nothing.
inline bool otlp_time(uint64_t nanos, int64_t& out) {
  out = static_cast<int64_t>(nanos);
  return nanos <= static_cast<uint64_t>(INT64_MAX);
}

/// False unless `bytes` is an id: 16 or 8 bytes, not all zero.
inline bool otlp_trace_id(std::string_view bytes, model::TraceId& out) {
  if (bytes.size() != 16) return false;
  out = model::TraceId::from_bytes(bytes.data());
  return out.valid();
}
inline bool otlp_span_id(std::string_view bytes, model::SpanId& out) {
  if (bytes.size() != 8) return false;
  out = model::span_id_from_bytes(bytes.data());
  return out != 0;
}

}  // namespace vedette::wire
