#!/usr/bin/env python3
"""What observing costs before the first request: CPU and memory of a process that makes a FastAPI app, above the same app bare.

Ours: `import vedette; vedette.instrument(app)`. The peer: what one writes with opentelemetry-sdk for the same (tracer provider,
batch processor and OTLP/HTTP exporter for spans and log records, prometheus_client's registry, and
opentelemetry-instrumentation-fastapi where it is installed). Each in fresh processes that take turns; what FastAPI has imported
already, opentelemetry-api among it, is in the bare figure. Bytecode is cached, as it is for an installed package: the first round
is thrown away, and the lowest of the others counts: what else the machine does only ever adds.

    bench/python/import_cost.py [--rounds 15] [--json]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

from harness import Row, answer, report, rounds, worker_kind

KINDS = ["bare", "vedette", "opentelemetry-sdk"]
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


def measure(kind: str) -> tuple[float, int]:
    """Seconds of CPU of this process so far, and its memory."""
    import fastapi
    import opentelemetry._logs
    import opentelemetry.context
    import opentelemetry.metrics
    import opentelemetry.trace  # noqa: F401

    app = fastapi.FastAPI()

    @app.get("/orders/{order}")
    async def order(order: int) -> dict[str, int]:
        return {"order": order}

    before = time.process_time(), resident_bytes()
    if kind != "bare":
        (observe_with_vedette if kind == "vedette" else observe_with_sdk)(app)
    return time.process_time() - before[0], resident_bytes() - before[1]


def main() -> int:
    if kind := worker_kind():
        answer(measure(kind))
        sys.stdout.flush()
        os._exit(0)  # without sending
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    found = rounds(__file__, KINDS, [], options.rounds + 1)

    def above_bare(kind: str, index: int) -> float:
        # What else the machine does only ever adds.
        first, bare = (min(each[index] for each in found[k][1:]) for k in (kind, "bare"))
        return first - bare

    def row(figure: str, index: int, scale: float, bar: str, unit: str) -> Row:
        ours, theirs = (above_bare(kind, index) * scale for kind in KINDS[1:])
        return Row(figure, ours, theirs, "opentelemetry-sdk", bar, unit)

    table = [
        row("import and instrument(), CPU over the bare app", 0, 1e3, "≤ 20 ms", "ms"),
        row("the same, memory", 1, 1e-6, "≤ 6 MB", "MB"),
    ]
    report(table, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
