#!/usr/bin/env python3
"""What one log line costs the application's thread, inside of a span.

structlog: level, trace ids, ISO time and JSON to /dev/null, by a chain of structlog's own processors and its PrintLogger;
by vedette.logs' JSONRenderer, LoggerFactory and bound logger; and these with the event sent by OTLP as well. logging: a
line with two extra fields through LoggingHandler, BatchLogRecordProcessor and OTLP/HTTP, of opentelemetry-sdk and of ours;
and with a handler that does nothing, which is what the logging module itself costs.

    bench/python/log_cost.py [--rounds 5] [--lines 20000] [--json]
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

from harness import Cost, Row, Sink, answer, cost, nanoseconds, report, rounds, worker_kind

KINDS = [
    "structlog", "structlog vedette", "structlog vedette shipped",
    "logging", "logging opentelemetry-sdk", "logging vedette",
]  # fmt: skip


def add_trace_context(logger: Any, method_name: str, event_dict: Any) -> Any:
    from opentelemetry import trace

    span = trace.get_current_span()
    if span.is_recording():
        context = span.get_span_context()
        event_dict["trace_id"] = format(context.trace_id, "032x")
        event_dict["span_id"] = format(context.span_id, "016x")
    return event_dict


def with_structlog(kind: str, url: str) -> Callable[[], None]:
    import structlog

    null = open("/dev/null", "w")  # noqa: SIM115 (as long as the process)
    make_class = structlog.make_filtering_bound_logger
    if kind == "structlog":
        processors: list[Any] = [
            structlog.stdlib.add_log_level,
            add_trace_context,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ]
        logger: Any = structlog.PrintLogger(null)
    else:
        import vedette.logs

        make_class = vedette.logs.make_filtering_bound_logger
        processors = [vedette.logs.JSONRenderer()]
        logger = vedette.logs.LoggerFactory(null)()
        if kind.endswith("shipped"):
            from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            from vedette.sdk._logs import LoggerProvider
            from vedette.sdk._logs.export import BatchLogRecordProcessor

            provider = LoggerProvider()
            provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url)))
            vedette.logs.use(provider)
    log = structlog.wrap_logger(logger, processors=processors, wrapper_class=make_class(0)).bind()
    return lambda: log.info("order_created", order_id=4711, total_cents=1250)


def with_logging(kind: str, url: str) -> Callable[[], None]:
    if kind == "logging":
        handler: logging.Handler = logging.NullHandler()
    else:
        if kind == "logging vedette":
            from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            from vedette.sdk._logs import LoggerProvider, LoggingHandler
            from vedette.sdk._logs.export import BatchLogRecordProcessor
        else:
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
            from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        provider = LoggerProvider()
        provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url)))
        handler = LoggingHandler(logger_provider=provider)
    log = logging.getLogger("shop.orders")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    extra = {"total_cents": 1250, "currency": "EUR"}
    return lambda: log.info("order %s created", 4711, extra=extra)


def measure(kind: str, lines: int, url: str) -> Cost:
    from vedette.sdk.trace import TracerProvider

    warnings.simplefilter("ignore")
    make = with_logging if kind.startswith("logging") else with_structlog
    with TracerProvider().get_tracer("bench").start_as_current_span("request"):
        return cost(make(kind, url), lines)


def rows(found: dict[str, float]) -> list[Row]:
    chain, ours = found["structlog"], found["logging vedette"]
    sdk = found["logging opentelemetry-sdk"]
    return [
        Row("structlog line in a span", found["structlog vedette"], chain, "structlog", "≥ 5 ×"),
        Row("the same, sent by OTLP too", found["structlog vedette shipped"], chain, "structlog", "-"),
        Row("logging line sent by OTLP, whole", ours, sdk, "opentelemetry-sdk", "≥ 10 ×"),
        Row("of that, the logging module's own", found["logging"], None, "", "-"),
    ]  # fmt: skip


def main() -> int:
    if kind := worker_kind():
        answer(measure(kind, int(sys.argv[1]), sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    with Sink() as url:
        # What it gets are logs, which it does not count.
        arguments = [options.lines, url.replace("traces", "logs")]
        found = nanoseconds(rounds(__file__, KINDS, arguments, options.rounds))
    report(rows(found), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
