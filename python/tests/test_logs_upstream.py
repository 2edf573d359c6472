"""The same records through opentelemetry-sdk and through ours: what reaches the server must be equal."""

import logging
import warnings

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as upstream_encode
from opentelemetry.exporter.otlp.proto.http._log_exporter import (
    OTLPLogExporter as UpstreamExporter,
)
from opentelemetry.sdk import _logs as upstream
from opentelemetry.sdk._logs import export as upstream_export
from opentelemetry.sdk.resources import Resource as UpstreamResource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from sink import HttpSink
from vedette import _native
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.sdk import _logs as ours
from vedette.sdk._logs import export as our_export
from vedette.sdk.resources import Resource

SPAN = SpanContext(0xABC << 64 | 5, 0xDEF, False, TraceFlags(1))
OTHER = set_span_in_context(NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(0))), Context())


def boom():
    try:
        raise ValueError("bad", 7)
    except ValueError as error:
        return error


ERROR = boom()
VALUES = {
    "text": "wörld",
    "int": -7,
    "float": 0.25,
    "yes": True,
    "bytes": b"\x00\xff",
    "list": ["a", 1, None, [True]],
    "map": {"k": {"deep": 1}},
    "none": None,
}


def with_fields(provider):
    logger = provider.get_logger("scope", "1.2", "https://schema", {"a": 1})
    for body in ("text", "", 5, 1.5, True, b"\x01", ["x", 1], {"k": [1]}, None):
        logger.emit(timestamp=1, observed_timestamp=2, body=body)
    logger.emit(
        timestamp=10**18,
        observed_timestamp=10**18 + 1,
        context=OTHER,
        severity_number=SeverityNumber.WARN3,
        severity_text="WARN",
        body="all",
        attributes=VALUES,
        event_name="order.created",
    )
    logger.emit(observed_timestamp=3)
    logger.emit(observed_timestamp=3, exception=ERROR, body="e")
    logger.emit(
        observed_timestamp=3, exception=ERROR, attributes={"exception.type": "mine", "x": 1}
    )


def with_records(provider):
    logger = provider.get_logger("other")
    with trace.use_span(NonRecordingSpan(SPAN)):
        logger.emit(LogRecord(timestamp=1, observed_timestamp=2, body="r", attributes=VALUES))
    logger.emit(
        LogRecord(
            observed_timestamp=2,
            context=OTHER,
            severity_number=SeverityNumber.FATAL4,
            event_name="e",
            exception=ERROR,
            attributes={"n": 1},
        )
    )


def with_too_much(provider):
    logger = provider.get_logger("many")
    logger.emit(observed_timestamp=1, attributes={f"k{i}": "x" * i for i in range(20)})
    logger.emit(
        observed_timestamp=1, exception=ERROR, attributes={f"k{i}": "ä" * i for i in range(9)}
    )
    logger.emit(observed_timestamp=1, attributes={"": 1, "k": "y" * 50})


def with_logging(provider):
    module = ours if isinstance(provider, ours.LoggerProvider) else upstream
    handler = module.LoggingHandler(logger_provider=provider)
    log = logging.getLogger("shop.orders")
    log.propagate = False
    log.setLevel(1)
    log.addHandler(handler)
    try:
        for level in (5, 10, 15, 20, 25, 30, 39, 40, 50, 53, 60):
            log.log(level, "at %d", level)
        with trace.use_span(NonRecordingSpan(SPAN)):
            log.info("order %s of %d", "A1", 3, extra={"order": {"id": 1}, "n": 2})
        log.info("%(a)s", {"a": 1})
        log.warning({"a": [1]})
        log.info(1.5)
        try:
            raise KeyError("gone")
        except KeyError:
            log.exception("failed")
        log.error("given", exc_info=ERROR, stack_info=True)
        log.error("none", exc_info=(None, None, None))
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        log.info("formatted %d", 1)
    finally:
        log.removeHandler(handler)


def collect(module, export, exporter, resource, emit, limits):
    sink = HttpSink()
    try:
        provider = module.LoggerProvider(
            resource=resource, shutdown_on_exit=False, log_record_limits=limits
        )
        provider.add_log_record_processor(
            export.BatchLogRecordProcessor(exporter(sink.base + "/v1/logs"))
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            emit(provider)
        assert provider.force_flush()
        provider.shutdown()
        (request,) = sink.logs
        return request
    finally:
        sink.close()


def normal(request, timed):
    """Without times that differ, attributes in order of their names, as the order means nothing."""
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                entries = sorted(record.attributes, key=lambda entry: entry.key)
                del record.attributes[:]
                record.attributes.extend(entries)
                if timed:
                    record.time_unix_nano = record.observed_time_unix_nano = 0
                    for entry in record.attributes:
                        if entry.key == "code.line.number":
                            entry.value.int_value = 0
    return request


@pytest.mark.parametrize("emit", [with_fields, with_records, with_too_much, with_logging])
def test_equal_on_the_wire(emit):
    limits = {"max_log_record_attributes": 10, "max_log_record_attribute_length": 12}
    if emit is not with_too_much:
        limits = {}
    attributes, url = {"service.name": "shop", "n": [1, 2]}, "https://resource"
    theirs = collect(
        upstream, upstream_export, UpstreamExporter, UpstreamResource(attributes, url), emit,
        upstream.LogRecordLimits(**limits),
    )  # fmt: skip
    mine = collect(
        ours, our_export, OTLPLogExporter, Resource(attributes, url), emit,
        ours.LogRecordLimits(**limits),
    )  # fmt: skip
    timed = emit is with_logging
    assert str(normal(mine, timed)) == str(normal(theirs, timed))


@pytest.mark.parametrize("emit", [with_fields, with_records, with_too_much])
def test_equal_through_processors_in_python(emit):
    """A processor in Python sees each record; what it hands on is encoded the same."""
    limits = {"max_log_record_attributes": 10, "max_log_record_attribute_length": 12}
    exporter = our_export.InMemoryLogRecordExporter()
    provider = ours.LoggerProvider(
        resource=Resource({"a": 1}),
        shutdown_on_exit=False,
        log_record_limits=ours.LogRecordLimits(**limits),
    )
    provider.add_log_record_processor(our_export.SimpleLogRecordProcessor(exporter))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        emit(provider)
    records = exporter.get_finished_logs()
    assert records
    mine = type(upstream_encode([])).FromString(_native.encode_logs(records))
    assert str(normal(mine, False)) == str(normal(upstream_encode(records), False))
