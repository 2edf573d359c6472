"""The rows of the section "Logs" of the OpenTelemetry specification's compliance matrix."""

import asyncio
import io
import json
import logging
import threading
from concurrent import futures

import grpc
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sink import any_value, attributes
from vedette.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from vedette.sdk._logs import (
    ConcurrentMultiLogRecordProcessor,
    LoggerProvider,
    LoggingHandler,
    LogRecordLimits,
    LogRecordProcessor,
)
from vedette.sdk._logs.export import (
    BatchLogRecordProcessor,
    ConsoleLogRecordExporter,
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider


def row(*names):
    return pytest.mark.row("Logs", names)


tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")


def provider_with(*processors, **more):
    provider = LoggerProvider(resource=Resource({"a": 1}), shutdown_on_exit=False, **more)
    for processor in processors:
        provider.add_log_record_processor(processor)
    return provider


class Recording(LogRecordProcessor):
    """Keeps what it is told."""

    def __init__(self, wants=True):
        self.emitted, self.calls, self.asked, self.wants = [], [], [], wants

    def on_emit(self, log_record):
        self.emitted.append(log_record)

    def enabled(self, **what):
        self.asked.append(what)
        return self.wants

    def shutdown(self):
        self.calls.append("shutdown")

    def force_flush(self, timeout_millis=30000):
        self.calls.append(("flush", timeout_millis))
        return self.wants


@row("LoggerProvider.Get Logger")
def test_get_logger():
    provider = provider_with()
    logger = provider.get_logger("n", "1", "https://u")
    assert provider.get_logger("n", "1", "https://u") is logger
    assert provider.get_logger("n", "2", "https://u") is not logger
    scope = logger.instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url) == ("n", "1", "https://u")


@row("LoggerProvider.Get Logger accepts attributes")
def test_get_logger_accepts_attributes():
    memory = InMemoryLogRecordExporter()
    provider = provider_with(SimpleLogRecordProcessor(memory))
    provider.get_logger("n", attributes={"k": "v"}).emit(body="x")
    assert dict(memory.get_finished_logs()[0].instrumentation_scope.attributes) == {"k": "v"}


def test_disabled_sdk(monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert isinstance(provider_with().get_logger("n"), NoOpLogger)


@row("LoggerProvider.Shutdown")
@pytest.mark.parametrize("multi", [None, ConcurrentMultiLogRecordProcessor])
def test_shutdown_reaches_every_processor(multi):
    processors = [Recording(), Recording()]
    more = {"multi_log_record_processor": multi()} if multi else {}
    provider_with(*processors, **more).shutdown()
    assert [processor.calls for processor in processors] == [["shutdown"]] * 2


def test_shutdown_sends_what_is_queued_and_ends(http_sink):
    processor = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(processor)
    logger = provider.get_logger("n")
    logger.emit(body="in time")
    provider.shutdown()
    logger.emit(body="late")
    bodies = [any_value(r.body) for r in records_of(http_sink)]
    assert bodies == ["in time"]
    assert processor.stats()["dropped_full"] == 1


@row("LoggerProvider.ForceFlush")
@pytest.mark.parametrize("multi", [None, ConcurrentMultiLogRecordProcessor])
def test_force_flush_reaches_every_processor(multi):
    more = {"multi_log_record_processor": multi()} if multi else {}
    processors = [Recording(), Recording(wants=False)]
    assert provider_with(*processors, **more).force_flush(5000) is False
    assert all(processor.calls[0][0] == "flush" for processor in processors)
    assert all(0 < processor.calls[0][1] <= 5000 for processor in processors)
    assert provider_with(Recording(), Recording()).force_flush() is True


@row("Logger.Emit(LogRecord)")
def test_emit_a_record_or_its_fields():
    seen = Recording()
    logger = provider_with(seen).get_logger("n")
    logger.emit(LogRecord(timestamp=1, body="record", severity_number=SeverityNumber.INFO))
    logger.emit(timestamp=2, body="fields", severity_text="WARN", attributes={"k": 1})
    first, second = (entry.log_record for entry in seen.emitted)
    assert (first.timestamp, first.body, first.severity_number) == (
        1,
        "record",
        SeverityNumber.INFO,
    )
    assert (second.timestamp, second.body, second.severity_text) == (2, "fields", "WARN")
    assert dict(second.attributes) == {"k": 1}
    assert second.observed_timestamp > 10**18
    assert seen.emitted[0].resource.attributes["a"] == 1


def failure():
    try:
        raise KeyError("gone")
    except KeyError as error:
        return error


@row("Logger.Emit(LogRecord) with Exception parameter")
@pytest.mark.parametrize("whole", [True, False])
def test_emit_with_an_exception(whole, http_sink):
    seen = Recording()
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    for provider in (provider_with(seen), provider_with(batch)):
        logger = provider.get_logger("n")
        given = {"exception": failure(), "attributes": {"exception.message": "mine", "k": 1}}
        if whole:
            logger.emit(LogRecord(**given))
        else:
            logger.emit(**given)
    batch.force_flush()
    batch.shutdown()
    for found in (
        dict(seen.emitted[0].log_record.attributes),
        attributes(records_of(http_sink)[0]),
    ):
        assert found.pop("exception.stacktrace").startswith("Traceback")
        assert found == {"exception.type": "KeyError", "exception.message": "mine", "k": 1}


@row("LogRecord.Set EventName")
def test_event_name(http_sink):
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    logger = provider_with(batch).get_logger("n")
    logger.emit(event_name="order.created")
    batch.shutdown()
    assert records_of(http_sink)[0].event_name == "order.created"


@row("Logger.Enabled")
def test_logger_enabled():
    assert not provider_with().get_logger("n").enabled()  # nobody listens
    wants, does_not = Recording(), Recording(wants=False)
    assert not provider_with(does_not).get_logger("n").enabled()
    logger = provider_with(does_not, wants).get_logger("n")
    assert logger.enabled(severity_number=SeverityNumber.DEBUG, event_name="e")
    off = provider_with(wants, _logger_configurator=_only("other"))
    assert off.get_logger("other").enabled() and not off.get_logger("n").enabled()


def _only(name):
    from vedette.sdk._logs._provider import _LoggerConfig

    return lambda scope: _LoggerConfig(is_enabled=scope.name == name)


@row("LogRecordProcessor.Enabled")
def test_processor_is_asked_with_what_is_known():
    processor = Recording()
    logger = provider_with(processor).get_logger("n")
    logger.enabled(severity_number=SeverityNumber.WARN, event_name="e")
    (asked,) = processor.asked
    assert asked["severity_number"] is SeverityNumber.WARN and asked["event_name"] == "e"
    assert asked["instrumentation_scope"].name == "n" and asked["context"] is None


def test_a_logger_switched_off_emits_nothing(http_sink):
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(batch)
    on, off = provider.get_logger("on"), provider.get_logger("off")
    provider._set_logger_configurator(logger_configurator=_only("on"))
    off.emit(body="no")
    on.emit(body="yes")
    batch.shutdown()
    assert [any_value(r.body) for r in records_of(http_sink)] == ["yes"]


class Exporting(LogRecordExporter):
    """As a user would write it."""

    def __init__(self, fails=False):
        self.batches, self.threads, self.fails, self.ended = [], set(), fails, False
        self.release = threading.Event()
        self.release.set()

    def export(self, batch):
        assert self.release.wait(30)
        self.threads.add(threading.current_thread())
        self.batches.append(list(batch))
        if self.fails:
            raise OSError("cannot")
        return LogRecordExportResult.SUCCESS

    def shutdown(self):
        self.ended = True

    def force_flush(self, timeout_millis=30000):
        return True


@row("SimpleLogRecordProcessor")
@pytest.mark.parametrize("fails", [False, True])
def test_simple_processor_exports_at_once(fails):
    exporter = Exporting(fails)
    processor = SimpleLogRecordProcessor(exporter)
    logger = provider_with(processor).get_logger("n")
    logger.emit(body="x")
    assert [r.log_record.body for batch in exporter.batches for r in batch] == ["x"]
    assert exporter.threads == {threading.current_thread()}
    processor.shutdown()
    logger.emit(body="late")
    assert exporter.ended and len(exporter.batches) == 1


def test_an_exporter_that_logs_is_not_endless():
    class Chatty(Exporting):
        def export(self, batch):
            super().export(batch)
            logger.emit(body="again")

    exporter = Chatty()
    logger = provider_with(SimpleLogRecordProcessor(exporter)).get_logger("n")
    logger.emit(body="x")
    assert 1 < len(exporter.batches) < 10


@row("BatchLogRecordProcessor")
def test_batch_processor():
    exporter = Exporting()
    processor = BatchLogRecordProcessor(
        exporter, max_export_batch_size=3, schedule_delay_millis=3_600_000, max_queue_size=6
    )
    logger = provider_with(processor).get_logger("n")
    exporter.release.clear()  # so emitting cannot be waiting for the exporter
    for i in range(20):
        logger.emit(body=i)
    assert processor.stats()["dropped_full"] >= 20 - 6 - 3
    exporter.release.set()
    assert processor.force_flush(30_000)
    bodies = [record.log_record.body for batch in exporter.batches for record in batch]
    assert bodies == sorted(bodies) and bodies[0] == 0
    assert all(len(batch) <= 3 for batch in exporter.batches)
    assert threading.current_thread() not in exporter.threads
    processor.shutdown()
    assert exporter.ended


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"max_queue_size": -1}, "max_queue_size must be"),
        ({"schedule_delay_millis": 0}, "schedule_delay_millis must be"),
        ({"max_export_batch_size": 0}, "max_export_batch_size must be"),
        ({"max_queue_size": 1, "max_export_batch_size": 2}, "less than or equal"),
    ],
)
def test_batch_processor_refuses(given, complaint):
    with pytest.raises(ValueError, match=complaint):
        BatchLogRecordProcessor(Exporting(), **given)


def test_batch_processor_reads_the_environment(monkeypatch):
    monkeypatch.setenv("OTEL_BLRP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "2")
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "3600000")
    exporter = Exporting()
    processor = BatchLogRecordProcessor(exporter)
    logger = provider_with(processor).get_logger("n")
    exporter.release.clear()
    for i in range(10):
        logger.emit(body=i)
    exporter.release.set()
    assert processor.force_flush(30_000)
    assert max(len(batch) for batch in exporter.batches) == 2
    assert processor.stats()["dropped_full"] >= 4
    processor.shutdown()


@row("Can plug custom LogRecordProcessor")
@pytest.mark.parametrize("multi", [None, ConcurrentMultiLogRecordProcessor])
def test_own_processor_sees_and_changes(multi, http_sink):
    class Redacts(Recording):
        def on_emit(self, log_record):
            super().on_emit(log_record)
            log_record.log_record.attributes["card"] = "…"

    redacts = Redacts()
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(redacts, batch)
    provider.get_logger("n").emit(body="b", attributes={"card": "4111"})
    batch.shutdown()
    (record,) = records_of(http_sink)
    assert attributes(record) == {"card": "…"} and any_value(record.body) == "b"


def test_a_processor_that_fails_does_not_reach_the_application(caplog):
    class Fails(Recording):
        def on_emit(self, log_record):
            raise RuntimeError("mine")

    provider_with(Fails()).get_logger("n").emit(body="x")
    assert "a log record processor failed" in caplog.text


def test_a_processor_added_later_counts_for_loggers_there_are(http_sink):
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(batch)
    logger = provider.get_logger("n")
    logger.emit(body="one")
    seen = Recording()
    provider.add_log_record_processor(seen)
    logger.emit(body="two")
    batch.shutdown()
    assert [r.log_record.body for r in seen.emitted] == ["two"]
    assert [any_value(r.body) for r in records_of(http_sink)] == ["one", "two"]


class GrpcLogSink:
    def __init__(self):
        self.requests = requests = []

        class Service(logs_service_pb2_grpc.LogsServiceServicer):
            def Export(self, request, context):
                requests.append((request, dict(context.invocation_metadata())))
                return logs_service_pb2.ExportLogsServiceResponse()

        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Service(), self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()


@pytest.fixture
def grpc_logs():
    sink = GrpcLogSink()
    yield sink
    sink.server.stop(0).wait()


@row("OTLP/gRPC exporter")
@pytest.mark.parametrize("options", [{}, {"channel_options": (("grpc.x", "y"),)}])
def test_grpc_exporter(grpc_logs, options):
    exporter = GrpcExporter(
        f"http://127.0.0.1:{grpc_logs.port}", headers={"Api-Key": "k"}, **options
    )
    processor = BatchLogRecordProcessor(exporter)
    provider_with(processor).get_logger("n", "1").emit(body="x")
    assert processor.force_flush()
    processor.shutdown()
    ((request, metadata),) = grpc_logs.requests
    (scope,) = request.resource_logs[0].scope_logs
    assert (scope.scope.name, scope.scope.version) == ("n", "1")
    assert any_value(scope.log_records[0].body) == "x" and metadata["api-key"] == "k"


def records_of(sink):
    return [
        record
        for request in sink.logs
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


@row("OTLP/HTTP exporter")
def test_http_exporter(http_sink):
    exporter = HttpExporter(http_sink.base + "/v1/logs", headers={"k": "v"}, compression="gzip")
    memory = InMemoryLogRecordExporter()
    provider = provider_with(SimpleLogRecordProcessor(memory))
    provider.get_logger("n").emit(body="x")
    # Called as a wrapper of one's own would.
    assert exporter.export(memory.get_finished_logs()) is LogRecordExportResult.SUCCESS
    assert [any_value(record.body) for record in records_of(http_sink)] == ["x"]
    headers = {name.lower(): value for name, value in http_sink.headers[0].items()}
    assert headers["k"] == "v" and headers["content-encoding"] == "gzip"
    exporter.shutdown()
    assert exporter.export(memory.get_finished_logs()) is LogRecordExportResult.FAILURE


@row("Can plug custom LogRecordExporter")
def test_own_exporter():
    exporter = Exporting()
    processor = BatchLogRecordProcessor(exporter)
    provider_with(processor).get_logger("n").emit(body="x", attributes={"k": [1]})
    assert processor.force_flush(30_000)
    processor.shutdown()
    record = exporter.batches[0][0]
    assert record.log_record.body == "x" and record.log_record.attributes["k"] == (1,)
    assert record.resource.attributes["a"] == 1


def test_console_exporter():
    out = io.StringIO()
    provider = provider_with(SimpleLogRecordProcessor(ConsoleLogRecordExporter(out)))
    provider.get_logger("n").emit(timestamp=10**18, body={"b": b"\x01"}, event_name="e")
    found = json.loads(out.getvalue())
    assert found["body"] == {"b": "AQ=="} and found["event_name"] == "e"
    assert found["timestamp"] == "2001-09-09T01:46:40.000000Z"


@row("Trace Context Injection")
def test_trace_context(http_sink):
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(batch)
    logger, seen = provider.get_logger("n"), Recording()
    python = provider_with(seen).get_logger("n")

    async def both():
        with tracer.start_as_current_span("s") as span:
            logger.emit(body="x")
            python.emit(body="x")
            return span.get_span_context()

    own = asyncio.run(both())
    logger.emit(body="outside")
    batch.shutdown()
    inside, outside = records_of(http_sink)
    assert (int(inside.trace_id.hex(), 16), int(inside.span_id.hex(), 16)) == (
        own.trace_id,
        own.span_id,
    )
    assert inside.flags == own.trace_flags and outside.trace_id == b""
    record = seen.emitted[0].log_record
    assert (record.trace_id, record.span_id) == (own.trace_id, own.span_id)
    remote = trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(5, 6, True)))
    python.emit(body="given", context=remote)
    assert seen.emitted[1].log_record.trace_id == 5


@pytest.mark.parametrize(
    ("environment", "given", "expected"),
    [
        ({}, {}, (128, None)),
        ({"OTEL_ATTRIBUTE_COUNT_LIMIT": "5"}, {}, (5, None)),
        ({"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_ATTRIBUTE_COUNT_LIMIT": "5"}, {}, (7, None)),
        ({"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"}, {}, (128, 3)),
        ({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"}, {}, (128, 4)),
        ({"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "7"}, {"max_log_record_attributes": 2}, (2, None)),
        ({}, {"max_log_record_attributes": LogRecordLimits.UNSET}, (None, None)),
    ],
)  # fmt: skip
def test_limits(monkeypatch, environment, given, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    limits = LogRecordLimits(**given)
    found = (limits.max_log_record_attributes, limits.max_log_record_attribute_length)
    assert found == expected
    with pytest.raises(ValueError, match="non-negative"):
        LogRecordLimits(max_attributes=-5)


@pytest.fixture
def shop_log():
    log = logging.getLogger("shop.test")
    log.propagate = False
    log.setLevel(logging.DEBUG)
    yield log
    log.handlers.clear()
    log.filters.clear()


def test_handler_filters_levels_and_subclasses(http_sink, shop_log):
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(batch)
    handler = LoggingHandler(logging.INFO, provider)
    handler.addFilter(lambda record: "secret" not in record.getMessage())

    class Upper(LoggingHandler):
        def emit(self, record):
            record.msg = record.msg.upper()
            super().emit(record)

    shop_log.addHandler(handler)
    shop_log.debug("too low")
    shop_log.info("secret")
    shop_log.info("kept")
    shop_log.removeHandler(handler)
    shop_log.addHandler(Upper(logger_provider=provider))
    shop_log.info("loud")
    shop_log.handlers[0].flush()
    batch.shutdown()
    assert [any_value(r.body) for r in records_of(http_sink)] == ["kept", "LOUD"]


def test_handler_never_raises(http_sink):
    class Raises:
        def __str__(self):
            raise RuntimeError

        __repr__ = __str__

    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    handler = LoggingHandler(logger_provider=provider_with(batch))
    for record in (
        {"msg": "%d of %d", "args": (1,)},
        {"msg": "%s", "args": (Raises(),)},
        {"msg": Raises(), "x": Raises(), "y": "\ud800", "z": float("nan"), 5: 6},
        {"msg": "\udfff", "exc_info": (1, 2, 3)},
        {"msg": None, "levelno": "high", "levelname": 7, "created": -1, "pathname": None},
    ):
        handler.handle(logging.makeLogRecord({"name": "n", **record}))
    batch.shutdown()
    assert len(records_of(http_sink)) == 5
    assert any_value(records_of(http_sink)[0].body) == "%d of %d (1,)"


def test_handler_follows_its_provider(http_sink, shop_log):
    """Processors added once records have gone through see those that come."""
    batch = BatchLogRecordProcessor(HttpExporter(http_sink.base + "/v1/logs"))
    provider = provider_with(batch)
    shop_log.addHandler(LoggingHandler(logger_provider=provider))
    shop_log.info("one")
    seen = Recording()
    provider.add_log_record_processor(seen)
    shop_log.info("two")
    batch.shutdown()
    assert [r.log_record.body for r in seen.emitted] == ["two"]
    assert len(records_of(http_sink)) == 2


def test_the_sdk_counts_its_log_processors(monkeypatch, http_sink):
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    meters = MeterProvider(metric_readers=[reader])
    exporter = HttpExporter(http_sink.base + "/v1/logs", meter_provider=meters)
    batch = BatchLogRecordProcessor(exporter, meter_provider=meters)
    provider = provider_with(batch, meter_provider=meters)
    for _ in range(3):
        provider.get_logger("n").emit(body="x")
    assert batch.force_flush()
    found = {
        metric.name: metric.data.data_points[0]
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    for name in (
        "otel.sdk.log.created",
        "otel.sdk.processor.log.processed",
        "otel.sdk.exporter.log.exported",
    ):
        assert found[name].value == 3, name
    processor = found["otel.sdk.processor.log.processed"].attributes
    assert processor["otel.component.type"] == "batching_log_processor"
    batch.shutdown()
    meters.shutdown()
