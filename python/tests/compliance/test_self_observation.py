"""Section "SDK Self-Observability": what upstream's metrics SDK collects of our providers, processors, readers and exporters."""

import math

import pytest
import requests
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from rows import row
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.metrics import MeterProvider as OurMeterProvider
from vedette.sdk.metrics.export import InMemoryMetricReader as OurInMemoryMetricReader
from vedette.sdk.metrics.export import PeriodicExportingMetricReader
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECTION = "SDK Self-Observability"


class Collected:
    def __init__(self):
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self._reader])

    def points(self, name):
        """{attributes that tell one from another: point}"""
        for resource in (data := self._reader.get_metrics_data()) and data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        return {self._key(p.attributes): p for p in metric.data.data_points}
        return {}

    @staticmethod
    def _key(attributes):
        left_out = ("otel.component.", "server.")
        return frozenset(v for k, v in attributes.items() if not k.startswith(left_out))

    def values(self, name):
        return {key: point.value for key, point in self.points(name).items()}


@pytest.fixture
def collected(monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    made = Collected()
    yield made
    made.provider.shutdown()


def provider_of(collected, *processors, **options):
    provider = TracerProvider(
        shutdown_on_exit=False,
        resource=Resource({}),
        meter_provider=collected.provider,
        **options,
    )
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


@row(SECTION, "`otel.sdk.span.started`", "`otel.sdk.span.live`")
def test_spans(collected):
    tracer = provider_of(collected).get_tracer("t")

    def remote(flags):
        parent = SpanContext(0xABC, 0xDEF, True, TraceFlags(flags))
        return trace.set_span_in_context(NonRecordingSpan(parent))

    with tracer.start_as_current_span("a"):
        tracer.start_span("b")
        tracer.start_span("c", remote(0))
        live = collected.values("otel.sdk.span.live")
    tracer.start_span("d", remote(1)).end()
    assert collected.values("otel.sdk.span.started") == {
        frozenset({"none", "RECORD_AND_SAMPLE"}): 1,
        frozenset({"local", "RECORD_AND_SAMPLE"}): 1,
        frozenset({"remote", "RECORD_AND_SAMPLE"}): 1,
        frozenset({"remote", "DROP"}): 1,
    }
    sampled = frozenset({"RECORD_AND_SAMPLE"})
    assert (live, collected.values("otel.sdk.span.live")) == ({sampled: 2}, {sampled: 1})


@row(
    SECTION,
    "`otel.sdk.processor.span.queue.size`",
    "`otel.sdk.processor.span.queue.capacity`",
    "`otel.sdk.processor.span.processed`",
)
@pytest.mark.parametrize("native", [True, False])
def test_processor(collected, http_sink, native):
    exporter = OTLPSpanExporter(http_sink.url) if native else InMemorySpanExporter()
    processor = BatchSpanProcessor(exporter, 3, 3_600_000, 3, meter_provider=collected.provider)
    provider = provider_of(collected, processor)
    for _ in range(2):
        provider.get_tracer("t").start_span("a").end()
    prefix = "otel.sdk.processor.span"
    assert collected.values(f"{prefix}.queue.size") == {frozenset(): 2}
    assert collected.values(f"{prefix}.queue.capacity") == {frozenset(): 3}
    assert collected.values(f"{prefix}.processed") == {frozenset(): 0}
    assert provider.force_flush()
    assert collected.values(f"{prefix}.queue.size") == {frozenset(): 0}
    assert collected.values(f"{prefix}.processed") == {frozenset(): 2}
    provider.shutdown()
    provider.get_tracer("t").start_span("late").end()
    assert collected.values(f"{prefix}.processed") == {
        frozenset(): 2,
        frozenset({"queue_full"}): 1,
    }


@row(
    SECTION,
    "`otel.sdk.exporter.span.inflight`",
    "`otel.sdk.exporter.span.exported`",
    "`otel.sdk.exporter.operation.duration`",
)
def test_exporter(collected, http_sink):
    http_sink.answers = [(400, {}, b"no")]
    processor = BatchSpanProcessor(
        OTLPSpanExporter(http_sink.url, meter_provider=collected.provider),
        schedule_delay_millis=3_600_000,
    )
    provider = provider_of(collected, processor)
    for count in (2, 3):
        for _ in range(count):
            provider.get_tracer("t").start_span("a").end()
        provider.force_flush()
    assert collected.values("otel.sdk.exporter.span.exported") == {
        frozenset(): 3,
        frozenset({"_OTHER"}): 2,
    }
    assert collected.values("otel.sdk.exporter.span.inflight") == {frozenset(): 0}
    durations = collected.points("otel.sdk.exporter.operation.duration")
    assert {key: point.count for key, point in durations.items()} == {
        frozenset(): 1,
        frozenset({"HTTP 400"}): 1,
    }
    attributes = durations[frozenset()].attributes
    assert attributes["otel.component.type"] == "otlp_http_span_exporter"
    assert attributes["server.port"] == http_sink.server.server_port
    provider.shutdown()


def logger_of(collected, processor=None):
    from vedette.sdk._logs import LoggerProvider

    provider = LoggerProvider(Resource({}), False, meter_provider=collected.provider)
    if processor is not None:
        provider.add_log_record_processor(processor)
    return provider, provider.get_logger("t")


@row(SECTION, "`otel.sdk.log.created`")
def test_logs_created(collected):
    _, logger = logger_of(collected)
    for _ in range(3):
        logger.emit(body="a")
    assert list(collected.values("otel.sdk.log.created").values()) == [3]


@row(
    SECTION,
    "`otel.sdk.processor.log.queue.size`",
    "`otel.sdk.processor.log.queue.capacity`",
    "`otel.sdk.processor.log.processed`",
    "`otel.sdk.exporter.log.inflight`",
    "`otel.sdk.exporter.log.exported`",
)
def test_log_processor_and_exporter(collected, http_sink):
    from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from vedette.sdk._logs.export import BatchLogRecordProcessor

    processor = BatchLogRecordProcessor(
        OTLPLogExporter(f"{http_sink.base}/v1/logs", meter_provider=collected.provider),
        schedule_delay_millis=3_600_000,
        max_queue_size=3,
        meter_provider=collected.provider,
    )
    provider, logger = logger_of(collected, processor)
    http_sink.answers = [(400, {}, b"no")]
    prefix = "otel.sdk.processor.log"
    for count in (2, 1):
        for _ in range(count):
            logger.emit(body="a")
        assert collected.values(f"{prefix}.queue.size") == {frozenset(): count}
        assert collected.values(f"{prefix}.queue.capacity") == {frozenset(): 3}
        provider.force_flush()
    assert collected.values(f"{prefix}.queue.size") == {frozenset(): 0}
    assert collected.values(f"{prefix}.processed") == {frozenset(): 3}
    assert collected.values("otel.sdk.exporter.log.exported") == {
        frozenset(): 1,
        frozenset({"_OTHER"}): 2,
    }
    assert collected.values("otel.sdk.exporter.log.inflight") == {frozenset(): 0}
    provider.shutdown()


@row(
    SECTION,
    "`otel.sdk.exporter.metric_data_point.inflight`",
    "`otel.sdk.exporter.metric_data_point.exported`",
)
def test_metric_exporter(collected, http_sink):
    """Natively collected and sent: points are counted, not metrics."""
    http_sink.answers = [(400, {}, b"no")]
    url = f"{http_sink.base}/v1/metrics"
    exporter = OTLPMetricExporter(url)
    exporter.set_meter_provider(collected.provider)
    reader = PeriodicExportingMetricReader(exporter, math.inf)
    provider = OurMeterProvider([reader], Resource({}), shutdown_on_exit=False)
    counter = provider.get_meter("t").create_counter("c")
    counter.add(1, {"a": 1})
    counter.add(1, {"a": 2})
    reader.force_flush()
    counter.add(1, {"a": 3})
    reader.force_flush()
    exported = collected.values("otel.sdk.exporter.metric_data_point.exported")
    durations = collected.points("otel.sdk.exporter.operation.duration")
    assert exported == {frozenset({"_OTHER"}): 2, frozenset(): 4}  # the reader's own among them
    assert collected.values("otel.sdk.exporter.metric_data_point.inflight") == {frozenset(): 0}
    assert {key: point.count for key, point in durations.items()} == {
        frozenset(): 1,
        frozenset({"HTTP 400"}): 1,
    }
    attributes = durations[frozenset()].attributes
    assert attributes["otel.component.type"] == "otlp_http_metric_exporter"
    provider.shutdown()


def test_exporters_that_send_in_python(collected, http_sink):
    with requests.Session() as session:
        exporter = OTLPMetricExporter(
            f"{http_sink.base}/v1/metrics", session=session, meter_provider=collected.provider
        )
        reader = PeriodicExportingMetricReader(exporter, math.inf)
        provider = OurMeterProvider([reader], Resource({}), shutdown_on_exit=False)
        provider.get_meter("t").create_counter("c").add(1)
        http_sink.answers = [(400, {}, b"no")]
        reader.force_flush()
        assert collected.values("otel.sdk.exporter.metric_data_point.exported") == {
            frozenset({"_OTHER"}): 1
        }
        provider.shutdown()


@row(SECTION, "`otel.sdk.metric_reader.collection.duration`")
def test_readers(monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = OurInMemoryMetricReader()
    provider = OurMeterProvider([reader], Resource({}), shutdown_on_exit=False)
    reader.collect()
    reader.collect()
    (group,) = reader.get_metrics_data().resource_metrics
    (metric,) = group.scope_metrics[0].metrics
    (point,) = metric.data.data_points
    assert (metric.name, metric.unit) == ("otel.sdk.metric_reader.collection.duration", "s")
    assert point.count == 2 and point.sum > 0
    assert point.attributes["otel.component.type"] == "InMemoryMetricReader"
    provider.shutdown()
