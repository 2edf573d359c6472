#!/usr/bin/env python3
"""What one log line costs the application's thread, inside of a span.

Kinds, each against the usual way of doing it in Python:
    structlog        level, trace ids, ISO time, JSON, to /dev/null: a chain of structlog's own processors
    structlog native the same line by vedette.logs.JSONRenderer and LoggerFactory
    … shipped        and by OTLP
    logging          a line of the logging module with a handler that does nothing: what the module itself costs
    logging sdk      shipped by opentelemetry-sdk: LoggingHandler, BatchLogRecordProcessor, OTLP/HTTP
    logging native   shipped by Vedette's, of the same names

Each measurement is a fresh process; the kinds take turns. The clock is the thread's own CPU time, so export threads
and other load on the machine do not count.

    bench/python/log_cost.py [--rounds 5] [--lines 20000] [--json]
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from span_cost import Sink

Log = Callable[[int], None]


def span_context_processor(logger: Any, method_name: str, event_dict: Any) -> Any:
    from opentelemetry import trace

    span = trace.get_current_span()
    if span.is_recording():
        context = span.get_span_context()
        event_dict["trace_id"] = format(context.trace_id, "032x")
        event_dict["span_id"] = format(context.span_id, "016x")
    return event_dict


def structlog_line(processors: list[Any], logger: Any) -> Log:
    import structlog

    log = structlog.wrap_logger(
        logger, processors=processors, wrapper_class=structlog.make_filtering_bound_logger(0)
    ).bind()
    return lambda i: log.info("order_created", order_id=i, total_cents=4711)


def structlog_python(url: str) -> Log:
    import structlog

    null = open("/dev/null", "w")  # noqa: SIM115 (as long as the process)
    chain = [
        structlog.stdlib.add_log_level,
        span_context_processor,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ]
    return structlog_line(chain, structlog.PrintLogger(null))


def structlog_native(url: str) -> Log:
    import vedette.logs

    null = open("/dev/null", "w")  # noqa: SIM115
    return structlog_line([vedette.logs.JSONRenderer()], vedette.logs.LoggerFactory(null)())


def structlog_shipped(url: str) -> Log:
    import vedette.logs
    from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from vedette.sdk._logs.export import BatchLogRecordProcessor
    from vedette.sdk.resources import Resource

    processor = BatchLogRecordProcessor(OTLPLogExporter(url))
    vedette.logs.configure(processor._lane, Resource.create())
    return structlog_native(url)


def logging_line(handler: logging.Handler) -> Log:
    log = logging.getLogger("shop.orders")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    return lambda i: log.info("order %s created", i, extra={"total_cents": 4711})


def logging_alone(url: str) -> Log:
    return logging_line(logging.NullHandler())


def logging_sdk(url: str) -> Log:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url)))
    return logging_line(LoggingHandler(logger_provider=provider))


def logging_native(url: str) -> Log:
    from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from vedette.sdk._logs import LoggerProvider, LoggingHandler
    from vedette.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url)))
    return logging_line(LoggingHandler(logger_provider=provider))


KINDS = {
    "structlog": structlog_python,
    "structlog native": structlog_native,
    "structlog shipped": structlog_shipped,
    "logging": logging_alone,
    "logging sdk": logging_sdk,
    "logging native": logging_native,
}


def measure(kind: str, lines: int, url: str) -> float:
    """Nanoseconds of thread CPU per line, less those of the loop alone."""
    from vedette.sdk.trace import TracerProvider

    warnings.simplefilter("ignore")
    logging.raiseExceptions = False
    log = KINDS[kind](url)

    def run(function: Log, count: int) -> float:
        start = time.thread_time_ns()
        for i in range(count):
            function(i)
        return (time.thread_time_ns() - start) / count

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("bench")
    with tracer.start_as_current_span("request"):
        run(log, 1000)
        slices = 10
        count = max(1, lines // slices)
        costs = []
        for _ in range(slices):
            costs.append(run(log, count) - run(lambda i: None, count))
            time.sleep(0.05)  # lets the exporters keep up, as they do between requests
    return statistics.median(costs)


def main() -> int:
    if len(sys.argv) == 4 and sys.argv[1] in KINDS:
        print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])), flush=True)
        return 0

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print the costs as JSON instead")
    options = parser.parse_args()
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with Sink() as url:
        for _ in range(options.rounds):
            for kind, costs in found.items():
                answer = subprocess.run(
                    [sys.executable, __file__, kind, str(options.lines), url.replace("traces", "logs")],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                costs.append(json.loads(answer.stdout))
    middle = {kind: statistics.median(costs) for kind, costs in found.items()}
    base = middle["logging"]
    ratios = {
        "structlog line": middle["structlog"] / middle["structlog native"],
        "structlog line, shipped too": middle["structlog"] / middle["structlog shipped"],
        "logging line, whole": middle["logging sdk"] / middle["logging native"],
        "logging line, what shipping adds": (middle["logging sdk"] - base)
        / max(1.0, middle["logging native"] - base),
    }
    if options.json:
        print(json.dumps({"ns": middle, "ratios": ratios}))
        return 0
    for kind, costs in found.items():
        print(
            f"{kind:18} {middle[kind]:8.0f} ns a line  (from {min(costs):.0f} to {max(costs):.0f})"
        )
    for what, ratio in ratios.items():
        print(f"{what:34} cheaper by {ratio:5.1f} x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
