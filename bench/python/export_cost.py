#!/usr/bin/env python3
"""What recording *and sending* costs the whole process, how long sending blocks the application, what a burst loses.

Paced: 2,000 spans a second with four attributes, by OTLP/HTTP to a sink in a process of its own; CPU time of the process
(all threads), less that of the same loop without spans, in multiples of the yardstick that the loop runs on its way. Blocked: wall time of one iteration less its thread's CPU time
and less its wait for a core (/proc/thread-self/schedstat): what is left is waiting for the interpreter's lock or
another. Burst: 50,000 spans at once; how many do not arrive.

    bench/python/export_cost.py [--rounds 3] [--seconds 5] [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from harness import (
    Cost,
    Row,
    Sink,
    answer,
    arrived,
    nanoseconds,
    report,
    rounds,
    worker_kind,
    yardstick,
)
from span_cost import with_pytracingx

RATE = 2000
BURST = 50_000


def work_and_end(kind: str, url: str) -> tuple[Callable[[], None], Callable[[], object]]:
    if kind == "none":
        return lambda: None, lambda: None
    if kind == "pytracingx":
        record = with_pytracingx(url)
        import pytracingx

        return record, pytracingx.shutdown
    if kind == "vedette":
        from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from vedette.sdk.trace import TracerProvider
        from vedette.sdk.trace.export import BatchSpanProcessor
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    tracer = provider.get_tracer("bench")

    def record() -> None:
        with tracer.start_as_current_span("work") as span:
            span.set_attribute("order.id", 4711)
            span.set_attribute("payment.provider", "acme")
            span.set_attribute("order.total", 12.5)
            span.set_attribute("customer.tier", "gold")

    return record, provider.shutdown


def waited_for_a_core() -> int:
    with open("/proc/thread-self/schedstat") as file:
        return int(file.read().split()[1])


def paced(kind: str, seconds: float, url: str) -> dict[str, Any]:
    work, end = work_and_end(kind, url)
    for _ in range(200):
        work()
    before = arrived(url)
    blocked, yardsticks = [], []
    start, cpu = time.perf_counter(), time.process_time()
    for i in range(int(RATE * seconds)):
        due = start + i / RATE
        if (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        queued, wall, mine = waited_for_a_core(), time.perf_counter_ns(), time.thread_time_ns()
        work()
        wall, mine = time.perf_counter_ns() - wall, time.thread_time_ns() - mine
        blocked.append(wall - mine - (waited_for_a_core() - queued))
        if i % 100 == 0:
            yardsticks.append(yardstick())
    end()
    used = (time.process_time() - cpu) * 1e9 - sum(yardsticks)
    return {
        "cost": Cost(used / (RATE * seconds) / statistics.mean(yardsticks), min(yardsticks)),
        "blocked": max(blocked) / 1e6,
        "arrived": arrived(url) - before,
    }


def burst(kind: str, url: str) -> float:
    before = arrived(url)
    work, end = work_and_end(kind, url)
    for _ in range(BURST):
        work()
    end()
    return 100 * (1 - (arrived(url) - before) / BURST)


def main() -> int:
    if kind := worker_kind():
        url = sys.argv[2]
        if kind.startswith("burst "):
            answer(burst(kind.removeprefix("burst "), url))
        else:
            answer(paced(kind, float(sys.argv[1]), url))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    peers = ["opentelemetry-sdk"] + (
        ["pytracingx"] if importlib.util.find_spec("pytracingx") else []
    )
    kinds = ["none", "vedette", *peers]
    with Sink() as url:
        found = rounds(__file__, kinds, [options.seconds, url], options.rounds)
        lost = rounds(
            __file__, [f"burst {k}" for k in kinds[1:]], [0, url], max(1, options.rounds - 1)
        )
    cost = nanoseconds({kind: [one["cost"] for one in found[kind]] for kind in kinds})
    blocked = {kind: statistics.median(one["blocked"] for one in found[kind]) for kind in kinds}
    rows = []
    for peer, bar in zip(peers, ("≥ 15 ×", "≥ 4 ×"), strict=False):
        rows.append(
            Row(
                "process CPU a million spans, with export",
                (cost["vedette"] - cost["none"]) / 1e3, (cost[peer] - cost["none"]) / 1e3,
                peer, bar, "s",
            )
        )  # fmt: skip
    rows.append(
        Row(
            "application blocked by export, longest",
            blocked["vedette"], blocked[peers[0]], peers[0], "≤ 1 ms", "ms",
        )
    )  # fmt: skip
    rows.append(
        Row(
            f"burst of {BURST:,} spans, lost",
            max(lost["burst vedette"]), max(lost[f"burst {peers[0]}"]), peers[0], "0", "%",
        )
    )  # fmt: skip
    report(rows, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
