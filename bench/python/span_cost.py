#!/usr/bin/env python3
"""What one span costs the application's thread, recorded and not sampled.

    with tracer.start_as_current_span("work") as span:
        span.set_attribute(...)   # four of them: str, str, int, float

Ours and pytracingx record into their queue with the export thread running; opentelemetry-sdk into nothing (no
processor), which favours it. `api` is opentelemetry-api alone, without any SDK.

    bench/python/span_cost.py [--rounds 5] [--spans 100000] [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable

from harness import Row, Sink, answer, cost, nanoseconds, report, rounds, worker_kind

KINDS = [
    "api", "vedette", "opentelemetry-sdk", "vedette ratio", "opentelemetry-sdk ratio",
    "vedette off", "opentelemetry-sdk off",
]  # fmt: skip


def tracer_of(kind: str, url: str):
    from opentelemetry import trace

    if kind == "api":
        return trace.get_tracer("bench")
    name, _, mode = kind.partition(" ")
    if name == "vedette":
        from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from vedette.sdk.trace import TracerProvider
        from vedette.sdk.trace.export import BatchSpanProcessor
        from vedette.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
    else:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
    samplers = {"": None, "ratio": ParentBased(TraceIdRatioBased(0.1)), "off": ALWAYS_OFF}
    provider = TracerProvider(sampler=samplers[mode]) if mode else TracerProvider()
    if name == "vedette":
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    return provider.get_tracer("bench")


def with_tracer(kind: str, url: str) -> Callable[[], None]:
    tracer = tracer_of(kind, url)

    def record() -> None:
        with tracer.start_as_current_span("work") as span:
            span.set_attribute("order.id", 4711)
            span.set_attribute("payment.provider", "acme")
            span.set_attribute("order.total", 12.5)
            span.set_attribute("customer.tier", "gold")

    return record


def with_pytracingx(url: str) -> Callable[[], None]:
    import pytracingx

    sink = pytracingx.TraceSink(endpoint=url.removesuffix("/v1/traces"), protocol="http/protobuf")
    pytracingx.init(pytracingx.Config(service_name="bench", sinks=[sink]))

    def record() -> None:
        with pytracingx.start_span("work") as span:
            span.set_attribute("order.id", 4711)
            span.set_attribute("payment.provider", "acme")
            span.set_attribute("order.total", 12.5)
            span.set_attribute("customer.tier", "gold")

    return record


def rows(found: dict[str, float]) -> list[Row]:
    def row(figure: str, ours: str, theirs: str, bar: str) -> Row:
        return Row(figure, found[ours], found.get(theirs), theirs.split(" ")[0], bar)

    out = [row("recorded span, 4 attributes", "vedette", "opentelemetry-sdk", "≥ 15 ×")]
    if "pytracingx" in found:
        out.append(row("recorded span, 4 attributes", "vedette", "pytracingx", "≥ 4 ×"))
    out += [
        row("span at ratio 0.1", "vedette ratio", "opentelemetry-sdk ratio", "≥ 15 ×"),
        row("span, always off", "vedette off", "opentelemetry-sdk off", "≥ 12 ×"),
        row("span, always off, against the API without SDK", "vedette off", "api", "≥ 1 ×"),
    ]
    return out


def main() -> int:
    if kind := worker_kind():
        spans, url = int(sys.argv[1]), sys.argv[2]
        work = with_pytracingx(url) if kind == "pytracingx" else with_tracer(kind, url)
        answer(cost(work, spans))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    kinds = KINDS + (["pytracingx"] if importlib.util.find_spec("pytracingx") else [])
    with Sink() as url:
        found = nanoseconds(rounds(__file__, kinds, [options.spans, url], options.rounds))
    report(rows(found), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
