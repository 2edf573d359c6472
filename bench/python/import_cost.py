#!/usr/bin/env python3
"""What observing costs before the first request: CPU and memory of a process that makes a FastAPI app, above the same app bare.

Ours: `import vedette; vedette.instrument(app)`. The peer: what one writes with opentelemetry-sdk for the same (tracer provider,
batch processor and OTLP/HTTP exporter for spans and log records, prometheus_client's registry, and
opentelemetry-instrumentation-fastapi where it is installed). Each in fresh processes that take turns, measured from when the bare
app is there: what FastAPI has imported by then, opentelemetry-api among it, is not in the figure. Bytecode is cached, as it is for
an installed package: the first round is thrown away. CPU is that of the process, all its threads, between two runs of the
harness's yardstick; the median counts, and of memory the lowest.

    bench/python/import_cost.py [--rounds 15] [--json]
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from harness import Row, answer, beside_yardstick, report, rounds, worker_kind, yardstick

KINDS = ["vedette", "opentelemetry-sdk"]
NOWHERE = "http://127.0.0.1:9"  # nothing is sent: the process ends before


def observe_with_vedette(app: Any) -> None:
    import vedette

    vedette.instrument(app, service_name="shop", endpoint=NOWHERE)


def observe_with_sdk(app: Any) -> None:
    import prometheus_client  # noqa: F401
    from opentelemetry import trace
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "shop"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(NOWHERE)))
    trace.set_tracer_provider(provider)
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(NOWHERE)))
    set_logger_provider(loggers)
    try:
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    except ImportError:
        return
    FastAPIInstrumentor.instrument_app(app)


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Measured(NamedTuple):
    """CPU in multiples of the yardstick, that in ns, whether it stayed the same meanwhile; and memory in bytes."""

    cpu: float
    yardstick: int
    steady: bool
    memory: int


def measure(kind: str) -> Measured:
    import fastapi
    import opentelemetry._logs
    import opentelemetry.context
    import opentelemetry.metrics
    import opentelemetry.trace  # noqa: F401

    app = fastapi.FastAPI()

    @app.get("/orders/{order}")
    async def order(order: int) -> dict[str, int]:
        return {"order": order}

    def observe() -> float:
        start = time.process_time_ns()
        (observe_with_vedette if kind == "vedette" else observe_with_sdk)(app)
        return time.process_time_ns() - start

    gc.collect()  # else it is luck whether the next full collection, of FastAPI's objects, falls into what is measured
    yardstick()  # the first one runs cold
    before, memory = yardstick(), resident_bytes()
    cpu, after, steady = beside_yardstick(observe, before)
    return Measured(cpu, min(before, after), steady, resident_bytes() - memory)


def main() -> int:
    if kind := worker_kind():
        answer(measure(kind))
        sys.stdout.flush()
        os._exit(0)  # without sending
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    answers = rounds(__file__, KINDS, [], options.rounds + 1)
    found = {kind: [Measured(*one) for one in answers[kind][1:]] for kind in KINDS}
    fastest = min(one.yardstick for kind in KINDS for one in found[kind])

    def milliseconds(kind: str) -> float:
        steady = [one for one in found[kind] if one.steady] or found[kind]
        return statistics.median(one.cpu for one in steady) * fastest * 1e-6

    def megabytes(kind: str) -> float:
        return min(one.memory for one in found[kind]) * 1e-6

    def row(figure: str, of: Callable[[str], float], bar: str, unit: str) -> Row:
        return Row(figure, of(KINDS[0]), of(KINDS[1]), KINDS[1], bar, unit)

    table = [
        row("import and instrument(), CPU over the bare app", milliseconds, "≤ 20 ms", "ms"),
        row("the same, memory", megabytes, "≤ 6 MB", "MB"),
    ]
    report(table, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
