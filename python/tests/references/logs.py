"""Log records: of the logging module, structlog, loguru and OpenTelemetry's API."""

from __future__ import annotations

import io
import logging
import os

import structlog
import vedette.logs
from counting import operation, variants
from hostile import HOSTILE, bad_calls
from loguru import logger as loguru_logger
from opentelemetry._logs import LogRecord, SeverityNumber
from vedette import _native
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.sdk._logs import LoggerProvider, LoggingHandler
from vedette.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from vedette.sdk.trace import TracerProvider

NOWHERE = "http://127.0.0.1:9/v1/logs"
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")


def provider(**options):
    made = LoggerProvider(shutdown_on_exit=False, **options)
    made.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(NOWHERE), max_queue_size=50)
    )
    return made


shipping = provider()
vedette.logs.use(shipping)


def error():
    try:
        raise ValueError("no")
    except ValueError as raised:
        return raised


ERROR = error()


def logger_with(handler, name):
    made = logging.getLogger(name)
    made.propagate = False
    made.setLevel(logging.INFO)
    made.addHandler(handler)
    return made


@operation
def logging_shipped():
    log = logger_with(vedette.logs.handler(), "shipped")

    def call():
        log.debug("off")
        log.info("plain")
        log.warning(
            "with %s and %d", "text", 7, extra={"order": 7, "raises": HOSTILE["raises in str"]}
        )
        log.error("failed", exc_info=ERROR, stack_info=True)
        log.info("wrong %d", "text")
        log.info({"a": 1})
        with tracer.start_as_current_span("a"):
            log.info("in a span")
            log.exception("without one")

    return call  # fmt: skip


@operation
def logging_through_a_provider():
    log = logger_with(LoggingHandler(logger_provider=shipping), "provided")
    return lambda: log.info("x %s", "y", extra={"k": [1, 2]})


@operation
def logging_correlated():
    before = logging.getLogRecordFactory()
    vedette.logs.correlate("shop")
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter(vedette.logs.LOGGING_FORMAT))
    log = logger_with(handler, "correlated")

    def call():
        log.info("outside")
        with tracer.start_as_current_span("a"):
            log.info("inside %s", 1)
        handler.stream.truncate(0)

    yield call
    logging.setLogRecordFactory(before)


@operation
def structlog_rendered():
    with open(os.devnull, "w") as nothing:
        log = structlog.wrap_logger(
            vedette.logs.LoggerFactory(nothing)(),
            processors=[structlog.contextvars.merge_contextvars, vedette.logs.JSONRenderer()],
        )

        def call():
            log.info("plain", order=7, items=[1, {"a": None}])
            log.bind(user="x").error("failed", exc_info=ERROR)
            with tracer.start_as_current_span("a"):
                log.warning("in a span", f=0.5)

        yield call


@operation
def structlog_methods():
    made = {"text": "line", "dict": {"a": 1}, "pair": ((1,), {"b": 2}), "nothing": None}

    def last(_logger, _name, event):
        if event["event"] == "drop":
            raise structlog.DropEvent
        if event["event"] == "fail":
            raise ValueError
        return made[event["event"]]

    log = structlog.wrap_logger(
        structlog.testing.CapturingLogger(),
        processors=[structlog.contextvars.merge_contextvars, last],
        wrapper_class=vedette.logs.make_filtering_bound_logger(),
    ).bind(user="x")
    wrong = bad_calls(
        lambda: log.info(),
        lambda: log.info("text", event="twice"),
        lambda: log.info("nothing"),
        lambda: log.info("fail"),
        lambda: _native.LogMethod("info"),
    )

    def call():
        with structlog.contextvars.bound_contextvars(request="r"):
            log.info("text", order=7)
            log.error("dict")
            log.warning("pair")
            log.info("drop")
            log.info("%s", "text")
        wrong()
        log._logger.calls.clear()

    return call


@operation
def structlog_shipped():
    chain = [
        vedette.logs.add_trace_context, vedette.logs.ship, structlog.processors.KeyValueRenderer(repr_native_str=False),
    ]  # fmt: skip
    log = structlog.wrap_logger(structlog.testing.CapturingLogger(), processors=chain)

    def call():
        with tracer.start_as_current_span("a"):
            log.info("x", k={"a": 1})
        log._logger.calls.clear()

    return call


def _event(value):
    render = vedette.logs.JSONRenderer()
    by_default = vedette.logs.JSONRenderer(default=lambda _: value)
    log = logger_with(vedette.logs.handler(), "hostile")
    otel = shipping.get_logger("hostile")

    def call():
        for one in (
            lambda: render(None, "info", {"event": "e", "k": value}),
            lambda: render(None, "info", {"event": value, "exc_info": value, "timestamp": value}),
            lambda: render(None, value, {value: 1}),
            lambda: render(None, "info", value),
            lambda: by_default(None, "info", {"event": "e", "k": object()}),
            lambda: vedette.logs.ship(None, "info", {"event": value, "k": value}),
            lambda: vedette.logs.ship(None, value, value),
            lambda: log.info(value),
            lambda: log.info("%s", value, extra={"k": value}),
            lambda: log.info("x", exc_info=value),
            lambda: otel.emit(body=value, attributes={"k": value}),
            lambda: otel.emit(timestamp=value, severity_number=value, attributes=value),
            lambda: otel.emit(LogRecord(body=value)),
        ):
            try:
                one()
            except Exception:  # what logging or dict make of it is not what is counted
                continue

    return call


logging.raiseExceptions = False
variants(HOSTILE, _event, "log of")


@operation
def loguru_sent():
    loguru_logger.remove()
    loguru_logger.add(vedette.logs.loguru_sink)
    loguru_logger.configure(patcher=vedette.logs.loguru_patcher)

    def call():
        loguru_logger.bind(k=1).info("x {}", 1)
        with tracer.start_as_current_span("a"):
            loguru_logger.opt(exception=ERROR).error("failed")

    yield call
    loguru_logger.remove()


@operation
def logs_sdk():
    memory = InMemoryLogRecordExporter()
    made = provider()
    made.add_log_record_processor(SimpleLogRecordProcessor(memory))
    log = made.get_logger("scope", "1", "https://schema", {"a": 1})

    def call():
        log.emit(
            timestamp=1, body={"a": [1]}, severity_number=SeverityNumber.WARN, attributes={"k": "v"}
        )
        log.emit(LogRecord(body="b", event_name="e"))
        log.emit(body="failed", exception=ERROR)
        for record in memory.get_finished_logs():
            record.log_record.to_json() if hasattr(record.log_record, "to_json") else repr(record)
        _native.encode_logs(memory.get_finished_logs())
        memory.clear()

    return call  # fmt: skip


@operation
def logs_providers():
    def call():
        made = provider()
        made.get_logger("x").emit(body="a")
        made.force_flush(1)
        made.shutdown()

    return call


@operation
def logs_refused():
    sink = _native.LogSink((), shipping.resource, "x")
    render = vedette.logs.JSONRenderer()
    return bad_calls(
        lambda: _native.LogSink(),
        lambda: _native.LogSink((1,), shipping.resource, "x"),
        lambda: _native.LogSink((), None, "x"),
        lambda: sink.emit(1),
        lambda: sink.emit_record(None),
        lambda: render(),
        lambda: render(None, "info"),
        lambda: render(None, "info", {}, 1),
        lambda: _native.JsonRenderer(1),
        lambda: _native.JsonRenderer(wrong=1),
        lambda: _native.LineLogger(),
        lambda: _native.LineLogger(7),
        lambda: _native.ship_event(1),
        lambda: _native.ship_logs_to(7),
        lambda: _native.encode_logs(7),
        lambda: _native.encode_logs([7]),
        lambda: _native.encode_spans(7),
        lambda: _native.encode_spans([7]),
        lambda: _native.RecordFactory(),
        lambda: _native.RecordFactory(1, 2),
    )
