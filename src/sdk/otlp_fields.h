// Field numbers of OTLP 1.x, as far as the in-process side writes them
// (opentelemetry/proto/{common,resource,trace,metrics,logs}/v1, collector/*/v1). A test holds them
// to the descriptors of the opentelemetry-proto package.
#pragma once

#include <cstdint>

namespace vedette::sdk::otlp {

struct KeyValue {
  static constexpr uint32_t kKey = 1, kValue = 2;
};
struct AnyValue {
  static constexpr uint32_t kString = 1, kBool = 2, kInt = 3, kDouble = 4, kArray = 5, kKvlist = 6,
                            kBytes = 7;
};
/// ArrayValue and KeyValueList alike.
struct List {
  static constexpr uint32_t kValues = 1;
};
struct Resource {
  static constexpr uint32_t kAttributes = 1;
};
struct Scope {
  static constexpr uint32_t kName = 1, kVersion = 2, kAttributes = 3;
};

struct Span {
  static constexpr uint32_t kTraceId = 1, kSpanId = 2, kTraceState = 3, kParentSpanId = 4,
                            kName = 5, kKind = 6, kStart = 7, kEnd = 8, kAttributes = 9,
                            kDroppedAttributes = 10, kEvents = 11, kDroppedEvents = 12, kLinks = 13,
                            kDroppedLinks = 14, kStatus = 15, kFlags = 16;
};
struct Event {
  static constexpr uint32_t kTime = 1, kName = 2, kAttributes = 3, kDroppedAttributes = 4;
};
struct Link {
  static constexpr uint32_t kTraceId = 1, kSpanId = 2, kTraceState = 3, kAttributes = 4,
                            kDroppedAttributes = 5, kFlags = 6;
};
struct Status {
  static constexpr uint32_t kMessage = 2, kCode = 3;
};

struct LogRecord {
  static constexpr uint32_t kTime = 1, kSeverityNumber = 2, kSeverityText = 3, kBody = 5,
                            kAttributes = 6, kDroppedAttributes = 7, kFlags = 8, kTraceId = 9,
                            kSpanId = 10, kObservedTime = 11, kEventName = 12;
};

/// opentelemetry/proto/metrics/v1.
struct Metric {
  static constexpr uint32_t kName = 1, kDescription = 2, kUnit = 3, kGauge = 5, kSum = 7,
                            kHistogram = 9, kExponentialHistogram = 10;
};
/// Gauge, Sum, Histogram and ExponentialHistogram alike.
struct MetricData {
  static constexpr uint32_t kPoints = 1, kTemporality = 2, kMonotonic = 3;
};
struct NumberPoint {
  static constexpr uint32_t kStart = 2, kTime = 3, kDouble = 4, kExemplars = 5, kInt = 6,
                            kAttributes = 7;
};
struct HistogramPoint {
  static constexpr uint32_t kStart = 2, kTime = 3, kCount = 4, kSum = 5, kBuckets = 6, kBounds = 7,
                            kExemplars = 8, kAttributes = 9, kMin = 11, kMax = 12;
};
struct ExponentialPoint {
  static constexpr uint32_t kAttributes = 1, kStart = 2, kTime = 3, kCount = 4, kSum = 5,
                            kScale = 6, kZeroCount = 7, kPositive = 8, kNegative = 9,
                            kExemplars = 11, kMin = 12, kMax = 13;
};
struct ExponentialBuckets {
  static constexpr uint32_t kOffset = 1, kCounts = 2;
};
struct Exemplar {
  static constexpr uint32_t kTime = 2, kDouble = 3, kSpanId = 4, kTraceId = 5, kInt = 6,
                            kAttributes = 7;
};

/// ResourceSpans, ResourceMetrics and ResourceLogs alike.
struct ResourceGroup {
  static constexpr uint32_t kResource = 1, kScopes = 2, kSchemaUrl = 3;
};
/// ScopeSpans, ScopeMetrics and ScopeLogs alike.
struct ScopeGroup {
  static constexpr uint32_t kScope = 1, kItems = 2, kSchemaUrl = 3;
};
/// ExportTraceServiceRequest, ExportMetricsServiceRequest and ExportLogsServiceRequest alike.
struct Request {
  static constexpr uint32_t kResourceGroups = 1;
};
/// Export*ServiceResponse and its partial success.
struct Response {
  static constexpr uint32_t kPartialSuccess = 1;
};
struct PartialSuccess {
  static constexpr uint32_t kRejected = 1, kMessage = 2;
};

}  // namespace vedette::sdk::otlp
