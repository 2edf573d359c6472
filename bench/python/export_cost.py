#!/usr/bin/env python3
"""What recording *and sending* costs the whole process, how long sending blocks the application, what a burst loses.

2,000 spans a second with four attributes, by OTLP/HTTP to a sink in a process of its own. Process CPU: of all threads,
less that of the same loop without spans, in multiples of the yardstick that the loop runs on its way; a hundred spans at
a time, so that what sleeping and waking cost is little beside them. Blocked: one span at a time; its wall time less its
thread's CPU time and less its wait for a core (/proc/thread-self/schedstat): what is left is waiting for the
interpreter's lock or another. Burst: 50,000 spans at once; how many do not arrive.

    bench/python/export_cost.py [--rounds 3] [--seconds 5] [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Iterator

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
AT_A_TIME = 100
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


def paced(seconds: float, at_a_time: int) -> Iterator[None]:
    """RATE times a second, so many at a time."""
    start = time.perf_counter()
    for i in range(0, int(RATE * seconds), at_a_time):
        if (left := start + i / RATE - time.perf_counter()) > 0:
            time.sleep(left)
        yield


def process_cpu(kind: str, seconds: float, url: str) -> Cost:
    work, end = work_and_end(kind, url)
    for _ in range(200):
        work()
    yardsticks = []
    cpu = time.process_time()
    for _ in paced(seconds, AT_A_TIME):
        for _ in range(AT_A_TIME):
            work()
        yardsticks.append(yardstick())
    end()
    used = (time.process_time() - cpu) * 1e9 - sum(yardsticks)
    return Cost(used / (RATE * seconds) / statistics.mean(yardsticks), min(yardsticks))


def longest_blocked(kind: str, seconds: float, url: str) -> float:
    """Milliseconds."""
    work, end = work_and_end(kind, url)
    for _ in range(200):
        work()
    blocked = []
    for _ in paced(seconds, 1):
        queued, wall, mine = waited_for_a_core(), time.perf_counter_ns(), time.thread_time_ns()
        work()
        wall, mine = time.perf_counter_ns() - wall, time.thread_time_ns() - mine
        blocked.append(wall - mine - (waited_for_a_core() - queued))
    end()
    return max(blocked) / 1e6


def burst(kind: str, url: str) -> float:
    before = arrived(url)
    work, end = work_and_end(kind, url)
    for _ in range(BURST):
        work()
    end()
    return 100 * (1 - (arrived(url) - before) / BURST)


def main() -> int:
    if kind := worker_kind():
        seconds, url = float(sys.argv[1]), sys.argv[2]
        figure, kind = kind.split(" ")
        if figure == "burst":
            answer(burst(kind, url))
        else:
            answer((process_cpu if figure == "cpu" else longest_blocked)(kind, seconds, url))
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
        found: dict[str, dict[str, list]] = {}
        for figure, of in (("cpu", kinds), ("blocked", kinds[1:3]), ("burst", kinds[1:3])):
            names = [f"{figure} {kind}" for kind in of]
            answers = rounds(__file__, names, [options.seconds, url], options.rounds)
            found[figure] = {kind: answers[f"{figure} {kind}"] for kind in of}
    cost = nanoseconds(found["cpu"])
    blocked = {kind: statistics.median(all_of) for kind, all_of in found["blocked"].items()}
    lost = {kind: max(all_of) for kind, all_of in found["burst"].items()}
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
            lost["vedette"], lost[peers[0]], peers[0], "0", "%",
        )
    )  # fmt: skip
    report(rows, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
