#!/usr/bin/env python3
"""What a recorded client span adds to a SQLAlchemy statement and to an httpx call: Vedette against OpenTelemetry's
instrumentors on opentelemetry-sdk, and both against no instrumentation.

    sqlalchemy        connection.exec_driver_sql("SELECT 1") on SQLite in memory
    httpx             the transport's handle_async_request, its connection pool replaced by an answer that is there
    httpx-sync        the same with handle_request

Each measurement is a fresh process that interleaves short slices with and without the instrumentation's span (of a
parent that is sampled), and reports the difference of their medians; the sides take turns. The clock is the thread's own
CPU time. Ours records into its queue with the export thread running, theirs into nothing (no processor), which favours
theirs. OpenTelemetry's instrumentors are measured where they are installed and take the library's release.

    bench/python/instrumentation_cost.py [--rounds 5] [--calls 20000] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import statistics
import subprocess
import sys
import time

from span_cost import Sink

CASES = ("sqlalchemy", "httpx", "httpx-sync")
BARS = {"sqlalchemy": 3000, "httpx": 4000, "httpx-sync": 4000}  # nanoseconds
SLICE = 250


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


def sql_pair(side: str):
    """Two functions that execute one statement: bare, and observed."""
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

    def execute(connection):
        def run(count):
            for _ in range(count):
                connection.exec_driver_sql("SELECT 1").close()

        return run

    return execute(plain), execute(observed)


def http_pair(side: str, is_async: bool):
    """Two functions that send one request down to where the connection pool would be: bare, and observed."""
    import httpx

    owner = httpx.AsyncHTTPTransport if is_async else httpx.HTTPTransport
    name = "handle_async_request" if is_async else "handle_request"
    response = httpx.Response(200, extensions={"http_version": b"HTTP/1.1"})

    async def answer_async(self, request):
        return response

    def answer(self, request):
        return response

    setattr(owner, name, answer_async if is_async else answer)
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

    def send(method):
        def run(count):
            for _ in range(count):
                request.headers._list = headers.copy()
                method(transport, request)

        async def run_async(count):
            for _ in range(count):
                request.headers._list = headers.copy()
                await method(transport, request)

        return (lambda count: asyncio.run(run_async(count))) if is_async else run

    return send(bare), send(getattr(owner, name))


def measure(case: str, side: str, calls: int, url: str) -> float:
    """Nanoseconds of thread CPU that one call costs more."""
    provider = set_provider(side, url)
    bare, observed = sql_pair(side) if case == "sqlalchemy" else http_pair(side, case == "httpx")

    def timed(function) -> float:
        start = time.thread_time_ns()
        function(SLICE)
        return (time.thread_time_ns() - start) / SLICE

    with provider.get_tracer("bench").start_as_current_span("request"):
        observed(SLICE * 4)
        bare(SLICE * 4)
        pairs = [(timed(observed), timed(bare)) for _ in range(calls // SLICE)]
    return statistics.median(with_span - without for with_span, without in pairs)


def sides_of(case: str) -> list[str]:
    library = case.partition("-")[0]
    try:
        found = importlib.util.find_spec(f"opentelemetry.instrumentation.{library}") is not None
    except ModuleNotFoundError:
        found = False
    return ["vedette", "opentelemetry"] if found else ["vedette"]


def main() -> int:
    if len(sys.argv) == 6 and sys.argv[1] == "--measure":
        case, side, calls, url = sys.argv[2:]
        print(json.dumps(measure(case, side, int(calls), url)))
        return 0

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print the costs as JSON instead")
    options = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {
        case: {side: [] for side in sides_of(case)} for case in CASES
    }
    with Sink() as url:
        for _ in range(options.rounds):
            for case, sides in found.items():
                for side, costs in sides.items():
                    answer = subprocess.run(
                        [sys.executable, __file__, "--measure", case, side, str(options.calls), url],
                        capture_output=True, text=True,
                    )  # fmt: skip
                    if answer.returncode == 0:
                        costs.append(json.loads(answer.stdout))
                    else:
                        print(f"{case}, {side}: {answer.stderr.splitlines()[-1]}", file=sys.stderr)
    medians = {
        case: {side: statistics.median(costs) for side, costs in sides.items() if costs}
        for case, sides in found.items()
    }
    if options.json:
        print(json.dumps(medians))
    else:
        for case, sides in medians.items():
            for side, cost in sides.items():
                least, most = min(found[case][side]), max(found[case][side])
                print(
                    f"{case:12} {side:14} {cost:8.0f} ns a call  (from {least:.0f} to {most:.0f})"
                )
    return 0 if all(medians[case]["vedette"] <= bar for case, bar in BARS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
