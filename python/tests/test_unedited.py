"""Code as it is found in tutorials for opentelemetry-sdk and prometheus_client runs under `vedette run`, unedited, and
without it with the changed imports that docs/python.md names.

``unedited/*.txt`` are such blocks. Each program below is a prelude that defines the names its blocks leave open, the
blocks, and what is done with them.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

import pytest
from sink import attributes
from test_ways import RUN, answer, run

BLOCKS = Path(__file__).parent / "unedited"
COLLECTOR = "http://otel-collector:4317"

APP = """
import asyncio, json
from types import SimpleNamespace as Some
import httpx
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import create_engine, text
from opentelemetry import trace, metrics

app = FastAPI()

async def ask(method, path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://shop") as client:
        return await client.request(method, path)
"""


def block(name: str) -> str:
    return (BLOCKS / f"{name}.txt").read_text()


def program(*parts: str) -> str:
    return "\n".join(textwrap.dedent(part) for part in parts)


CHANGED = {
    "opentelemetry.sdk": "vedette.sdk",
    "opentelemetry.exporter": "vedette.exporter",
    "opentelemetry.instrumentation": "vedette.instrumentors",
    "prometheus_client": "vedette.prometheus",
}


def with_changed_imports(code: str) -> str:
    names = "|".join(map(re.escape, CHANGED))
    return re.sub(
        rf"^(\s*(?:from|import) )({names})\b", lambda m: m[1] + CHANGED[m[2]], code, flags=re.M
    )


@pytest.fixture(params=["unedited", "changed imports"])
def run_blocks(request, tmp_path):
    """Runs a program of these parts. ``by_hand`` is a part that stands for `vedette run` where that is not used."""

    def start(*parts: str, by_hand: str = "", **variables: str):
        path = tmp_path / "program.py"
        code = program(*parts)
        if request.param == "changed imports":
            code = with_changed_imports(code.replace(APP, APP + by_hand))
            # So that nothing is found behind upstream's names by accident.
            unchanged = re.search(rf"^\s*(from|import) ({'|'.join(CHANGED)})\b", code, flags=re.M)
            assert not unchanged
        path.write_text(code)
        words = RUN if request.param == "unedited" else []
        return run([*words, sys.executable, str(path)], **variables)

    return start


def test_telemetry_and_spans(run_blocks, grpc_sink):
    done = run_blocks(
        APP,
        'db_engine = create_engine("sqlite://")',
        block("telemetry").replace(COLLECTOR, grpc_sink.url),
        """
        class OutOfStockError(Exception): pass
        async def check_inventory(order_id): return order_id != 13
        async def charge(user_id, total): return Some(provider="acme", transaction_id="t-1")
        async def confirm(user_id, order_id): pass
        order = Some(total=1200)
        payment_service, email_service = Some(charge=charge), Some(send_order_confirmation=confirm)
        """,
        block("spans"),
        """
        @app.get("/orders/{order_id}")
        async def get_order(order_id: int):
            with db_engine.connect() as connection:
                connection.execute(text("select 1"))
            await process_order(order_id, 7)
            return {}

        setup_telemetry(app)
        statuses = [asyncio.run(ask("GET", f"/orders/{i}")).status_code for i in (12, 13)]
        metrics.get_meter("m").create_counter("c").add(1)
        print(json.dumps([
            statuses, FastAPIInstrumentor.__module__, type(trace.get_tracer_provider()).__module__,
            type(metrics.get_meter_provider()).__module__,
        ]))
        """,
    )
    statuses, *modules = answer(done)
    assert statuses == [200, 500] and all(name.startswith("vedette.") for name in modules)
    spans = [span for _, span in grpc_sink.spans()]
    names = {span.span_id: span.name for span in spans}
    nested = {(span.name, names.get(span.parent_span_id)) for span in spans}
    assert {
        ("process_order", "GET /orders/{order_id}"),
        ("validate_inventory", "process_order"),
        ("charge_payment", "process_order"),
        ("send_confirmation", "process_order"),
        ("SELECT", "GET /orders/{order_id}"),
    } <= nested
    (failed,) = [s for s in spans if s.name == "validate_inventory" and s.status.code == 2]
    # The exception that follows describes the status anew, as in opentelemetry-sdk.
    assert failed.status.message.startswith(("Out of stock", "OutOfStockError"))
    (charged,) = [s for s in spans if s.name == "charge_payment"]
    assert attributes(charged)["payment.provider"] == "acme"


def test_red_middleware(run_blocks):
    done = run_blocks(
        APP,
        block("red"),
        """
        app.add_middleware(MetricsMiddleware)

        @app.get("/orders/{order_id}")
        async def get_order(order_id: int):
            return {"order": 1 // (order_id - 13)}

        async def main():
            for i in (1, 2, 13):
                await ask("GET", f"/orders/{i}")
            print(json.dumps((await ask("GET", "/metrics")).text))
        asyncio.run(main())
        """,
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    lines = answer(done).splitlines()
    assert 'http_requests_total{method="GET",path="/orders/{id}",status="200"} 2.0' in lines
    assert 'http_requests_total{method="GET",path="/orders/{id}",status="500"} 1.0' in lines
    assert 'http_request_duration_seconds_count{method="GET",path="/orders/{id}"} 3.0' in lines


def test_structured_logs(run_blocks, http_sink):
    done = run_blocks(
        APP,
        "class CreateOrderRequest: user_id, items = 7, [1, 2]",
        "async def process_order(request): return Some(id=4711, total_cents=1200)",
        block("logs"),
        """
        with trace.get_tracer("t").start_as_current_span("request"):
            asyncio.run(create_order(CreateOrderRequest))
        """,
        by_hand="import vedette\nvedette.instrument(app)\n",
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
    )
    started, created = (json.loads(line) for line in done.stdout.splitlines())
    (span,) = [span for _, span in http_sink.spans()]
    assert started["trace_id"] == created["trace_id"] == span.trace_id.hex()
    assert (started["span_id"], created["order_id"]) == (span.span_id.hex(), 4711)
    records = [
        record
        for request in http_sink.logs
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    assert [r.body.string_value for r in records] == ["order_creation_started", "order_created"]
    assert {r.trace_id for r in records} == {span.trace_id}


def test_business_metrics(run_blocks):
    done = run_blocks(
        APP,
        """
        Order = Some
        class PaymentError(Exception): reason = "declined"
        async def charge_payment(order):
            if order.total_cents > 5000: raise PaymentError
        """,
        block("business"),
        """
        from prometheus_client import generate_latest
        async def main():
            for cents in (1200, 9000):
                try:
                    await create_order(Some(payment_method="card", total_cents=cents))
                except PaymentError:
                    pass
        asyncio.run(main())
        active_users.set(3)
        print(json.dumps(generate_latest().decode()))
        """,
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    lines = answer(done).splitlines()
    for line in (
        'orders_created_total{payment_method="card"} 2.0',
        'order_value_cents_bucket{le="5000.0"} 1.0',
        "order_value_cents_sum 10200.0",
        "active_users_current 3.0",
        'payment_failures_total{reason="declined"} 1.0',
    ):
        assert line in lines


def test_health(run_blocks):
    done = run_blocks(
        APP,
        """
        async def fine(*_): pass
        async def away(*_): raise OSError("away")
        db, redis = Some(execute=fine), Some(ping=away)
        """,
        block("health"),
        """
        async def main():
            answers = [await ask("GET", path) for path in ("/health/live", "/health/ready")]
            print(json.dumps([[a.status_code, a.json()] for a in answers]))
        asyncio.run(main())
        """,
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    degraded = {"status": "degraded", "checks": {"database": "ok", "redis": "failed"}}
    assert answer(done) == [[200, {"status": "alive"}], [503, degraded]]


def test_samplers(run_blocks):
    done = run_blocks(
        APP,
        "from opentelemetry.sdk.trace import TracerProvider",
        block("sampling"),
        block("error_sampler"),
        """
        def sampled(provider, **attributes):
            tracer = provider.get_tracer("t")
            return sum(
                tracer.start_span("s", attributes=attributes).get_span_context().trace_flags.sampled
                for _ in range(1000)
            )
        aware = TracerProvider(sampler=ErrorAwareSampler())
        print(json.dumps([
            sampled(tracer_provider), sampled(aware), sampled(aware, **{"http.status_code": 503}),
        ]))
        """,
        OTEL_TRACES_EXPORTER="none",
        OTEL_LOGS_EXPORTER="none",
    )
    ratio, ordinary, failed = answer(done)
    assert 30 < ratio < 200 and 30 < ordinary < 200 and failed == 1000
