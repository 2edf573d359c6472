"""The field numbers that src/sdk writes, against the descriptors of opentelemetry-proto."""

import re
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

HEADER = Path(__file__).parents[2] / "src" / "sdk" / "otlp_fields.h"

# Fields of a metric's points.
POINT = {
    "Start": "start_time_unix_nano",
    "Time": "time_unix_nano",
    "Double": "as_double",
    "Int": "as_int",
    "Buckets": "bucket_counts",
    "Bounds": "explicit_bounds",
    "Points": "data_points",
    "Temporality": "aggregation_temporality",
    "Monotonic": "is_monotonic",
}

# Our struct: the messages it stands for, and our names where they differ from theirs.
MESSAGES = {
    "KeyValue": ([common_pb2.KeyValue], {}),
    "AnyValue": (
        [common_pb2.AnyValue],
        {
            name: f"{name.lower()}_value"
            for name in ("String", "Bool", "Int", "Double", "Array", "Kvlist", "Bytes")
        },
    ),
    "List": ([common_pb2.ArrayValue, common_pb2.KeyValueList], {}),
    "Resource": ([resource_pb2.Resource], {}),
    "Scope": ([common_pb2.InstrumentationScope], {}),
    "Span": (
        [trace_pb2.Span],
        {
            "Start": "start_time_unix_nano",
            "End": "end_time_unix_nano",
            "DroppedAttributes": "dropped_attributes_count",
            "DroppedEvents": "dropped_events_count",
            "DroppedLinks": "dropped_links_count",
        },
    ),
    "Event": (
        [trace_pb2.Span.Event],
        {"Time": "time_unix_nano", "DroppedAttributes": "dropped_attributes_count"},
    ),
    "Link": ([trace_pb2.Span.Link], {"DroppedAttributes": "dropped_attributes_count"}),
    "Status": ([trace_pb2.Status], {}),
    "LogRecord": (
        [logs_pb2.LogRecord],
        {
            "Time": "time_unix_nano",
            "ObservedTime": "observed_time_unix_nano",
            "DroppedAttributes": "dropped_attributes_count",
        },
    ),
    "Metric": ([metrics_pb2.Metric], {}),
    "MetricData": ([metrics_pb2.Sum], POINT),
    "NumberPoint": ([metrics_pb2.NumberDataPoint], POINT),
    "HistogramPoint": ([metrics_pb2.HistogramDataPoint], POINT),
    "ExponentialPoint": ([metrics_pb2.ExponentialHistogramDataPoint], POINT),
    "ExponentialBuckets": (
        [metrics_pb2.ExponentialHistogramDataPoint.Buckets],
        {"Counts": "bucket_counts"},
    ),
    "Exemplar": ([metrics_pb2.Exemplar], {**POINT, "Attributes": "filtered_attributes"}),
    "ResourceGroup": ([trace_pb2.ResourceSpans], {"Scopes": "scope_spans"}),
    "ResourceGroup of logs": ([logs_pb2.ResourceLogs], {"Scopes": "scope_logs"}),
    "ResourceGroup of metrics": ([metrics_pb2.ResourceMetrics], {"Scopes": "scope_metrics"}),
    "ScopeGroup of metrics": ([metrics_pb2.ScopeMetrics], {"Items": "metrics"}),
    "Request of metrics": (
        [metrics_service_pb2.ExportMetricsServiceRequest],
        {"ResourceGroups": "resource_metrics"},
    ),
    "ScopeGroup": ([trace_pb2.ScopeSpans], {"Items": "spans"}),
    "ScopeGroup of logs": ([logs_pb2.ScopeLogs], {"Items": "log_records"}),
    "Request": (
        [trace_service_pb2.ExportTraceServiceRequest],
        {"ResourceGroups": "resource_spans"},
    ),
    "Request of logs": (
        [logs_service_pb2.ExportLogsServiceRequest],
        {"ResourceGroups": "resource_logs"},
    ),
    "Response": (
        [trace_service_pb2.ExportTraceServiceResponse, logs_service_pb2.ExportLogsServiceResponse],
        {},
    ),
    "PartialSuccess": (
        [trace_service_pb2.ExportTracePartialSuccess],
        {"Rejected": "rejected_spans", "Message": "error_message"},
    ),
    "PartialSuccess of logs": (
        [logs_service_pb2.ExportLogsPartialSuccess],
        {"Rejected": "rejected_log_records", "Message": "error_message"},
    ),
}


def structs():
    text = re.sub(r"//[^\n]*", "", HEADER.read_text())
    for name, body in re.findall(r"struct (\w+) \{(.*?)\n?\};", text, re.S):
        yield name, {field: int(number) for field, number in re.findall(r"k(\w+) = (\d+)", body)}


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


@pytest.mark.parametrize("key", MESSAGES)
def test_numbers(key):
    ours = dict(structs())[key.split()[0]]
    messages, names = MESSAGES[key]
    assert ours
    for message in messages:
        fields = {field.name: field.number for field in message.DESCRIPTOR.fields}
        assert ours == {name: fields[names.get(name, snake(name))] for name in ours}


def test_no_struct_is_left_out():
    assert {name for name, _ in structs()} == {key.split()[0] for key in MESSAGES}
