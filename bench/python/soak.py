#!/usr/bin/env python3
"""Memory of a process that records for long: spans, log records and measurements, sent to a sink and to nobody.

One process for each: the resident memory after a tenth, half and all of it. Ends with status 1 where the second half has
added more than it may.

    bench/python/soak.py [--spans 10000000] [--others 1000000] [--json]
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable

from harness import Row, Sink, answer, report, rounds, worker_kind

PARTS = (0.1, 0.5, 1.0)
GROWTH_MAX = 2.0  # MiB, from half way to the end


def resident() -> float:
    """MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def spans(url: str) -> tuple[Callable[[int], None], Callable[[], object]]:
    from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    tracer = provider.get_tracer("soak")

    def record(number: int) -> None:
        with tracer.start_as_current_span("work", attributes={"order.id": number}) as span:
            span.set_attribute("user", "somebody")
            if number % 100 == 0:
                span.add_event("cached", {"hit": True})
            if number % 1000 == 0:
                span.record_exception(ValueError(number))

    return record, provider.shutdown


def logs(url: str) -> tuple[Callable[[int], None], Callable[[], object]]:
    from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from vedette.sdk._logs import LoggerProvider, LoggingHandler
    from vedette.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    exporter = OTLPLogExporter(url.replace("traces", "logs"))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = logging.getLogger("soak")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=provider))

    def record(number: int) -> None:
        logger.info("order %d created", number, extra={"sku": "cloak"})

    return record, provider.shutdown


def metrics(url: str) -> tuple[Callable[[int], None], Callable[[], object]]:
    from vedette import prometheus
    from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from vedette.sdk.metrics import MeterProvider
    from vedette.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(url.replace("traces", "metrics"))
    # Often, so that the queue to nobody is full before half way: from then on nothing may grow.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=5)
    provider = MeterProvider([reader])
    meter = provider.get_meter("soak")
    counter, histogram = meter.create_counter("orders"), meter.create_histogram("seconds")
    requests = prometheus.Counter("requests", "Requests", ["path"])

    def record(number: int) -> None:
        counter.add(1, {"route": f"/{number % 50}", "user": str(number % 20_000)})
        histogram.record(number % 7, {"route": f"/{number % 50}"})
        requests.labels(f"/{number}").inc()  # without end: past its limit the rest is one series
        if number % 20_000 == 0:
            prometheus.generate_latest()

    return record, provider.shutdown


KINDS = {"spans": spans, "logs": logs, "metrics": metrics}


def measure(kind: str, count: int, url: str) -> list[float]:
    """Resident MiB after each of PARTS."""
    record, stop = KINDS[kind](url)
    found, done = [], 0
    for part in PARTS:
        for number in range(done, int(count * part)):
            record(number)
        done = int(count * part)
        found.append(resident())
    stop()
    return found


def closed_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1/traces"


def main() -> int:
    if kind := worker_kind():
        answer(measure(kind, int(sys.argv[1]), sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--others", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    rows = []
    with Sink() as sink:
        for kind in KINDS:
            count = options.spans if kind == "spans" else options.others
            for where, url in (("to a sink", sink), ("to nobody", closed_url())):
                ((first, middle, last),) = rounds(__file__, [kind], [count, url], 1)[kind]
                figure = f"{count:,} {kind} {where}: RSS {first:.1f}, {middle:.1f}, {last:.1f} MiB; growth"
                rows.append(Row(figure, last - middle, None, "", f"≤ {GROWTH_MAX:g} MiB", "MiB"))
    report(rows, options.json)
    return 1 if any((row.vedette or 0) > GROWTH_MAX for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
