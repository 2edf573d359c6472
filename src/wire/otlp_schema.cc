#include "wire/otlp_schema.h"

#include "wire/otlp_fields.h"

namespace vedette::wire::json {
namespace {

constexpr bool kRepeated = true;

extern const Message kAnyValue;

constexpr Field kKeyValueFields[] = {
    {"key", otlp::key_value::kKey, Kind::kText},
    {"value", otlp::key_value::kValue, Kind::kMessage, &kAnyValue},
};
const Message kKeyValue{"KeyValue", kKeyValueFields};

const Field kArrayValueFields[] = {
    {"values", otlp::array_value::kValues, Kind::kMessage, &kAnyValue, kRepeated},
};
const Message kArrayValue{"ArrayValue", kArrayValueFields};

const Field kKeyValueListFields[] = {
    {"values", otlp::key_value_list::kValues, Kind::kMessage, &kKeyValue, kRepeated},
};
const Message kKeyValueList{"KeyValueList", kKeyValueListFields};

const Field kAnyValueFields[] = {
    {"stringValue", otlp::any_value::kStringValue, Kind::kText},
    {"boolValue", otlp::any_value::kBoolValue, Kind::kBool},
    {"intValue", otlp::any_value::kIntValue, Kind::kSigned},
    {"doubleValue", otlp::any_value::kDoubleValue, Kind::kDouble},
    {"arrayValue", otlp::any_value::kArrayValue, Kind::kMessage, &kArrayValue},
    {"kvlistValue", otlp::any_value::kKvlistValue, Kind::kMessage, &kKeyValueList},
    {"bytesValue", otlp::any_value::kBytesValue, Kind::kBase64},
};
const Message kAnyValue{"AnyValue", kAnyValueFields};

const Field kResourceFields[] = {
    {"attributes", otlp::resource::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"droppedAttributesCount", otlp::resource::kDroppedAttributesCount, Kind::kInteger},
};
const Message kResource{"Resource", kResourceFields};

const Field kScopeFields[] = {
    {"name", otlp::instrumentation_scope::kName, Kind::kText},
    {"version", otlp::instrumentation_scope::kVersion, Kind::kText},
    {"attributes", otlp::instrumentation_scope::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"droppedAttributesCount", otlp::instrumentation_scope::kDroppedAttributesCount,
     Kind::kInteger},
};
const Message kScope{"InstrumentationScope", kScopeFields};

// ---- traces

const Field kStatusFields[] = {
    {"message", otlp::status::kMessage, Kind::kText},
    {"code", otlp::status::kCode, Kind::kInteger},
};
const Message kStatus{"Status", kStatusFields};

const Field kEventFields[] = {
    {"timeUnixNano", otlp::event::kTimeUnixNano, Kind::kInteger},
    {"name", otlp::event::kName, Kind::kText},
    {"attributes", otlp::event::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"droppedAttributesCount", otlp::event::kDroppedAttributesCount, Kind::kInteger},
};
const Message kEvent{"Event", kEventFields};

const Field kLinkFields[] = {
    {"traceId", otlp::link::kTraceId, Kind::kHexId},
    {"spanId", otlp::link::kSpanId, Kind::kHexId},
    {"traceState", otlp::link::kTraceState, Kind::kText},
    {"attributes", otlp::link::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"droppedAttributesCount", otlp::link::kDroppedAttributesCount, Kind::kInteger},
    {"flags", otlp::link::kFlags, Kind::kInteger},
};
const Message kLink{"Link", kLinkFields};

const Field kSpanFields[] = {
    {"traceId", otlp::span::kTraceId, Kind::kHexId},
    {"spanId", otlp::span::kSpanId, Kind::kHexId},
    {"traceState", otlp::span::kTraceState, Kind::kText},
    {"parentSpanId", otlp::span::kParentSpanId, Kind::kHexId},
    {"flags", otlp::span::kFlags, Kind::kInteger},
    {"name", otlp::span::kName, Kind::kText},
    {"kind", otlp::span::kKind, Kind::kInteger},
    {"startTimeUnixNano", otlp::span::kStartTimeUnixNano, Kind::kInteger},
    {"endTimeUnixNano", otlp::span::kEndTimeUnixNano, Kind::kInteger},
    {"attributes", otlp::span::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"droppedAttributesCount", otlp::span::kDroppedAttributesCount, Kind::kInteger},
    {"events", otlp::span::kEvents, Kind::kMessage, &kEvent, kRepeated},
    {"droppedEventsCount", otlp::span::kDroppedEventsCount, Kind::kInteger},
    {"links", otlp::span::kLinks, Kind::kMessage, &kLink, kRepeated},
    {"droppedLinksCount", otlp::span::kDroppedLinksCount, Kind::kInteger},
    {"status", otlp::span::kStatus, Kind::kMessage, &kStatus},
};
const Message kSpan{"Span", kSpanFields};

const Field kScopeSpansFields[] = {
    {"scope", otlp::scope_spans::kScope, Kind::kMessage, &kScope},
    {"spans", otlp::scope_spans::kSpans, Kind::kMessage, &kSpan, kRepeated},
    {"schemaUrl", otlp::scope_spans::kSchemaUrl, Kind::kText},
};
const Message kScopeSpans{"ScopeSpans", kScopeSpansFields};

const Field kResourceSpansFields[] = {
    {"resource", otlp::resource_spans::kResource, Kind::kMessage, &kResource},
    {"scopeSpans", otlp::resource_spans::kScopeSpans, Kind::kMessage, &kScopeSpans, kRepeated},
    {"schemaUrl", otlp::resource_spans::kSchemaUrl, Kind::kText},
};
const Message kResourceSpans{"ResourceSpans", kResourceSpansFields};

const Field kTraceRequestFields[] = {
    {"resourceSpans", otlp::export_trace_service_request::kResourceSpans, Kind::kMessage,
     &kResourceSpans, kRepeated},
};
const Message kTraceRequest{"ExportTraceServiceRequest", kTraceRequestFields};

// ---- logs

const Field kLogRecordFields[] = {
    {"timeUnixNano", otlp::log_record::kTimeUnixNano, Kind::kInteger},
    {"observedTimeUnixNano", otlp::log_record::kObservedTimeUnixNano, Kind::kInteger},
    {"severityNumber", otlp::log_record::kSeverityNumber, Kind::kInteger},
    {"severityText", otlp::log_record::kSeverityText, Kind::kText},
    {"body", otlp::log_record::kBody, Kind::kMessage, &kAnyValue},
    {"attributes", otlp::log_record::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"droppedAttributesCount", otlp::log_record::kDroppedAttributesCount, Kind::kInteger},
    {"flags", otlp::log_record::kFlags, Kind::kInteger},
    {"traceId", otlp::log_record::kTraceId, Kind::kHexId},
    {"spanId", otlp::log_record::kSpanId, Kind::kHexId},
    {"eventName", otlp::log_record::kEventName, Kind::kText},
};
const Message kLogRecord{"LogRecord", kLogRecordFields};

const Field kScopeLogsFields[] = {
    {"scope", otlp::scope_logs::kScope, Kind::kMessage, &kScope},
    {"logRecords", otlp::scope_logs::kLogRecords, Kind::kMessage, &kLogRecord, kRepeated},
    {"schemaUrl", otlp::scope_logs::kSchemaUrl, Kind::kText},
};
const Message kScopeLogs{"ScopeLogs", kScopeLogsFields};

const Field kResourceLogsFields[] = {
    {"resource", otlp::resource_logs::kResource, Kind::kMessage, &kResource},
    {"scopeLogs", otlp::resource_logs::kScopeLogs, Kind::kMessage, &kScopeLogs, kRepeated},
    {"schemaUrl", otlp::resource_logs::kSchemaUrl, Kind::kText},
};
const Message kResourceLogs{"ResourceLogs", kResourceLogsFields};

const Field kLogsRequestFields[] = {
    {"resourceLogs", otlp::export_logs_service_request::kResourceLogs, Kind::kMessage,
     &kResourceLogs, kRepeated},
};
const Message kLogsRequest{"ExportLogsServiceRequest", kLogsRequestFields};

// ---- metrics

const Field kExemplarFields[] = {
    {"filteredAttributes", otlp::exemplar::kFilteredAttributes, Kind::kMessage, &kKeyValue,
     kRepeated},
    {"timeUnixNano", otlp::exemplar::kTimeUnixNano, Kind::kInteger},
    {"asDouble", otlp::exemplar::kAsDouble, Kind::kDouble},
    {"asInt", otlp::exemplar::kAsInt, Kind::kSigned},
    {"spanId", otlp::exemplar::kSpanId, Kind::kHexId},
    {"traceId", otlp::exemplar::kTraceId, Kind::kHexId},
};
const Message kExemplar{"Exemplar", kExemplarFields};

const Field kNumberDataPointFields[] = {
    {"attributes", otlp::number_data_point::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"startTimeUnixNano", otlp::number_data_point::kStartTimeUnixNano, Kind::kInteger},
    {"timeUnixNano", otlp::number_data_point::kTimeUnixNano, Kind::kInteger},
    {"asDouble", otlp::number_data_point::kAsDouble, Kind::kDouble},
    {"asInt", otlp::number_data_point::kAsInt, Kind::kSigned},
    {"exemplars", otlp::number_data_point::kExemplars, Kind::kMessage, &kExemplar, kRepeated},
    {"flags", otlp::number_data_point::kFlags, Kind::kInteger},
};
const Message kNumberDataPoint{"NumberDataPoint", kNumberDataPointFields};

const Field kHistogramDataPointFields[] = {
    {"attributes", otlp::histogram_data_point::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"startTimeUnixNano", otlp::histogram_data_point::kStartTimeUnixNano, Kind::kInteger},
    {"timeUnixNano", otlp::histogram_data_point::kTimeUnixNano, Kind::kInteger},
    {"count", otlp::histogram_data_point::kCount, Kind::kInteger},
    {"sum", otlp::histogram_data_point::kSum, Kind::kDouble},
    {"bucketCounts", otlp::histogram_data_point::kBucketCounts, Kind::kInteger, nullptr, kRepeated},
    {"explicitBounds", otlp::histogram_data_point::kExplicitBounds, Kind::kDouble, nullptr,
     kRepeated},
    {"exemplars", otlp::histogram_data_point::kExemplars, Kind::kMessage, &kExemplar, kRepeated},
    {"flags", otlp::histogram_data_point::kFlags, Kind::kInteger},
    {"min", otlp::histogram_data_point::kMin, Kind::kDouble},
    {"max", otlp::histogram_data_point::kMax, Kind::kDouble},
};
const Message kHistogramDataPoint{"HistogramDataPoint", kHistogramDataPointFields};

const Field kValueAtQuantileFields[] = {
    {"quantile", otlp::value_at_quantile::kQuantile, Kind::kDouble},
    {"value", otlp::value_at_quantile::kValue, Kind::kDouble},
};
const Message kValueAtQuantile{"ValueAtQuantile", kValueAtQuantileFields};

const Field kSummaryDataPointFields[] = {
    {"attributes", otlp::summary_data_point::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"startTimeUnixNano", otlp::summary_data_point::kStartTimeUnixNano, Kind::kInteger},
    {"timeUnixNano", otlp::summary_data_point::kTimeUnixNano, Kind::kInteger},
    {"count", otlp::summary_data_point::kCount, Kind::kInteger},
    {"sum", otlp::summary_data_point::kSum, Kind::kDouble},
    {"quantileValues", otlp::summary_data_point::kQuantileValues, Kind::kMessage, &kValueAtQuantile,
     kRepeated},
    {"flags", otlp::summary_data_point::kFlags, Kind::kInteger},
};
const Message kSummaryDataPoint{"SummaryDataPoint", kSummaryDataPointFields};

const Field kGaugeFields[] = {
    {"dataPoints", otlp::gauge::kDataPoints, Kind::kMessage, &kNumberDataPoint, kRepeated},
};
const Message kGauge{"Gauge", kGaugeFields};

const Field kSumFields[] = {
    {"dataPoints", otlp::sum::kDataPoints, Kind::kMessage, &kNumberDataPoint, kRepeated},
    {"aggregationTemporality", otlp::sum::kAggregationTemporality, Kind::kInteger},
    {"isMonotonic", otlp::sum::kIsMonotonic, Kind::kBool},
};
const Message kSum{"Sum", kSumFields};

const Field kHistogramFields[] = {
    {"dataPoints", otlp::histogram::kDataPoints, Kind::kMessage, &kHistogramDataPoint, kRepeated},
    {"aggregationTemporality", otlp::histogram::kAggregationTemporality, Kind::kInteger},
};
const Message kHistogram{"Histogram", kHistogramFields};

const Field kBucketsFields[] = {
    {"offset", otlp::exponential_buckets::kOffset, Kind::kZigzag},
    {"bucketCounts", otlp::exponential_buckets::kBucketCounts, Kind::kUnsigned, nullptr, kRepeated},
};
const Message kBuckets{"Buckets", kBucketsFields};

namespace exponential = otlp::exponential_histogram_data_point;
const Field kExponentialDataPointFields[] = {
    {"attributes", exponential::kAttributes, Kind::kMessage, &kKeyValue, kRepeated},
    {"startTimeUnixNano", exponential::kStartTimeUnixNano, Kind::kInteger},
    {"timeUnixNano", exponential::kTimeUnixNano, Kind::kInteger},
    {"count", exponential::kCount, Kind::kInteger},
    {"sum", exponential::kSum, Kind::kDouble},
    {"scale", exponential::kScale, Kind::kZigzag},
    {"zeroCount", exponential::kZeroCount, Kind::kInteger},
    {"positive", exponential::kPositive, Kind::kMessage, &kBuckets},
    {"negative", exponential::kNegative, Kind::kMessage, &kBuckets},
    {"flags", exponential::kFlags, Kind::kInteger},
    {"exemplars", exponential::kExemplars, Kind::kMessage, &kExemplar, kRepeated},
    {"min", exponential::kMin, Kind::kDouble},
    {"max", exponential::kMax, Kind::kDouble},
    {"zeroThreshold", exponential::kZeroThreshold, Kind::kDouble},
};
const Message kExponentialDataPoint{"ExponentialHistogramDataPoint", kExponentialDataPointFields};
const Field kExponentialHistogramFields[] = {
    {"dataPoints", otlp::exponential_histogram::kDataPoints, Kind::kMessage, &kExponentialDataPoint,
     kRepeated},
    {"aggregationTemporality", otlp::exponential_histogram::kAggregationTemporality,
     Kind::kInteger},
};
const Message kExponentialHistogram{"ExponentialHistogram", kExponentialHistogramFields};

const Field kSummaryFields[] = {
    {"dataPoints", otlp::summary::kDataPoints, Kind::kMessage, &kSummaryDataPoint, kRepeated},
};
const Message kSummary{"Summary", kSummaryFields};

const Field kMetricFields[] = {
    {"name", otlp::metric::kName, Kind::kText},
    {"description", otlp::metric::kDescription, Kind::kText},
    {"unit", otlp::metric::kUnit, Kind::kText},
    {"gauge", otlp::metric::kGauge, Kind::kMessage, &kGauge},
    {"sum", otlp::metric::kSum, Kind::kMessage, &kSum},
    {"histogram", otlp::metric::kHistogram, Kind::kMessage, &kHistogram},
    {"exponentialHistogram", otlp::metric::kExponentialHistogram, Kind::kMessage,
     &kExponentialHistogram},
    {"summary", otlp::metric::kSummary, Kind::kMessage, &kSummary},
};
const Message kMetric{"Metric", kMetricFields};

const Field kScopeMetricsFields[] = {
    {"scope", otlp::scope_metrics::kScope, Kind::kMessage, &kScope},
    {"metrics", otlp::scope_metrics::kMetrics, Kind::kMessage, &kMetric, kRepeated},
    {"schemaUrl", otlp::scope_metrics::kSchemaUrl, Kind::kText},
};
const Message kScopeMetrics{"ScopeMetrics", kScopeMetricsFields};

const Field kResourceMetricsFields[] = {
    {"resource", otlp::resource_metrics::kResource, Kind::kMessage, &kResource},
    {"scopeMetrics", otlp::resource_metrics::kScopeMetrics, Kind::kMessage, &kScopeMetrics,
     kRepeated},
    {"schemaUrl", otlp::resource_metrics::kSchemaUrl, Kind::kText},
};
const Message kResourceMetrics{"ResourceMetrics", kResourceMetricsFields};

const Field kMetricsRequestFields[] = {
    {"resourceMetrics", otlp::export_metrics_service_request::kResourceMetrics, Kind::kMessage,
     &kResourceMetrics, kRepeated},
};
const Message kMetricsRequest{"ExportMetricsServiceRequest", kMetricsRequestFields};

}  // namespace

const Message& request_schema(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return kTraceRequest;
    case Signal::kLogs:
      return kLogsRequest;
    case Signal::kMetrics:
      return kMetricsRequest;
  }
  return kTraceRequest;
}

}  // namespace vedette::wire::json
