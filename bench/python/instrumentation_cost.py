#!/usr/bin/env python3
"""What a recorded client span adds to a SQLAlchemy statement and to an httpx call.

    SQLAlchemy        connection.exec_driver_sql("SELECT 1") on SQLite in memory
    httpx             the transport's handle_async_request, its connection pool replaced by an answer that is there
    httpx, sync       the same with handle_request

Each is measured in fresh processes, beside the same call without instrumentation, below a parent that is sampled. Ours
records into its queue with the export thread running, OpenTelemetry's instrumentors on opentelemetry-sdk into nothing (no
processor), which favours them. They are measured where they are installed.

    bench/python/instrumentation_cost.py [--rounds 5] [--calls 20000] [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable

from harness import Cost, Row, Sink, answer, cost, nanoseconds, report, rounds, worker_kind

CASES = {
    "SQLAlchemy statement": "≤ 3,000 ns",
    "httpx call": "≤ 4,000 ns",
    "httpx call, sync": "≤ 4,000 ns",
}
Pair = tuple[Callable[[], object], Callable[[], object]]


def set_provider(side: str, url: str):
    from opentelemetry import trace

    if side == "vedette":
        from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from vedette.sdk.trace import TracerProvider
        from vedette.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    else:
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider()
    trace.set_tracer_provider(provider)
    return provider


def sql_pair(side: str) -> Pair:
    """Execute one statement: observed, and bare."""
    from sqlalchemy import create_engine

    plain = create_engine("sqlite://").connect()
    engine = create_engine("sqlite://")
    if side == "vedette":
        from vedette.instrumentation.sqlalchemy import instrument_engine

        instrument_engine(engine)
    else:
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

        SQLAlchemyInstrumentor().instrument(engine=engine)
    observed = engine.connect()
    return (
        lambda: observed.exec_driver_sql("SELECT 1").close(),
        lambda: plain.exec_driver_sql("SELECT 1").close(),
    )


def http_pair(side: str, is_async: bool) -> Pair:
    """Send one request down to where the connection pool would be: observed, and bare."""
    import httpx

    owner = httpx.AsyncHTTPTransport if is_async else httpx.HTTPTransport
    name = "handle_async_request" if is_async else "handle_request"
    response = httpx.Response(200, extensions={"http_version": b"HTTP/1.1"})

    async def answer_async(self, request):
        return response

    def answer_sync(self, request):
        return response

    setattr(owner, name, answer_async if is_async else answer_sync)
    bare = getattr(owner, name)
    if side == "vedette":
        from vedette.instrumentation import httpx as instrumentation

        assert instrumentation.instrument()
    else:
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

        HTTPXClientInstrumentor().instrument()
    transport = owner.__new__(owner)
    request = httpx.Request("GET", "http://shop.example:8000/orders/42?detail=full")
    headers = list(request.headers._list)

    def send(method) -> Callable[[], None]:
        def run() -> None:
            request.headers._list = headers.copy()
            method(transport, request)

        def run_async() -> None:
            request.headers._list = headers.copy()
            running = method(transport, request).__await__()
            try:
                while True:
                    next(running)
            except StopIteration:
                pass

        return run_async if is_async else run

    return send(getattr(owner, name)), send(bare)


def measure(case: str, side: str, calls: int, url: str) -> Cost:
    provider = set_provider(side, url)
    if case == "SQLAlchemy statement":
        observed, bare = sql_pair(side)
    else:
        observed, bare = http_pair(side, is_async="sync" not in case)
    with provider.get_tracer("bench").start_as_current_span("request"):
        return cost(observed, calls, bare)


def sides_of(case: str) -> list[str]:
    library = case.partition(" ")[0].lower()
    try:
        found = importlib.util.find_spec(f"opentelemetry.instrumentation.{library}") is not None
    except ModuleNotFoundError:
        found = False
    return ["vedette", "opentelemetry"] if found else ["vedette"]


def main() -> int:
    if kind := worker_kind():
        case, _, side = kind.partition("/")
        answer(measure(case, side, int(sys.argv[1]), sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    kinds = [f"{case}/{side}" for case in CASES for side in sides_of(case)]
    with Sink() as url:
        found = nanoseconds(rounds(__file__, kinds, [options.calls, url], options.rounds))
    report(
        [
            Row(
                case,
                found[f"{case}/vedette"],
                found.get(f"{case}/opentelemetry"),
                "opentelemetry" if f"{case}/opentelemetry" in found else "",
                bar,
            )
            for case, bar in CASES.items()
        ],
        options.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
