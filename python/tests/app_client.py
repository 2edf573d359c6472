"""An ASGI app, observed, and asked without a server."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from vedette import _asgi, _native
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.prometheus import CollectorRegistry, generate_latest
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor


class Observed:
    """Puts the middleware around apps, with spans to a sink and metrics to a registry of its own."""

    def __init__(self, sink):
        self.sink = sink
        self.registry = CollectorRegistry()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sink.url)))
        self.tracer = self.provider.get_tracer("vedette")

    def __call__(self, app):
        return _asgi.observe(app, self.tracer)

    def spans(self):
        assert self.provider.force_flush()
        return self.sink.by_name()

    def count(self, path, status=200, method="GET"):
        labels = {"method": method, "path": path, "status": str(status)}
        return self.registry.get_sample_value("http_requests_total", labels)

    def in_progress(self, path, method="GET"):
        labels = {"method": method, "path": path}
        return self.registry.get_sample_value("http_requests_in_progress", labels)

    def seconds(self, path, method="GET"):
        labels = {"method": method, "path": path}
        return self.registry.get_sample_value("http_request_duration_seconds_sum", labels)

    def statuses(self):
        """{(method, path, status): count}"""
        from prometheus_client.parser import text_string_to_metric_families

        return {
            (s.labels["method"], s.labels["path"], s.labels["status"]): s.value
            for family in text_string_to_metric_families(generate_latest(self.registry).decode())
            for s in family.samples
            if s.name == "http_requests_total"
        }


@pytest.fixture
def observed(http_sink, monkeypatch):
    made = Observed(http_sink)
    monkeypatch.setattr(_asgi, "_http_metrics", _native.HttpMetrics(made.registry))
    yield made
    made.provider.shutdown()


async def ask_async(app, path, method="GET", headers=None, **options):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://shop.example:8080"
    ) as client:
        return await client.request(method, path, headers=headers, **options)


def ask(app, path, method="GET", headers=None, **options):
    return asyncio.run(ask_async(app, path, method, headers, **options))


def http_scope(path="/", method="GET", headers=(), **more):
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "scheme": "http",
        "headers": list(headers),
        **more,
    }


async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}
