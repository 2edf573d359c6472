#include "wire/otlp_response.h"

#include "base/bytes.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "wire/otlp_fields.h"

namespace vedette::wire {
namespace {

namespace traces = otlp::export_trace_partial_success;
namespace logs = otlp::export_logs_partial_success;
namespace metrics = otlp::export_metrics_partial_success;

// The three answers differ in their names only.
static_assert(traces::kRejectedSpans == logs::kRejectedLogRecords &&
              traces::kRejectedSpans == metrics::kRejectedDataPoints);
static_assert(traces::kErrorMessage == logs::kErrorMessage &&
              traces::kErrorMessage == metrics::kErrorMessage);

// google/rpc/status.proto
constexpr uint32_t kStatusCode = varint_tag(1);
constexpr uint32_t kStatusMessage = bytes_tag(2);

std::string_view rejected_name(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "rejectedSpans";
    case Signal::kLogs:
      return "rejectedLogRecords";
    case Signal::kMetrics:
      return "rejectedDataPoints";
  }
  return {};
}

}  // namespace

std::string_view content_type(Encoding encoding) {
  return encoding == Encoding::kJson ? "application/json" : "application/x-protobuf";
}

std::string export_response(Signal signal, Encoding encoding, uint64_t rejected,
                            std::string_view message) {
  if (encoding == Encoding::kJson) {
    if (message.empty()) return "{}";
    base::JsonWriter json;
    json.begin_object().key("partialSuccess").begin_object();
    // 64-bit integers are strings in protobuf's JSON.
    if (rejected > 0) json.field(rejected_name(signal), std::to_string(rejected));
    json.field("errorMessage", message).end_object().end_object();
    return json.take();
  }
  if (message.empty()) return {};
  std::string partial;
  base::ByteWriter w(partial);
  if (rejected > 0) {
    w.varint(traces::kRejectedSpans);
    w.varint(rejected);
  }
  w.varint(traces::kErrorMessage);
  w.bytes(base::sanitize_utf8(message));
  std::string out;
  base::ByteWriter whole(out);
  whole.varint(otlp::export_trace_service_response::kPartialSuccess);
  whole.bytes(partial);
  return out;
}

std::string status_body(Encoding encoding, int grpc_code, std::string_view message) {
  if (encoding == Encoding::kJson) {
    base::JsonWriter json;
    json.begin_object().field("code", grpc_code).field("message", message).end_object();
    return json.take();
  }
  std::string out;
  base::ByteWriter w(out);
  w.varint(kStatusCode);
  w.varint(static_cast<uint64_t>(grpc_code));
  w.varint(kStatusMessage);
  w.bytes(base::sanitize_utf8(message));
  return out;
}

}  // namespace vedette::wire
