"""structlog's chain with our two processors in it."""

import json
import sys

import pytest
import structlog
import vedette.logs
from opentelemetry import trace
from sink import any_value, attributes
from vedette import _native
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor


class Shop:
    """A logger whose records are both printed and shipped."""

    def __init__(self, sink):
        self.sink = sink
        self.processor = BatchSpanProcessor(OTLPSpanExporter(sink.url))
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("t")
        self.printed = []
        self.logger = structlog.wrap_logger(
            structlog.PrintLogger(self),
            processors=[
                structlog.stdlib.add_log_level,
                vedette.logs.add_trace_context,
                structlog.processors.TimeStamper(fmt="iso"),
                vedette.logs.ship,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(default=lambda value: "unprintable"),
            ],
        )

    def write(self, text):
        self.printed.append(text)

    def flush(self):
        pass

    def lines(self):
        return [json.loads(line) for line in "".join(self.printed).splitlines()]

    def records(self):
        assert self.processor.force_flush()
        return [
            record
            for request in self.sink.logs
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]


@pytest.fixture
def shop(http_sink):
    shop = Shop(http_sink)
    lane = shop.processor._add_log_lane(OTLPLogExporter(http_sink.base + "/v1/logs"))
    vedette.logs.configure(lane, Resource({"service.name": "shop"}))
    yield shop
    _native.ship_logs_to(None)
    shop.provider.shutdown()


def test_a_record_in_a_span(shop):
    with shop.tracer.start_as_current_span("s") as span:
        shop.logger.info(
            "order created", order_id=7, total=1.5, tags=["a"], customer={"tier": "gold"}
        )
    (line,) = shop.lines()
    own = span.get_span_context()
    assert line["trace_id"] == f"{own.trace_id:032x}" and line["span_id"] == f"{own.span_id:016x}"
    assert (line["event"], line["level"], line["order_id"]) == ("order created", "info", 7)
    (record,) = shop.records()
    assert record.trace_id.hex() == line["trace_id"] and record.span_id.hex() == line["span_id"]
    assert (record.severity_number, record.severity_text) == (9, "INFO")
    assert any_value(record.body) == "order created"
    assert attributes(record) == {
        "order_id": 7,
        "total": 1.5,
        "tags": ["a"],
        "customer": {"tier": "gold"},
    }
    assert record.flags == own.trace_flags
    assert shop.sink.logs[0].resource_logs[0].resource.attributes[0].value.string_value == "shop"


def test_outside_of_a_span(shop):
    shop.logger.warning("alone")
    assert "trace_id" not in shop.lines()[0]
    (record,) = shop.records()
    assert record.trace_id == b"" and record.severity_number == 13


@pytest.mark.parametrize(
    ("method", "number", "text"),
    [
        ("debug", 5, "DEBUG"),
        ("error", 17, "ERROR"),
        ("critical", 21, "CRITICAL"),
        ("exception", 17, "ERROR"),
    ],
)
def test_severities(shop, method, number, text):
    getattr(shop.logger, method)("x")
    (record,) = shop.records()
    assert (record.severity_number, record.severity_text) == (number, text)


def test_an_exception(shop):
    try:
        raise KeyError("gone")
    except KeyError:
        shop.logger.exception("failed")
    assert "KeyError" in shop.lines()[0]["exception"]
    found = attributes(shop.records()[0])
    assert found["exception.type"] == "KeyError" and found["exception.message"] == "'gone'"
    assert "Traceback" in found["exception.stacktrace"]


def test_hostile_values_cost_only_themselves(shop):
    class Raises:
        def __str__(self):
            raise RuntimeError

        __repr__ = __str__

    for value in (
        Raises(),
        "\ud800",
        float("nan"),
        1 << 200,
        b"\xff",
        object(),
        [Raises()],
        {"k": {1: 2}},
    ):
        vedette.logs.ship(None, "info", {"event": value, "value": value, "good": 1})
    vedette.logs.ship(None, "info", {})
    vedette.logs.ship(None, "info", {"event": "big", **{f"k{i}": i for i in range(1000)}})
    records = shop.records()
    assert len(records) == 10
    assert all(attributes(record)["good"] == 1 for record in records[:8])
    assert records[-1].dropped_attributes_count > 800


def test_before_it_is_told_where_to_send():
    event = {"event": "x"}
    assert vedette.logs.ship(None, "info", event) is event


def test_ids_follow_any_span(shop):
    foreign = trace.NonRecordingSpan(trace.SpanContext(0xAB, 0xCD, False))
    with trace.use_span(foreign):
        event = vedette.logs.add_trace_context(None, "info", {})
    assert event == {"trace_id": f"{0xAB:032x}", "span_id": f"{0xCD:016x}"}
    assert "vedette" in sys.modules
