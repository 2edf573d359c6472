"""What our own instrumentations count is exported as meters are, under OpenTelemetry's names, and shown once. Whole processes."""

import json
import sys

import pytest
from sink import attributes
from test_default_meters import run

PROGRAM = """
import asyncio, json, os
import vedette
from opentelemetry import metrics
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from vedette.prometheus import REGISTRY

engine = create_engine("sqlite:///file.db", pool_logging_name="orders")

async def order(request):
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return Response(status_code=request.path_params["status"])

app = Starlette(routes=[Route("/orders/{status:int}", order)])
vedette.instrument(app, service_name="shop", engine=engine)
LATE

async def get(path, agent=b"curl"):
    body = b""
    async def receive():
        return {"type": "http.request"}
    async def send(message):
        nonlocal body
        body += message.get("body", b"")
    await app({"type": "http", "method": "GET", "scheme": "http", "path": path, "query_string": b"",
               "headers": [(b"user-agent", agent)]}, receive, send)
    return body.decode()

async def main():
    for status in (200, 200, 503):
        await get(f"/orders/{status}")
    while not REGISTRY.get_sample_value("asyncio_loop_lag_seconds_count"):
        await asyncio.sleep(0.05)
    return [await get("/metrics"), await get("/metrics", b"vedette")]

print(json.dumps(asyncio.run(main())))
"""

# Name: unit, kind, and how the registry calls it.
PUSHED = {
    "http.server.request.duration": ("s", "histogram", "http_server_request_duration_seconds"),
    "http.server.active_requests": ("{request}", "updown", "http_server_active_requests"),
    "process.cpu.time": ("s", "counter", "process_cpu_time_seconds_total"),
    "process.memory.usage": ("By", "updown", "process_memory_usage_bytes"),
    "process.uptime": ("s", "gauge", "process_uptime_seconds"),
    "cpython.gc.collections": ("{collection}", "counter", "cpython_gc_collections_total"),
    "asyncio.loop.lag": ("s", "histogram", "asyncio_loop_lag_seconds"),
    "db.client.connection.count": ("{connection}", "updown", "db_client_connection_count"),
    "db.client.connection.wait_time": ("s", "histogram", "db_client_connection_wait_time_seconds"),
    "db.client.operation.duration": ("s", "histogram", "db_client_operation_duration_seconds"),
}


def kind_of(metric):
    if metric.HasField("sum"):
        return "counter" if metric.sum.is_monotonic else "updown"
    return metric.WhichOneof("data")


def types_in(text):
    return [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]


@pytest.mark.parametrize(
    ("way", "variables"),
    [
        ("instrument", {"OTEL_METRICS_EXPORTER": "otlp"}),
        ("instrument, and a meter later", {}),
        ("run", {}),
    ],
)
def test_they_are_pushed_and_shown_once(way, variables, http_sink, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    late = 'metrics.get_meter("app").create_counter("orders")' if "later" in way else ""
    before = [sys.executable, "-m", "vedette", "run", sys.executable] if way == "run" else []
    seen, by_vedette = run(PROGRAM.replace("LATE", late), http_sink, *before, **variables)
    pushed = http_sink.metrics_by_name()
    found = {name: (pushed[name].unit, kind_of(pushed[name])) for name in PUSHED if name in pushed}
    assert found == {name: (unit, kind) for name, (unit, kind, _) in PUSHED.items()}
    points = pushed["http.server.request.duration"].histogram.data_points
    common = {
        "http.request.method": "GET",
        "http.route": "/orders/{status}",
        "url.scheme": "http",
    }
    told = {point.count: attributes(point) for point in points if "http.route" in attributes(point)}
    assert told == {
        2: {**common, "http.response.status_code": 200},
        1: {**common, "http.response.status_code": 503, "error.type": "503"},
    }
    assert list(points[0].explicit_bounds)[:3] == [0.005, 0.01, 0.025]
    for _, _, name in PUSHED.values():
        assert types_in(seen).count(name) == 1, name
        # What is pushed to a server does not reach it by its scrapes as well.
        assert name not in types_in(by_vedette)
    assert "http_requests_total" in types_in(by_vedette)


def test_nothing_is_pushed_where_nothing_is_exported(http_sink, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for exporter in ("none", "prometheus"):
        program = PROGRAM.replace("LATE", 'metrics.get_meter("app").create_counter("orders")')
        seen, by_vedette = run(program, http_sink, OTEL_METRICS_EXPORTER=exporter)
        for _, _, name in PUSHED.values():
            assert types_in(seen).count(name) == types_in(by_vedette).count(name)
        assert json.dumps(seen).count("# TYPE process_cpu_time_seconds_total ") == 1
    assert not http_sink.metrics
