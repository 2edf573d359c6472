"""Telemetry as the upstream OpenTelemetry SDK and Prometheus send it."""

import time

import cramjam
import grpc
import opentelemetry.exporter.otlp.proto.http as otlp_http
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetricExporter,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

TRANSPORTS = ["grpc", "grpc-gzip", "http", "http-gzip"]


def exporter(server, transport, signal):
    """signal: traces, logs or metrics."""
    kind, _, gzip = transport.partition("-")
    if kind == "grpc":
        classes = {
            "traces": GrpcSpanExporter,
            "logs": GrpcLogExporter,
            "metrics": GrpcMetricExporter,
        }
        compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
        return classes[signal](endpoint=server.grpc, insecure=True, compression=compression)
    classes = {"traces": HttpSpanExporter, "logs": HttpLogExporter, "metrics": HttpMetricExporter}
    compression = otlp_http.Compression.Gzip if gzip else otlp_http.Compression.NoCompression
    return classes[signal](
        endpoint=f"http://{server.otlp_http}/v1/{signal}", compression=compression
    )


class App:
    """One service with its three providers."""

    def __init__(self, server, service, transport="grpc", **attributes):
        resource = Resource.create({"service.name": service, **attributes})
        self.traces = TracerProvider(resource=resource)
        self.traces.add_span_processor(BatchSpanProcessor(exporter(server, transport, "traces")))
        self.tracer = self.traces.get_tracer("e2e", "1.2.3")
        self.logs = LoggerProvider(resource=resource)
        self.logs.add_log_record_processor(
            BatchLogRecordProcessor(exporter(server, transport, "logs"))
        )
        self.logger = self.logs.get_logger("e2e")
        self.reader = PeriodicExportingMetricReader(
            exporter(server, transport, "metrics"), export_interval_millis=1e9
        )
        self.metrics = MeterProvider(resource=resource, metric_readers=[self.reader])
        self.meter = self.metrics.get_meter("e2e")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Everything is sent, and acknowledged, before this returns."""
        self.traces.shutdown()
        self.logs.shutdown()
        self.metrics.shutdown()

    def log(self, body, severity=SeverityNumber.INFO, **attributes):
        self.logger.emit(
            timestamp=time.time_ns(),
            severity_number=severity,
            severity_text=severity.name,
            body=body,
            attributes=attributes,
        )

    def order(self, order_id, fails=False):
        """A request with a query and a call inside; gives the trace id."""
        with self.tracer.start_as_current_span(
            "POST /orders",
            kind=SpanKind.SERVER,
            attributes={"http.route": "/orders", "order.id": order_id},
        ) as request:
            with self.tracer.start_as_current_span(
                "INSERT orders", kind=SpanKind.CLIENT, attributes={"db.system.name": "postgresql"}
            ):
                self.log(f"order {order_id} stored", order_id=order_id)
            link = Link(request.get_span_context(), {"why": "same order"})
            with self.tracer.start_as_current_span(
                "POST /charges", kind=SpanKind.CLIENT, links=[link]
            ) as call:
                call.set_attribute("server.address", "payments")
                if fails:
                    call.record_exception(TimeoutError("payments took too long"))
                    call.set_status(Status(StatusCode.ERROR, "timeout"))
                    self.log(
                        f"payment of {order_id} failed",
                        SeverityNumber.ERROR,
                        order_id=order_id,
                        attempt=3,
                    )
            request.set_attribute("http.response.status_code", 502 if fails else 201)
            if fails:
                request.set_status(Status(StatusCode.ERROR))
            return format(request.get_span_context().trace_id, "032x")


def _varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def _field(number, payload):
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def remote_write(series):
    """A remote write 1.0 request of [({label: value}, [(milliseconds, value)])], compressed."""
    import struct

    body = b""
    for labels, samples in series:
        one = b"".join(
            _field(1, _field(1, k.encode()) + _field(2, v.encode()))
            for k, v in sorted(labels.items())
        )
        for ms, value in samples:
            one += _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(ms))
        body += _field(1, one)
    return bytes(cramjam.snappy.compress_raw(body))


REMOTE_WRITE_HEADERS = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}


def send_samples(server, series, address=None):
    return server.post(
        "/api/v1/write",
        remote_write(series),
        "application/x-protobuf",
        address,
        **REMOTE_WRITE_HEADERS,
    )
