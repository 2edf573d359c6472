"""Trace ids in the records of logging and loguru, and shipping them and structlog's without any provider set up."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest
import structlog
import vedette.logs
from loguru import logger as loguru_logger
from sink import any_value, attributes
from vedette import _native
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.instrumentation import structlog as structlog_instrumentation
from vedette.sdk._logs import LoggerProvider
from vedette.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider

tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")


@pytest.fixture
def correlated():
    before = logging.getLogRecordFactory()
    vedette.logs.correlate("shop")
    yield
    logging.setLogRecordFactory(before)


@pytest.fixture
def shipped(http_sink):
    """Ships while it lasts; call it for [(scope, record)] of what arrived."""
    processor = BatchLogRecordProcessor(OTLPLogExporter(http_sink.base + "/v1/logs"))
    vedette.logs.configure(processor._lane, Resource({"service.name": "shop"}))

    def records():
        assert processor.force_flush()
        return [
            (scope.scope.name, record)
            for request in http_sink.logs
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    yield records
    _native.ship_logs_to(None)
    vedette.logs._target.__init__()
    processor.shutdown()


@pytest.fixture
def shop_log():
    log = logging.getLogger("shop.correlation")
    log.propagate = False
    log.setLevel(logging.DEBUG)
    yield log
    log.handlers.clear()


def test_ids_in_each_record(correlated, shop_log):
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        logging.Formatter(
            "%(otelTraceID)s %(otelSpanID)s %(otelTraceSampled)s %(otelServiceName)s %(message)s"
        )
    )
    shop_log.addHandler(handler)
    with tracer.start_as_current_span("s") as span:
        shop_log.info("in")
    shop_log.info("out")
    own = span.get_span_context()
    assert out.getvalue().splitlines() == [
        f"{own.trace_id:032x} {own.span_id:016x} True shop in",
        "0 0 False shop out",
    ]


def test_correlation_keeps_the_factory_there_was(shop_log):
    class Special(logging.LogRecord):
        pass

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Special)
    try:
        vedette.logs.correlate("shop")
        vedette.logs.correlate("shop")
        factory = logging.getLogRecordFactory()
        assert factory.__wrapped__ is Special
        record = factory("n", 10, "p", 1, "m", (), None)
        assert type(record) is Special and record.otelTraceID == "0"
        with pytest.raises(TypeError):
            factory()
    finally:
        logging.setLogRecordFactory(before)


def test_correlation_by_the_environment():
    program = """
import logging
from vedette.logs import correlate_from_environment
correlate_from_environment()
logging.getLogger("a").debug("hello")
"""
    environment = {
        **os.environ,
        "OTEL_PYTHON_LOG_CORRELATION": "true",
        "OTEL_PYTHON_LOG_LEVEL": "debug",
        "OTEL_SERVICE_NAME": "shop",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert "trace_id=0 span_id=0 resource.service.name=shop trace_sampled=False] - hello" in (
        done.stderr
    )


def test_handler_without_a_provider(shipped, correlated, shop_log):
    handler = vedette.logs.handler(logging.INFO)
    shop_log.addHandler(handler)
    shop_log.debug("too low")
    with tracer.start_as_current_span("s") as span:
        shop_log.warning("order %d", 7, extra={"n": 1})
    handler.addFilter(lambda record: "secret" not in record.getMessage())
    shop_log.info("secret")
    shop_log.info("kept")
    (first_scope, first), (_, second) = shipped()
    assert first_scope == "shop.correlation"
    assert any_value(first.body) == "order 7" and first.severity_text == "WARN"
    assert int(first.trace_id.hex(), 16) == span.get_span_context().trace_id
    # The ids are fields of the record; they are not repeated as attributes.
    names = {"n", "code.file.path", "code.function.name", "code.line.number"}
    assert set(attributes(first)) == names
    assert any_value(second.body) == "kept"


def test_handler_before_there_is_anywhere_to_send(shop_log):
    shop_log.addHandler(vedette.logs.handler())
    shop_log.info("nothing happens")


def test_a_provider_takes_over(shop_log):
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    vedette.logs.use(provider)
    try:
        assert _native.ship_event(None, "info", {"event": "x"}) == {"event": "x"}
        provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
        shop_log.addHandler(vedette.logs.handler())
        shop_log.info("for Python")
    finally:
        _native.ship_logs_to(None)
        vedette.logs._target.__init__()


def test_loguru(shipped):
    out = io.StringIO()
    log = loguru_logger.patch(vedette.logs.loguru_patcher)
    loguru_logger.remove()
    ids = [
        loguru_logger.add(vedette.logs.loguru_sink, level="TRACE"),
        loguru_logger.add(out, format="{extra[trace_id]} {message}"),
    ]
    try:
        with tracer.start_as_current_span("s") as span:
            log.bind(order=7).warning("paid {}", 5)
            try:
                raise KeyError("gone")
            except KeyError:
                log.exception("failed")
            log.trace("fine")
    finally:
        for one in ids:
            loguru_logger.remove(one)
    trace_id = span.get_span_context().trace_id
    assert out.getvalue().startswith(f"{trace_id:032x} paid 5")
    (scope, first), (_, second), (_, third) = shipped()
    assert scope == __name__ and any_value(first.body) == "paid 5"
    assert (first.severity_number, first.severity_text) == (13, "WARNING")
    assert third.severity_number == 1
    assert int(first.trace_id.hex(), 16) == trace_id
    assert attributes(first)["order"] == 7
    assert attributes(first)["code.function.name"] == "test_loguru"
    assert attributes(second)["exception.type"] == "KeyError"


def test_structlog_configured_as_ever(shipped):
    out = io.StringIO()
    before = structlog.get_config()
    assert structlog_instrumentation.instrument() and structlog_instrumentation.instrument()
    try:
        structlog.configure(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.PrintLoggerFactory(out),
        )
        structlog.get_logger().info("order_created", order_id=7)
        own = [structlog.stdlib.add_log_level, vedette.logs.JSONRenderer()]
        structlog.configure(processors=own)
        assert structlog.get_config()["processors"] == own
    finally:
        structlog_instrumentation.uninstrument()
        structlog.configure(**before)
    assert json.loads(out.getvalue())["event"] == "order_created"
    ((scope, record),) = shipped()
    assert (scope, any_value(record.body)) == ("structlog", "order_created")
    assert attributes(record) == {"order_id": 7}
