#!/usr/bin/env python3
"""What one measurement costs the application's thread.

    counter.add(1, {"method": "GET", "route": "/orders/{order}", "status": 200})

Both providers have a reader: ours sends natively every second while it is measured; opentelemetry-sdk keeps in memory,
which favours it.

    bench/python/meter_cost.py [--rounds 5] [--calls 200000] [--json]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from harness import Cost, Row, Sink, answer, cost, nanoseconds, report, rounds, worker_kind

FIGURES = [
    "counter.add",
    "counter.add in a span",
    "counter.add without attributes",
    "histogram.record",
]
KINDS = [f"{kind}/{figure}" for figure in FIGURES for kind in ("vedette", "opentelemetry-sdk")]


def meter_of(kind: str, url: str):
    if kind == "vedette":
        from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from vedette.sdk.metrics import MeterProvider
        from vedette.sdk.metrics.export import PeriodicExportingMetricReader

        exporter = OTLPMetricExporter(url.replace("/v1/traces", "/v1/metrics"))
        reader = PeriodicExportingMetricReader(exporter, 1000)
    else:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader

        reader = InMemoryMetricReader()
    return MeterProvider([reader], shutdown_on_exit=False).get_meter("bench")


def work(kind: str, figure: str, url: str) -> Callable[[], None]:
    meter = meter_of(kind, url)
    if figure == "histogram.record":
        histogram = meter.create_histogram("duration")
        return lambda: histogram.record(
            12.5, {"method": "GET", "route": "/orders/{order}", "status": 200}
        )
    counter = meter.create_counter("requests")
    if figure == "counter.add without attributes":
        return lambda: counter.add(1)
    return lambda: counter.add(1, {"method": "GET", "route": "/orders/{order}", "status": 200})


def measure(kind: str, figure: str, calls: int, url: str) -> Cost:
    function = work(kind, figure, url)
    if figure != "counter.add in a span":
        return cost(function, calls)
    from vedette.sdk.trace import TracerProvider

    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s"):
        return cost(function, calls)


def main() -> int:
    kind = worker_kind()
    if kind is not None:
        name, _, figure = kind.partition("/")
        answer(measure(name, figure, int(sys.argv[1]), sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    with Sink() as url:
        found = nanoseconds(rounds(__file__, KINDS, [options.calls, url], options.rounds))
    report(
        [
            Row(
                f"meter: {figure}, 3 attributes" if figure == "counter.add" else f"meter: {figure}",
                found[f"vedette/{figure}"],
                found[f"opentelemetry-sdk/{figure}"],
                "opentelemetry-sdk",
                "≥ 15 ×",
            )
            for figure in FIGURES
        ],
        options.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
