#!/usr/bin/env python3
"""What metrics cost the application's thread, and an exposition: Vedette against prometheus_client.

    requests.labels(method="GET", path="/orders", status="200").inc()     # labels found anew
    bound.inc(), bound.observe(0.17)                                      # a series that is kept

The exposition has 100,000 lines of counters with three labels and of histograms, as much of each.

    bench/python/prometheus_cost.py [--rounds 3] [--calls 200000] [--json]
"""

from __future__ import annotations

import argparse
import sys
import time
from types import ModuleType

from harness import Cost, Row, answer, at_one_speed, cost, nanoseconds, report, rounds, worker_kind

KINDS = ("vedette", "prometheus_client")
LINES = 100_000


def client(kind: str) -> ModuleType:
    if kind == "vedette":
        from vedette import prometheus

        return prometheus
    import prometheus_client

    return prometheus_client


def recording(prometheus: ModuleType, calls: int) -> dict[str, Cost]:
    registry = prometheus.CollectorRegistry()
    requests = prometheus.Counter("requests", "R", ["method", "path", "status"], registry=registry)
    seconds = prometheus.Histogram("seconds", "S", ["method", "path"], registry=registry)
    busy = prometheus.Gauge("busy", "B", ["method", "path"], registry=registry)
    counter, histogram = requests.labels("GET", "/orders", "200"), seconds.labels("GET", "/orders")
    measured = {
        "Counter.labels(a=, b=, c=).inc()": lambda: requests.labels(
            method="GET", path="/orders", status="200"
        ).inc(),
        "Counter.labels(a, b, c).inc()": lambda: requests.labels("GET", "/orders", "200").inc(),
        "Histogram.labels(a=, b=).observe()": lambda: seconds.labels(
            method="GET", path="/orders"
        ).observe(0.17),
        "Gauge.labels(a=, b=).set()": lambda: busy.labels(method="GET", path="/orders").set(3),
        "bound inc()": lambda: counter.inc(),
        "bound observe()": lambda: histogram.observe(0.17),
    }
    return {name: cost(function, calls) for name, function in measured.items()}


def exposition(prometheus: ModuleType, kind: str) -> dict[str, Cost]:
    """Milliseconds of CPU."""
    prometheus.disable_created_metrics()
    registry = prometheus.CollectorRegistry()
    unlimited = {"series_limit": LINES} if kind == "vedette" else {}
    counter = prometheus.Counter(
        "requests", "R", ["method", "path", "status"], registry=registry, **unlimited
    )
    for number in range(LINES // 2):
        counter.labels("GET", f"/orders/{number}", "200").inc(number + 0.5)
    histogram = prometheus.Histogram("s", "S", ["path"], registry=registry, **unlimited)
    for number in range(LINES // 2 // 17):
        histogram.labels(f"/orders/{number}").observe(number / 100)
    assert 0.95 * LINES < prometheus.generate_latest(registry).count(b"\n") < 1.05 * LINES

    def run() -> float:
        start = time.process_time_ns()
        prometheus.generate_latest(registry)
        return (time.process_time_ns() - start) / 1e6

    return {f"exposition of {LINES:,} lines": at_one_speed(run, 5)}


def main() -> int:
    if kind := worker_kind():
        prometheus = client(kind)
        answer(recording(prometheus, int(sys.argv[1])) | exposition(prometheus, kind))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = rounds(__file__, KINDS, [options.calls], options.rounds)
    bars = {
        "Counter.labels(a=, b=, c=).inc()": "≥ 8 ×",
        "bound inc()": "≥ 10 ×",
        "bound observe()": "≥ 10 ×",
        f"exposition of {LINES:,} lines": "≥ 18 ×, without the GIL",
    }
    rows = []
    for figure in found["vedette"][0]:
        costs = nanoseconds({kind: [one[figure] for one in found[kind]] for kind in KINDS})
        ours, theirs = costs.values()
        unit = "ms" if figure.startswith("exposition") else "ns"
        rows.append(Row(figure, ours, theirs, KINDS[1], bars.get(figure, "–"), unit))
    report(rows, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
