"""Components by name: exporters, samplers, propagators, id generators, resource detectors.

Our own are in the table below; every other name is looked up among the entry points of installed packages, in the
groups the specification and ``opentelemetry-sdk`` have given them, so that plug-ins written for upstream work.
"""

from __future__ import annotations

import importlib
from typing import Any
from urllib.parse import urlsplit

from vedette import _env

TRACES_EXPORTER = "opentelemetry_traces_exporter"
METRICS_EXPORTER = "opentelemetry_metrics_exporter"
LOGS_EXPORTER = "opentelemetry_logs_exporter"
SAMPLER = "opentelemetry_traces_sampler"
ID_GENERATOR = "opentelemetry_id_generator"
RESOURCE_DETECTOR = "opentelemetry_resource_detector"
PROPAGATOR = "opentelemetry_propagator"

_GRPC = "vedette.exporter.otlp.proto.grpc"
_HTTP = "vedette.exporter.otlp.proto.http"
_JSON = "vedette.exporter.otlp.json"

_OWN = {
    (TRACES_EXPORTER, "otlp_proto_grpc"): f"{_GRPC}.trace_exporter:OTLPSpanExporter",
    (TRACES_EXPORTER, "otlp_proto_http"): f"{_HTTP}.trace_exporter:OTLPSpanExporter",
    (TRACES_EXPORTER, "otlp_json_http"): f"{_JSON}.http.trace_exporter:OTLPSpanExporter",
    (TRACES_EXPORTER, "otlp_json_file"): f"{_JSON}.file.trace_exporter:FileSpanExporter",
    (TRACES_EXPORTER, "console"): "vedette.sdk.trace.export:ConsoleSpanExporter",
    (TRACES_EXPORTER, "zipkin"): "vedette.exporter.zipkin.proto.http:ZipkinExporter",
    (TRACES_EXPORTER, "zipkin_proto"): "vedette.exporter.zipkin.proto.http:ZipkinExporter",
    (TRACES_EXPORTER, "zipkin_json"): "vedette.exporter.zipkin.json:ZipkinExporter",
    (METRICS_EXPORTER, "otlp_proto_grpc"): f"{_GRPC}.metric_exporter:OTLPMetricExporter",
    (METRICS_EXPORTER, "otlp_proto_http"): f"{_HTTP}.metric_exporter:OTLPMetricExporter",
    (METRICS_EXPORTER, "otlp_json_http"): f"{_JSON}.http.metric_exporter:OTLPMetricExporter",
    (METRICS_EXPORTER, "otlp_json_file"): f"{_JSON}.file.metric_exporter:FileMetricExporter",
    (METRICS_EXPORTER, "console"): "vedette.sdk.metrics.export:ConsoleMetricExporter",
    (METRICS_EXPORTER, "prometheus"): "vedette.exporter.prometheus:_AutoPrometheusMetricReader",
    (LOGS_EXPORTER, "otlp_proto_grpc"): f"{_GRPC}._log_exporter:OTLPLogExporter",
    (LOGS_EXPORTER, "otlp_proto_http"): f"{_HTTP}._log_exporter:OTLPLogExporter",
    (LOGS_EXPORTER, "otlp_json_http"): f"{_JSON}.http._log_exporter:OTLPLogExporter",
    (LOGS_EXPORTER, "otlp_json_file"): f"{_JSON}.file._log_exporter:FileLogExporter",
    (LOGS_EXPORTER, "console"): "vedette.sdk._logs.export:ConsoleLogRecordExporter",
    (PROPAGATOR, "tracecontext"): "opentelemetry.trace.propagation.tracecontext:TraceContextTextMapPropagator",
    (PROPAGATOR, "baggage"): "opentelemetry.baggage.propagation:W3CBaggagePropagator",
    (PROPAGATOR, "b3"): "vedette.propagators:B3SingleFormat",
    (PROPAGATOR, "b3multi"): "vedette.propagators:B3MultiFormat",
    (PROPAGATOR, "jaeger"): "vedette.propagators:JaegerPropagator",
    (PROPAGATOR, "ottrace"): "vedette.propagators:OTTracePropagator",
}  # fmt: skip

_OTLP_NAMES = {
    "grpc": "otlp_proto_grpc",
    "http/protobuf": "otlp_proto_http",
    "http/json": "otlp_json_http",
}

EXPORTER_GROUPS = {
    "traces": TRACES_EXPORTER,
    "metrics": METRICS_EXPORTER,
    "logs": LOGS_EXPORTER,
}


class UnknownComponentError(LookupError):
    """No component of that name: misspelled, or its package is not installed."""


def find(group: str, name: str) -> Any:
    """The class or function of that name. Raises UnknownComponentError, or what loading it raises."""
    own = _OWN.get((group, name))
    if own is not None:
        module, _, attribute = own.partition(":")
        return getattr(importlib.import_module(module), attribute)
    from importlib.metadata import entry_points

    for entry in entry_points(group=group, name=name):
        return entry.load()
    known = sorted({n for g, n in _OWN if g == group} | {e.name for e in entry_points(group=group)})
    raise UnknownComponentError(
        f"{name!r} is not found in {group}" + (f"; there are {', '.join(known)}" if known else "")
    )


def otlp_protocol(signal: str) -> str:
    """``grpc``, ``http/protobuf`` or ``http/json``. Unless it is said: gRPC where the endpoint's port is gRPC's own, 4317."""
    protocol = _env.given("OTEL_EXPORTER_OTLP_PROTOCOL", signal)
    if protocol is not None:
        return str(protocol)
    endpoint = _env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal) or ""
    try:
        port = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").port
    except ValueError:
        port = None
    return "grpc" if port == 4317 else "http/protobuf"


def exporter(signal: str, name: str) -> Any:
    """The exporter class (for metrics: or reader class) of a name in ``OTEL_{TRACES,METRICS,LOGS}_EXPORTER``."""
    if name == "otlp":
        name = _OTLP_NAMES[otlp_protocol(signal)]
    elif name == "otlp/stdout":
        name = "otlp_json_file"
    return find(EXPORTER_GROUPS[signal], name)
