"""Meters of an application that sets up none itself: pushed, shown in the registry, and never twice."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
from sink import attributes

PROGRAM = """
import asyncio, json, sys
import vedette
from opentelemetry import metrics
from starlette.applications import Starlette
from vedette.prometheus import Counter

early = metrics.get_meter("app").create_counter("early")  # before there is a provider
app = Starlette()
vedette.instrument(app, service_name="shop")
vedette.instrument(app)
made = "vedette.sdk.metrics" in sys.modules
orders = metrics.get_meter("app", "1").create_counter("orders", "{order}", "orders taken")
orders.add(1, {"payment.method": "card"})
Counter("sold", "by the registry").inc(3)
early.add(2)
names = ("orders_total", "early_total", "sold_total", "# TYPE orders_total", "target_info")

async def scrape(agent):
    body = b""
    async def receive():
        return {"type": "http.request"}
    async def send(message):
        nonlocal body
        body += message.get("body", b"")
    scope = {"type": "http", "method": "GET", "path": "/metrics", "query_string": b"",
             "headers": [(b"user-agent", agent)]}
    await app(scope, receive, send)
    return sorted(line for line in body.decode().splitlines() if line.startswith(names))

print(json.dumps([made, *(asyncio.run(scrape(agent)) for agent in (b"curl", b"vedette"))]))
"""


def run(program, sink, *before, **environment):
    done = subprocess.run(
        [*(before or [sys.executable]), "-c", textwrap.dedent(program)],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.base, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names_of(lines):
    return [line.split("{")[0].split(" ")[0] for line in lines if line[0] != "#"]


def test_meters_are_pushed_and_shown(http_sink):
    _, seen, by_vedette = run(PROGRAM, http_sink)
    assert names_of(seen) == ["early_total", "orders_total", "sold_total", "target_info"]
    assert seen[0] == "# TYPE orders_total counter"
    assert (
        'orders_total{otel_scope_name="app",otel_scope_version="1",payment_method="card"} 1.0'
        in seen
    )
    # What is pushed to a server does not reach it by its scrapes as well.
    assert names_of(by_vedette) == ["sold_total"]
    pushed = http_sink.metrics_by_name()
    assert pushed["orders"].sum.data_points[0].as_int == 1
    assert pushed["early"].sum.data_points[0].as_int == 2
    resource = http_sink.metrics[-1].resource_metrics[0].resource
    assert attributes(resource)["service.name"] == "shop"


@pytest.mark.parametrize(
    ("exporter", "shown"),
    [
        ("prometheus", ["early_total", "orders_total", "sold_total", "target_info"]),
        ("none", ["sold_total"]),
    ],
)
def test_the_exporter_that_the_environment_names(http_sink, exporter, shown):
    _, seen, by_vedette = run(PROGRAM, http_sink, OTEL_METRICS_EXPORTER=exporter)
    assert names_of(seen) == names_of(by_vedette) == shown
    assert not http_sink.metrics


def test_an_application_without_meters_does_not_pay_for_them(http_sink):
    made, *_ = run(
        PROGRAM.replace('early = metrics.get_meter("app")', "early = metrics.NoOpMeter('')"),
        http_sink,
    )
    assert made is False


def test_a_reader_of_the_applications_own_is_enough(http_sink):
    program = PROGRAM.replace(
        "app = Starlette()",
        """
from vedette.exporter.prometheus import PrometheusMetricReader
from vedette.sdk.metrics import MeterProvider
metrics.set_meter_provider(MeterProvider([PrometheusMetricReader(disable_target_info=True)]))
app = Starlette()""",
        1,
    )
    _, seen, by_vedette = run(program, http_sink)
    assert names_of(seen) == names_of(by_vedette) == ["early_total", "orders_total", "sold_total"]
    assert not http_sink.metrics


def test_a_provider_of_vedettes_is_shown(http_sink):
    program = PROGRAM.replace(
        "app = Starlette()",
        """
from vedette.sdk.metrics import MeterProvider
metrics.set_meter_provider(MeterProvider())
app = Starlette()""",
        1,
    )
    _, seen, by_vedette = run(program, http_sink)
    assert names_of(seen) == names_of(by_vedette)
    assert "orders_total" in names_of(seen)


def test_under_vedette_run(http_sink):
    program = """
    import json
    from opentelemetry import metrics
    from prometheus_client import REGISTRY, Counter, generate_latest
    metrics.get_meter("app").create_counter("orders").add(2)
    Counter("sold", "by the registry").inc()
    text = generate_latest(REGISTRY).decode()
    print(json.dumps([line for line in text.splitlines() if line.startswith(("orders", "sold_t"))]))
    """
    command = [sys.executable, "-m", "vedette", "run", sys.executable]
    assert run(program, http_sink, *command) == [
        'orders_total{otel_scope_name="app"} 2.0',
        "sold_total 1.0",
    ]
    assert http_sink.metrics_by_name()["orders"].sum.data_points[0].as_int == 2
