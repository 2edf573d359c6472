"""The way client spans take when nothing is written in Python: from C to OTLP. And the duration metrics."""

import asyncio

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sink import attributes
from sqlalchemy import create_engine, text
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.instrumentation import httpx as httpx_instrumentation
from vedette.instrumentation.sqlalchemy import instrument_engine
from vedette.sdk.trace import SpanLimits, TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor


class Transport(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        await asyncio.sleep(0)
        return httpx.Response(503, request=request, extensions={"http_version": b"HTTP/2"})


async def one_request():
    transport = httpx_instrumentation.observe_transport(Transport())
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get("https://shop.example/a?token=x")


def one_statement():
    engine = create_engine("sqlite://")
    instrument_engine(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT :a"), {"a": 1})


@pytest.fixture
def exported(http_sink, monkeypatch):
    def exported(work, **options):
        provider = TracerProvider(shutdown_on_exit=False, **options)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(http_sink.url)))
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
        with provider.get_tracer("test").start_as_current_span("outer"):
            work()
        provider.shutdown()
        found = http_sink.by_name()
        outer = found.pop("outer")
        (span,) = found.values()
        assert span.parent_span_id == outer.span_id and span.trace_id == outer.trace_id
        assert outer.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        return span

    return exported


def test_a_request_over_the_wire(exported):
    span = exported(lambda: asyncio.run(one_request()))
    assert (span.name, span.kind, span.status.code) == ("GET", 3, 2)
    assert attributes(span) == {
        "http.request.method": "GET",
        "url.full": "https://shop.example/a?token=REDACTED",
        "server.address": "shop.example",
        "server.port": 443,
        "http.response.status_code": 503,
        "network.protocol.version": "2",
        "error.type": "503",
    }


def test_a_statement_over_the_wire(exported):
    span = exported(one_statement)
    assert (span.name, span.kind, span.status.code) == ("SELECT", 3, 0)
    assert attributes(span)["db.query.text"] == "SELECT ?"
    assert span.dropped_attributes_count == 0


def test_limits_hold_for_prepared_attributes(exported):
    limits = SpanLimits(max_span_attributes=2, max_span_attribute_length=3)
    span = exported(one_statement, span_limits=limits)
    assert len(span.attributes) == 2
    assert span.dropped_attributes_count == 2
    assert all(len(value) <= 3 for value in attributes(span).values())


def test_durations_go_to_whoever_has_set_a_meter_provider(exported, monkeypatch):
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics_api, "_METER_PROVIDER", MeterProvider([reader]))

    def work():
        one_statement()

    exported(work)
    asyncio.run(one_request())
    data = reader.get_metrics_data()
    found = {
        metric.name: (metric.unit, metric.data.data_points[0])
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    unit, point = found["db.client.operation.duration"]
    assert unit == "s" and point.count == 1 and 0 < point.sum < 60
    assert dict(point.attributes)["db.system.name"] == "sqlite"
    assert "db.query.text" not in point.attributes
    unit, point = found["http.client.request.duration"]
    assert unit == "s" and point.count == 1 and point.explicit_bounds[0] == 0.005
    assert dict(point.attributes) == {
        "http.request.method": "GET",
        "server.address": "shop.example",
        "server.port": 443,
        "url.scheme": "https",
        "http.response.status_code": 503,
        "network.protocol.version": "2",
        "error.type": "503",
    }
