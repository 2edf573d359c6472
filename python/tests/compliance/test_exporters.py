"""Section "Exporters": the interface, and OTLP for traces."""

import io
import json
import time

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from rows import row
from vedette.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from vedette.exporter.otlp.proto.http import Compression
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECTION = "Exporters"
WAIT_MS = 30_000


def provider_of(*processors, **options):
    options.setdefault("resource", Resource({"service.name": "s"}))
    provider = TracerProvider(shutdown_on_exit=False, **options)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def batches(exporter, **options):
    """(provider, processor) that send when they are flushed."""
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000, **options)
    return provider_of(processor), processor


def record(provider, count=1, **attributes):
    tracer = provider.get_tracer("t")
    for i in range(count):
        tracer.start_span(f"s{i}", attributes=attributes).end()


def partial_success(rejected, message):
    response = trace_pb.ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response


# ---- the interface ----


@row(SECTION, "Exporter interface", "Exporter interface has `ForceFlush`")
def test_interface():
    calls = []

    class Mine(SpanExporter):
        def export(self, spans):
            calls.append([span.name for span in spans])
            return SpanExportResult.FAILURE if len(calls) == 1 else SpanExportResult.SUCCESS

        def force_flush(self, timeout_millis=30000):
            calls.append("flush")
            return True

        def shutdown(self):
            calls.append("shutdown")

    provider, processor = batches(Mine())
    for _ in range(2):
        record(provider, 2)
        assert provider.force_flush()
    provider.shutdown()
    record(provider)
    assert calls == [["s0", "s1"], "flush", ["s0", "s1"], "flush", "shutdown"]
    stats = processor.stats()
    assert (stats["sent"], stats["dropped_failed"]) == (2, 2)


@row(SECTION, "Standard output (logging)")
def test_console(capsys):
    out = io.StringIO()
    provider = provider_of(SimpleSpanProcessor(ConsoleSpanExporter(out=out)))
    record(provider, k=1)
    written = json.loads(out.getvalue())
    assert (written["name"], written["attributes"]) == ("s0", {"k": 1})


@row(SECTION, "In-memory (mock exporter)")
def test_in_memory():
    exporter = InMemorySpanExporter(max_spans=2)
    provider = provider_of(SimpleSpanProcessor(exporter))
    record(provider, 3)
    assert [span.name for span in exporter.get_finished_spans()] == ["s1", "s2"]
    exporter.clear()
    provider.shutdown()
    assert not exporter.get_finished_spans()
    assert exporter.export([]) is SpanExportResult.FAILURE


# ---- OTLP ----


@row(SECTION, "OTLP/gRPC Exporter")
def test_grpc(grpc_sink):
    provider, _ = batches(GrpcExporter(grpc_sink.url, headers={"X-Key": "v"}, compression="gzip"))
    record(provider, 3)
    assert provider.force_flush(WAIT_MS)
    assert [span.name for _, span in grpc_sink.spans()] == ["s0", "s1", "s2"]
    assert grpc_sink.metadata[0]["x-key"] == "v"
    provider.shutdown()


@row(
    SECTION,
    "OTLP/HTTP binary Protobuf Exporter",
    "OTLP/HTTP gzip Content-Encoding support",
    "Honors the user agent spec",
)
@pytest.mark.parametrize("compression", [None, Compression.Gzip, Compression.Deflate])
def test_http(http_sink, compression):
    provider, _ = batches(HttpExporter(http_sink.url, compression=compression))
    record(provider, 3)
    assert provider.force_flush(WAIT_MS)
    assert [span.name for _, span in http_sink.spans()] == ["s0", "s1", "s2"]
    (headers,) = http_sink.headers
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers.get("Content-Encoding") == (compression and compression.value)
    assert headers["User-Agent"].startswith("OTel-OTLP-Exporter-")
    provider.shutdown()


@row(SECTION, "Enforces request size limit")
def test_request_size_limit(http_sink, capfd):
    limit = 20_000
    provider, processor = batches(HttpExporter(http_sink.url, max_request_size=limit))
    record(provider, 20, text="x" * 3_000)
    record(provider, 1, text="x" * 30_000)  # can never be sent
    record(provider, 1)
    provider.force_flush(WAIT_MS)
    assert len(http_sink.spans()) == 21
    assert len(http_sink.bodies) > 2 and max(map(len, http_sink.bodies)) <= limit
    assert processor.stats()["dropped_failed"] == 1
    assert "larger than a request may be" in capfd.readouterr().err
    provider.shutdown()


@row(SECTION, "Enforces response size limit")
def test_response_size_limit(http_sink):
    written = []

    def endless(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        try:
            for _ in range(1024):
                handler.wfile.write(b"x" * (1 << 20))
                written.append(1)
        except OSError:
            handler.close_connection = True

    http_sink.answers = [endless]
    provider, _ = batches(HttpExporter(http_sink.url))
    record(provider)
    assert provider.force_flush(WAIT_MS)  # its status was told
    provider.shutdown()
    assert len(written) < 64


@row(SECTION, "Honors retryable responses with backoff")
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry(http_sink, status):
    arrived = []

    def not_now(handler):
        arrived.append(time.monotonic())
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    http_sink.answers = [not_now, not_now]
    provider, processor = batches(HttpExporter(http_sink.url))
    record(provider, 2)
    assert provider.force_flush(WAIT_MS)
    assert len(http_sink.spans()) == 2 and processor.stats()["dropped_failed"] == 0
    assert arrived[1] - arrived[0] > 0.1  # not at once
    provider.shutdown()


@row(SECTION, "Honors non-retryable responses")
def test_no_retry(http_sink, grpc_sink, capfd):
    http_sink.answers = [(400, {}, b"no")]
    grpc_sink.answers = [grpc.StatusCode.INVALID_ARGUMENT]
    for exporter, sink in (
        (HttpExporter(http_sink.url), http_sink),
        (GrpcExporter(grpc_sink.url), grpc_sink),
    ):
        provider, processor = batches(exporter)
        record(provider, 2)
        assert not provider.force_flush(WAIT_MS)
        assert processor.stats()["dropped_failed"] == 2
        record(provider)
        assert provider.force_flush(WAIT_MS) and len(sink.spans()) == 1
        provider.shutdown()
    assert "HTTP 400" in capfd.readouterr().err


@row(SECTION, "Honors throttling response")
def test_throttling(http_sink):
    http_sink.answers = [(503, {"Retry-After": "1"}, b"")]
    provider, _ = batches(HttpExporter(http_sink.url))
    record(provider)
    started = time.monotonic()
    assert provider.force_flush(WAIT_MS)
    assert time.monotonic() - started >= 1.0 and len(http_sink.spans()) == 1
    provider.shutdown()


@row(SECTION, "Multi-destination spec compliance")
def test_destinations_do_not_wait_for_each_other(http_sink, grpc_sink):
    http_sink.answers = [(503, {"Retry-After": "60"}, b"")] * 100
    grpc_sink.answers = [grpc.StatusCode.INVALID_ARGUMENT]
    processors = [
        BatchSpanProcessor(HttpExporter(http_sink.url), schedule_delay_millis=1),
        BatchSpanProcessor(GrpcExporter(grpc_sink.url), schedule_delay_millis=1),
    ]
    provider = provider_of(*processors)
    record(provider)
    assert grpc_sink.arrived.get(timeout=30) and http_sink.arrived.get(timeout=30)
    processors[1].force_flush(WAIT_MS)  # the first is lost
    record(provider)
    assert processors[1].force_flush(WAIT_MS)
    assert len(grpc_sink.spans()) == 1 and not http_sink.spans()
    http_sink.answers.clear()
    assert processors[0].force_flush(WAIT_MS)
    assert len(http_sink.spans()) == 2
    provider.shutdown()


@row(SECTION, "SchemaURL in ResourceSpans and ScopeSpans")
def test_schema_urls(http_sink):
    provider, _ = batches(HttpExporter(http_sink.url))
    resource = Resource({"service.name": "s"}, "https://resource/1")
    provider = provider_of(BatchSpanProcessor(HttpExporter(http_sink.url)), resource=resource)
    provider.get_tracer("t", schema_url="https://scope/1").start_span("a").end()
    provider.shutdown()
    (group,) = http_sink.requests[0].resource_spans
    assert group.schema_url == "https://resource/1"
    assert [scope.schema_url for scope in group.scope_spans] == ["https://scope/1"]


@row(SECTION, "SchemaURL in ResourceMetrics and ScopeMetrics")
def test_schema_urls_of_metrics(http_sink):
    from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from vedette.sdk.metrics import MeterProvider
    from vedette.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{http_sink.base}/v1/metrics"))
    resource = Resource({"service.name": "s"}, "https://resource/1")
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    provider.get_meter("m", schema_url="https://scope/1").create_counter("c").add(1)
    provider.shutdown()
    (group,) = http_sink.metrics[0].resource_metrics
    assert group.schema_url == "https://resource/1"
    assert [scope.schema_url for scope in group.scope_metrics] == ["https://scope/1"]


@row(
    SECTION,
    "Metric Exporter configurable temporality preference",
    "Metric Exporter configurable default aggregation",
)
def test_preferences_of_a_metric_exporter(http_sink):
    from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from vedette.sdk.metrics import Counter, Histogram, MeterProvider
    from vedette.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
    from vedette.sdk.metrics.view import ExponentialBucketHistogramAggregation

    exporter = OTLPMetricExporter(
        f"{http_sink.base}/v1/metrics",
        preferred_temporality={Counter: AggregationTemporality.DELTA},
        preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()},
    )
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)], shutdown_on_exit=False)
    meter = provider.get_meter("m")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    for _ in range(2):
        counter.add(2)
        histogram.record(1)
        provider.force_flush()
    provider.shutdown()
    sent = [
        {metric.name: metric for metric in request.resource_metrics[0].scope_metrics[0].metrics}
        for request in http_sink.metrics[:2]
    ]
    assert [batch["c"].sum.data_points[0].as_int for batch in sent] == [2, 2]
    assert [batch["h"].exponential_histogram.data_points[0].count for batch in sent] == [1, 2]


@row(SECTION, "SchemaURL in ResourceLogs and ScopeLogs")
def test_schema_urls_of_logs(http_sink):
    from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from vedette.sdk._logs import LoggerProvider
    from vedette.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(Resource({"service.name": "s"}, "https://resource/1"), False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(f"{http_sink.base}/v1/logs"))
    )
    provider.get_logger("l", schema_url="https://scope/1").emit(body="a")
    provider.shutdown()
    (group,) = http_sink.logs[0].resource_logs
    assert group.schema_url == "https://resource/1"
    assert [scope.schema_url for scope in group.scope_logs] == ["https://scope/1"]


@row(SECTION, "Partial Success messages are handled and logged for OTLP/HTTP")
def test_partial_success_http(http_sink, capfd):
    body = partial_success(2, "two were odd").SerializeToString()
    http_sink.answers = [(200, {}, body)]
    provider, processor = batches(HttpExporter(http_sink.url))
    record(provider, 5)
    provider.force_flush(WAIT_MS)
    provider.shutdown()
    assert len(http_sink.headers) == 1  # not sent again
    assert (processor.stats()["sent"], processor.stats()["rejected"]) == (3, 2)
    assert "rejected 2 spans: two were odd" in capfd.readouterr().err


@row(SECTION, "Partial Success messages are handled and logged for OTLP/gRPC")
def test_partial_success_grpc(grpc_sink, capfd):
    grpc_sink.reply = partial_success(1, "one was odd")
    provider, processor = batches(GrpcExporter(grpc_sink.url))
    record(provider, 3)
    provider.force_flush(WAIT_MS)
    provider.shutdown()
    assert (processor.stats()["sent"], processor.stats()["rejected"]) == (2, 1)
    assert "rejected 1 spans: one was odd" in capfd.readouterr().err
