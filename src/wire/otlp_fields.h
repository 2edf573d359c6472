// The fields of OTLP that Vedette reads and writes, by message (opentelemetry-proto 1.x, all
// stable). tests/wire/test_otlp_fields.py compares number and type of each with the published
// descriptors; it reads the comment in front of each namespace and the `kName = type_tag(number)`
// lines.
#pragma once

#include <cstdint>

#include "wire/proto_reader.h"

namespace vedette::wire::otlp {

// opentelemetry.proto.common.v1.AnyValue
namespace any_value {
inline constexpr uint32_t kStringValue = bytes_tag(1);
inline constexpr uint32_t kBoolValue = varint_tag(2);
inline constexpr uint32_t kIntValue = varint_tag(3);
inline constexpr uint32_t kDoubleValue = fixed64_tag(4);
inline constexpr uint32_t kArrayValue = bytes_tag(5);
inline constexpr uint32_t kKvlistValue = bytes_tag(6);
inline constexpr uint32_t kBytesValue = bytes_tag(7);
}  // namespace any_value
// opentelemetry.proto.common.v1.ArrayValue
namespace array_value {
inline constexpr uint32_t kValues = bytes_tag(1);
}
// opentelemetry.proto.common.v1.KeyValueList
namespace key_value_list {
inline constexpr uint32_t kValues = bytes_tag(1);
}
// opentelemetry.proto.common.v1.KeyValue
namespace key_value {
inline constexpr uint32_t kKey = bytes_tag(1);
inline constexpr uint32_t kValue = bytes_tag(2);
}  // namespace key_value
// opentelemetry.proto.common.v1.InstrumentationScope
namespace instrumentation_scope {
inline constexpr uint32_t kName = bytes_tag(1);
inline constexpr uint32_t kVersion = bytes_tag(2);
inline constexpr uint32_t kAttributes = bytes_tag(3);
inline constexpr uint32_t kDroppedAttributesCount = varint_tag(4);
}  // namespace instrumentation_scope
// opentelemetry.proto.resource.v1.Resource
namespace resource {
inline constexpr uint32_t kAttributes = bytes_tag(1);
inline constexpr uint32_t kDroppedAttributesCount = varint_tag(2);
}  // namespace resource

// opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest
namespace export_trace_service_request {
inline constexpr uint32_t kResourceSpans = bytes_tag(1);
}
// opentelemetry.proto.trace.v1.ResourceSpans
namespace resource_spans {
inline constexpr uint32_t kResource = bytes_tag(1);
inline constexpr uint32_t kScopeSpans = bytes_tag(2);
inline constexpr uint32_t kSchemaUrl = bytes_tag(3);
}  // namespace resource_spans
// opentelemetry.proto.trace.v1.ScopeSpans
namespace scope_spans {
inline constexpr uint32_t kScope = bytes_tag(1);
inline constexpr uint32_t kSpans = bytes_tag(2);
inline constexpr uint32_t kSchemaUrl = bytes_tag(3);
}  // namespace scope_spans
// opentelemetry.proto.trace.v1.Span
namespace span {
inline constexpr uint32_t kTraceId = bytes_tag(1);
inline constexpr uint32_t kSpanId = bytes_tag(2);
inline constexpr uint32_t kTraceState = bytes_tag(3);
inline constexpr uint32_t kParentSpanId = bytes_tag(4);
inline constexpr uint32_t kName = bytes_tag(5);
inline constexpr uint32_t kKind = varint_tag(6);
inline constexpr uint32_t kStartTimeUnixNano = fixed64_tag(7);
inline constexpr uint32_t kEndTimeUnixNano = fixed64_tag(8);
inline constexpr uint32_t kAttributes = bytes_tag(9);
inline constexpr uint32_t kDroppedAttributesCount = varint_tag(10);
inline constexpr uint32_t kEvents = bytes_tag(11);
inline constexpr uint32_t kDroppedEventsCount = varint_tag(12);
inline constexpr uint32_t kLinks = bytes_tag(13);
inline constexpr uint32_t kDroppedLinksCount = varint_tag(14);
inline constexpr uint32_t kStatus = bytes_tag(15);
inline constexpr uint32_t kFlags = fixed32_tag(16);
}  // namespace span
// opentelemetry.proto.trace.v1.Span.Event
namespace event {
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(1);
inline constexpr uint32_t kName = bytes_tag(2);
inline constexpr uint32_t kAttributes = bytes_tag(3);
inline constexpr uint32_t kDroppedAttributesCount = varint_tag(4);
}  // namespace event
// opentelemetry.proto.trace.v1.Span.Link
namespace link {
inline constexpr uint32_t kTraceId = bytes_tag(1);
inline constexpr uint32_t kSpanId = bytes_tag(2);
inline constexpr uint32_t kTraceState = bytes_tag(3);
inline constexpr uint32_t kAttributes = bytes_tag(4);
inline constexpr uint32_t kDroppedAttributesCount = varint_tag(5);
inline constexpr uint32_t kFlags = fixed32_tag(6);
}  // namespace link
// opentelemetry.proto.trace.v1.Status
namespace status {
inline constexpr uint32_t kMessage = bytes_tag(2);
inline constexpr uint32_t kCode = varint_tag(3);
}  // namespace status

// opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest
namespace export_logs_service_request {
inline constexpr uint32_t kResourceLogs = bytes_tag(1);
}
// opentelemetry.proto.logs.v1.ResourceLogs
namespace resource_logs {
inline constexpr uint32_t kResource = bytes_tag(1);
inline constexpr uint32_t kScopeLogs = bytes_tag(2);
inline constexpr uint32_t kSchemaUrl = bytes_tag(3);
}  // namespace resource_logs
// opentelemetry.proto.logs.v1.ScopeLogs
namespace scope_logs {
inline constexpr uint32_t kScope = bytes_tag(1);
inline constexpr uint32_t kLogRecords = bytes_tag(2);
inline constexpr uint32_t kSchemaUrl = bytes_tag(3);
}  // namespace scope_logs
// opentelemetry.proto.logs.v1.LogRecord
namespace log_record {
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(1);
inline constexpr uint32_t kSeverityNumber = varint_tag(2);
inline constexpr uint32_t kSeverityText = bytes_tag(3);
inline constexpr uint32_t kBody = bytes_tag(5);
inline constexpr uint32_t kAttributes = bytes_tag(6);
inline constexpr uint32_t kDroppedAttributesCount = varint_tag(7);
inline constexpr uint32_t kFlags = fixed32_tag(8);
inline constexpr uint32_t kTraceId = bytes_tag(9);
inline constexpr uint32_t kSpanId = bytes_tag(10);
inline constexpr uint32_t kObservedTimeUnixNano = fixed64_tag(11);
inline constexpr uint32_t kEventName = bytes_tag(12);
}  // namespace log_record

// opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest
namespace export_metrics_service_request {
inline constexpr uint32_t kResourceMetrics = bytes_tag(1);
}
// opentelemetry.proto.metrics.v1.ResourceMetrics
namespace resource_metrics {
inline constexpr uint32_t kResource = bytes_tag(1);
inline constexpr uint32_t kScopeMetrics = bytes_tag(2);
inline constexpr uint32_t kSchemaUrl = bytes_tag(3);
}  // namespace resource_metrics
// opentelemetry.proto.metrics.v1.ScopeMetrics
namespace scope_metrics {
inline constexpr uint32_t kScope = bytes_tag(1);
inline constexpr uint32_t kMetrics = bytes_tag(2);
inline constexpr uint32_t kSchemaUrl = bytes_tag(3);
}  // namespace scope_metrics
// opentelemetry.proto.metrics.v1.Metric
namespace metric {
inline constexpr uint32_t kName = bytes_tag(1);
inline constexpr uint32_t kDescription = bytes_tag(2);
inline constexpr uint32_t kUnit = bytes_tag(3);
inline constexpr uint32_t kGauge = bytes_tag(5);
inline constexpr uint32_t kSum = bytes_tag(7);
inline constexpr uint32_t kHistogram = bytes_tag(9);
inline constexpr uint32_t kExponentialHistogram = bytes_tag(10);
inline constexpr uint32_t kSummary = bytes_tag(11);
}  // namespace metric
// opentelemetry.proto.metrics.v1.Gauge
namespace gauge {
inline constexpr uint32_t kDataPoints = bytes_tag(1);
}
// opentelemetry.proto.metrics.v1.Sum
namespace sum {
inline constexpr uint32_t kDataPoints = bytes_tag(1);
inline constexpr uint32_t kAggregationTemporality = varint_tag(2);
inline constexpr uint32_t kIsMonotonic = varint_tag(3);
}  // namespace sum
// opentelemetry.proto.metrics.v1.Histogram
namespace histogram {
inline constexpr uint32_t kDataPoints = bytes_tag(1);
inline constexpr uint32_t kAggregationTemporality = varint_tag(2);
}  // namespace histogram
// opentelemetry.proto.metrics.v1.ExponentialHistogram
namespace exponential_histogram {
inline constexpr uint32_t kDataPoints = bytes_tag(1);
inline constexpr uint32_t kAggregationTemporality = varint_tag(2);
}  // namespace exponential_histogram
// opentelemetry.proto.metrics.v1.Summary
namespace summary {
inline constexpr uint32_t kDataPoints = bytes_tag(1);
}
// opentelemetry.proto.metrics.v1.NumberDataPoint
namespace number_data_point {
inline constexpr uint32_t kStartTimeUnixNano = fixed64_tag(2);
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(3);
inline constexpr uint32_t kAsDouble = fixed64_tag(4);
inline constexpr uint32_t kExemplars = bytes_tag(5);
inline constexpr uint32_t kAsInt = fixed64_tag(6);
inline constexpr uint32_t kAttributes = bytes_tag(7);
inline constexpr uint32_t kFlags = varint_tag(8);
}  // namespace number_data_point
// opentelemetry.proto.metrics.v1.HistogramDataPoint
namespace histogram_data_point {
inline constexpr uint32_t kStartTimeUnixNano = fixed64_tag(2);
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(3);
inline constexpr uint32_t kCount = fixed64_tag(4);
inline constexpr uint32_t kSum = fixed64_tag(5);
inline constexpr uint32_t kBucketCounts = bytes_tag(6);
inline constexpr uint32_t kExplicitBounds = bytes_tag(7);
inline constexpr uint32_t kExemplars = bytes_tag(8);
inline constexpr uint32_t kAttributes = bytes_tag(9);
inline constexpr uint32_t kFlags = varint_tag(10);
inline constexpr uint32_t kMin = fixed64_tag(11);
inline constexpr uint32_t kMax = fixed64_tag(12);
}  // namespace histogram_data_point
// opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint
namespace exponential_histogram_data_point {
inline constexpr uint32_t kAttributes = bytes_tag(1);
inline constexpr uint32_t kStartTimeUnixNano = fixed64_tag(2);
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(3);
inline constexpr uint32_t kCount = fixed64_tag(4);
inline constexpr uint32_t kSum = fixed64_tag(5);
inline constexpr uint32_t kScale = varint_tag(6);
inline constexpr uint32_t kZeroCount = fixed64_tag(7);
inline constexpr uint32_t kPositive = bytes_tag(8);
inline constexpr uint32_t kNegative = bytes_tag(9);
inline constexpr uint32_t kFlags = varint_tag(10);
inline constexpr uint32_t kExemplars = bytes_tag(11);
inline constexpr uint32_t kMin = fixed64_tag(12);
inline constexpr uint32_t kMax = fixed64_tag(13);
inline constexpr uint32_t kZeroThreshold = fixed64_tag(14);
}  // namespace exponential_histogram_data_point
// opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint.Buckets
namespace exponential_buckets {
inline constexpr uint32_t kOffset = varint_tag(1);
inline constexpr uint32_t kBucketCounts = bytes_tag(2);
}  // namespace exponential_buckets
// opentelemetry.proto.metrics.v1.SummaryDataPoint
namespace summary_data_point {
inline constexpr uint32_t kStartTimeUnixNano = fixed64_tag(2);
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(3);
inline constexpr uint32_t kCount = fixed64_tag(4);
inline constexpr uint32_t kSum = fixed64_tag(5);
inline constexpr uint32_t kQuantileValues = bytes_tag(6);
inline constexpr uint32_t kAttributes = bytes_tag(7);
inline constexpr uint32_t kFlags = varint_tag(8);
}  // namespace summary_data_point
// opentelemetry.proto.metrics.v1.SummaryDataPoint.ValueAtQuantile
namespace value_at_quantile {
inline constexpr uint32_t kQuantile = fixed64_tag(1);
inline constexpr uint32_t kValue = fixed64_tag(2);
}  // namespace value_at_quantile
// opentelemetry.proto.metrics.v1.Exemplar
namespace exemplar {
inline constexpr uint32_t kTimeUnixNano = fixed64_tag(2);
inline constexpr uint32_t kAsDouble = fixed64_tag(3);
inline constexpr uint32_t kSpanId = bytes_tag(4);
inline constexpr uint32_t kTraceId = bytes_tag(5);
inline constexpr uint32_t kAsInt = fixed64_tag(6);
inline constexpr uint32_t kFilteredAttributes = bytes_tag(7);
}  // namespace exemplar

// opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse
namespace export_trace_service_response {
inline constexpr uint32_t kPartialSuccess = bytes_tag(1);
}
// opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess
namespace export_trace_partial_success {
inline constexpr uint32_t kRejectedSpans = varint_tag(1);
inline constexpr uint32_t kErrorMessage = bytes_tag(2);
}  // namespace export_trace_partial_success
// opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse
namespace export_logs_service_response {
inline constexpr uint32_t kPartialSuccess = bytes_tag(1);
}
// opentelemetry.proto.collector.logs.v1.ExportLogsPartialSuccess
namespace export_logs_partial_success {
inline constexpr uint32_t kRejectedLogRecords = varint_tag(1);
inline constexpr uint32_t kErrorMessage = bytes_tag(2);
}  // namespace export_logs_partial_success
// opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse
namespace export_metrics_service_response {
inline constexpr uint32_t kPartialSuccess = bytes_tag(1);
}
// opentelemetry.proto.collector.metrics.v1.ExportMetricsPartialSuccess
namespace export_metrics_partial_success {
inline constexpr uint32_t kRejectedDataPoints = varint_tag(1);
inline constexpr uint32_t kErrorMessage = bytes_tag(2);
}  // namespace export_metrics_partial_success

}  // namespace vedette::wire::otlp
