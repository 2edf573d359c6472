"""The native end of a structlog chain: the line, the record of the same pass, and the file it goes to."""

import datetime
import decimal
import enum
import io
import json
import os
import threading
import uuid
from collections import OrderedDict

import pytest
import structlog
import vedette.logs
from opentelemetry import trace
from sink import any_value, attributes
from vedette import _native
from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk._logs import LoggerProvider
from vedette.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor

render = vedette.logs.JSONRenderer()
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")


class Colour(str, enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


class Raises:
    def __repr__(self):
        raise RuntimeError

    __str__ = __repr__


class Named:
    def __structlog__(self):
        return {"name": "x"}


def line(event, renderer=render, method="info"):
    """The rendered event without what the renderer adds."""
    event = {"level": "i", "timestamp": 0, "trace_id": 0, "span_id": 0, **event}
    return renderer(None, method, event)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, 1 << 200, 0.0, -0.0, 1.0, 1e22, 1e-7, 0.1, 1e16,
        "", "plain", 'quo"te', "back\\slash", "/", "\x00\x1f\x7f\n\r\t\b\f", "Grüße 😀\u2028", Colour.RED, Size.LARGE,
        [], [1, [2, (3,)]], (), {}, {"a": {"b": [{}]}}, {2: 2, None: 3, True: 4, 1.5: 5}, OrderedDict(a=1),
        b"\xff", object, {1}, decimal.Decimal("1.5"), datetime.date(2026, 1, 2), uuid.UUID(int=1), Named(),
        "x" * 100_000,
    ],
)  # fmt: skip
def test_as_json_dumps_has_it(value):
    theirs = structlog.processors.JSONRenderer(ensure_ascii=False)
    assert line({"event": value}) == line({"event": value}, theirs)


def test_escapes_wherever_they_stand():
    for special in ['"', "\\", "\n", "\x1f", "\x00", "\x7f", "ü", "😀"]:
        for before in range(20):
            value = "a" * before + special + "b" * (19 - before)
            assert json.loads(line({"x": value}))["x"] == value
            assert json.dumps(value, ensure_ascii=False) in line({"x": value})


def test_default_is_asked_for_other_types():
    renderer = vedette.logs.JSONRenderer(default=lambda value: [type(value).__name__, b"again"][0])
    assert json.loads(line({"a": object(), "b": Named()}, renderer))["b"] == "Named"

    def fails(value):
        raise ValueError

    assert json.loads(line({"a": {1}}, vedette.logs.JSONRenderer(default=fails)))["a"] == repr({1})


def test_what_is_no_json_is_written_all_the_same():
    cycle = []
    cycle.append(cycle)
    wide = {}
    wide.update({str(i): wide for i in range(30)})
    for event in (
        {"event": float("nan"), "inf": [float("-inf")]},
        {"event": "\ud800", "\udfff": 1},
        {"event": Raises(), "values": [Raises()]},
        {"event": cycle},
        {"event": wide},
        {"event": "x", 5: Raises(), None: 1},
        {"event": 10**5000},
        {},
    ):
        json.loads(render(None, "info", event))
    assert json.loads(line({"event": float("nan")}))["event"] is None


def test_what_it_adds():
    with tracer.start_as_current_span("s") as span:
        found = json.loads(render(None, "warn", {"event": "e", "n": 1}))
    own = span.get_span_context()
    now = datetime.datetime.fromisoformat(found.pop("timestamp").replace("Z", "+00:00"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - now).total_seconds()) < 60
    assert list(found.items()) == [
        ("event", "e"),
        ("n", 1),
        ("level", "warning"),
        ("trace_id", f"{own.trace_id:032x}"),
        ("span_id", f"{own.span_id:016x}"),
    ]
    assert "trace_id" not in json.loads(render(None, "info", {}))


def test_what_is_there_already_stays():
    given = {"event": "e", "level": "custom", "timestamp": "t", "trace_id": "mine", "span_id": "s"}
    with tracer.start_as_current_span("s"):
        assert json.loads(render(None, "info", dict(given))) == given


@pytest.mark.parametrize("how", ["true", "instance", "tuple"])
def test_exc_info_becomes_the_traceback(how):
    try:
        raise KeyError("gone")
    except KeyError as error:
        exc_info = {
            "true": True,
            "instance": error,
            "tuple": (type(error), error, error.__traceback__),
        }
        event = {"event": "e", "exc_info": exc_info[how]}
        theirs = structlog.processors.format_exc_info(None, "error", dict(event))
        found = json.loads(render(None, "error", event))
    assert found["exception"] == theirs["exception"] and "exc_info" not in found


def test_exc_info_without_an_exception():
    found = json.loads(render(None, "info", {"event": "e", "exc_info": True}))
    assert "exception" not in found and "exc_info" not in found


def add_trace_context(logger, method_name, event_dict):
    span = trace.get_current_span()
    if span.is_recording():
        ctx = span.get_span_context()
        event_dict["trace_id"] = format(ctx.trace_id, "032x")
        event_dict["span_id"] = format(ctx.span_id, "016x")
    return event_dict


def test_the_same_line_as_the_chain_in_python():
    """What is usually written: level, ids, time, JSON; byte for byte but for the time."""

    def lines(processors):
        out = io.StringIO()
        log = structlog.wrap_logger(structlog.PrintLogger(out), processors=processors)
        log.info("order_creation_started", user_id="u-1", items=3)
        log.bind(a=1).warning("order %s", 7, x=[1.5])
        return [
            line.rpartition('"timestamp": ')[0] + line[-2:] for line in out.getvalue().split("\n")
        ]

    with tracer.start_as_current_span("s"):
        theirs = lines(
            [
                structlog.stdlib.add_log_level,
                add_trace_context,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.JSONRenderer(),
            ]
        )
        assert lines([render]) == theirs


def test_processors_before_it_work():
    def redact(logger, name, event):
        event["card"] = "…"
        return event

    def drop(logger, name, event):
        if event["event"] == "noise":
            raise structlog.DropEvent
        return event

    out = io.StringIO()
    log = structlog.wrap_logger(
        vedette.logs.LoggerFactory(out)(),
        processors=[structlog.contextvars.merge_contextvars, drop, redact, render],
    )
    with structlog.contextvars.bound_contextvars(request="r1"):
        log.info("noise")
        log.info("paid", card="4111")
    (found,) = [json.loads(one) for one in out.getvalue().splitlines()]
    assert (found["card"], found["request"]) == ("…", "r1")


@pytest.fixture
def shipped(http_sink):
    """Ships while it lasts; call it for the records that arrived."""
    processor = BatchSpanProcessor(OTLPSpanExporter(http_sink.url))
    lane = processor._add_log_lane(OTLPLogExporter(http_sink.base + "/v1/logs"))
    vedette.logs.configure(lane, Resource({"service.name": "shop"}))

    def records():
        assert processor.force_flush()
        return [
            record
            for request in http_sink.logs
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    yield records
    _native.ship_logs_to(None)
    processor.shutdown()


def test_the_record_of_the_same_pass(shipped):
    with tracer.start_as_current_span("s"):
        text = render(
            None, "error", {"event": "failed", "n": 1, "tags": ["a"], "exc_info": KeyError("k")}
        )
    (record,) = shipped()
    printed = json.loads(text)
    assert record.trace_id.hex() == printed["trace_id"]
    assert record.span_id.hex() == printed["span_id"]
    seconds = datetime.datetime.fromisoformat(printed["timestamp"].replace("Z", "+00:00"))
    assert record.time_unix_nano // 1000 == int(seconds.timestamp()) * 10**6 + seconds.microsecond
    assert (record.severity_number, record.severity_text) == (17, "ERROR")
    assert any_value(record.body) == "failed"
    assert attributes(record) == {
        "n": 1,
        "tags": ["a"],
        "exception.type": "KeyError",
        "exception.message": "'k'",
        "exception.stacktrace": "KeyError: 'k'\n",
    }


def test_printed_only(shipped):
    vedette.logs.JSONRenderer(ship=False)(None, "info", {"event": "quiet"})
    render(None, "info", {"event": "loud"})
    assert [any_value(record.body) for record in shipped()] == ["loud"]


def test_a_value_that_logs_while_it_is_written(shipped):
    class Chatty:
        def __repr__(self):
            render(None, "debug", {"event": "inner", "x": object})
            return "chatty"

    found = json.loads(render(None, "info", {"event": "outer", "value": Chatty(), "last": 1}))
    assert (found["value"], found["last"]) == ("chatty", 1)
    bodies = [any_value(record.body) for record in shipped()]
    assert bodies[-1] == "outer" and "inner" in bodies


def test_lines_of_many_threads_are_whole():
    reading, writing = os.pipe()
    long = "x" * 20_000  # more than a pipe takes at once
    expected = sorted(mark + long + "\n" for mark in "abcd" for _ in range(20))
    with open(reading) as source, open(writing, "w") as file:
        log = vedette.logs.LoggerFactory(file)()

        def write(mark):
            for _ in range(20):
                log.info(mark + long)

        threads = [threading.Thread(target=write, args=(mark,)) for mark in "abcd"]
        for thread in threads:
            thread.start()
        lines = [source.readline() for _ in expected]
        for thread in threads:
            thread.join()
    assert sorted(lines) == expected


def test_files_that_take_no_lines():
    before = vedette.logs.lines_dropped()
    reading, writing = os.pipe()
    with open(writing, "w") as file:
        os.close(reading)
        vedette.logs.LoggerFactory(file)().info("nobody reads")
    assert vedette.logs.lines_dropped() == before + 1
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(reading), open(writing, "w") as file:
        log = vedette.logs.LoggerFactory(file)()
        log.info("x" * 200_000)  # more than it holds
    assert vedette.logs.lines_dropped() == before + 2
    closed = io.StringIO()
    log = vedette.logs.LoggerFactory(closed)()
    closed.close()
    log.info("gone")


def test_a_file_closed_meanwhile_is_not_taken_for_another(tmp_path):
    with open(tmp_path / "first", "w") as first:
        log = vedette.logs.LoggerFactory(first)()
    with open(tmp_path / "second", "w"):
        log.info("late")
    assert (tmp_path / "first").read_text() == "late\n"
    assert (tmp_path / "second").read_text() == ""


def test_a_forked_child_writes_too(tmp_path):
    with open(tmp_path / "out", "w") as file:
        log = vedette.logs.LoggerFactory(file)()
    stop = threading.Event()

    def write():
        while not stop.is_set():
            log.info("parent")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                log.info("child")
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
    assert (tmp_path / "out").read_text().splitlines().count("child") == 20


def test_exporters_written_in_python_get_events_too():
    kept = InMemoryLogRecordExporter()
    provider = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    vedette.logs.use(provider)
    try:
        event = {"event": "failed", "level": "warn", "n": 1, "exc_info": KeyError("k")}
        with tracer.start_as_current_span("s") as span:
            text = render(None, "error", dict(event))
            assert vedette.logs.ship(None, "warning", {"event": "again"}) == {"event": "again"}
        render(None, "info", {"event": "bad", "exc_info": object(), 7: object()})
    finally:
        vedette.logs.configure(None, None)
    first, second, third = (one.log_record for one in kept.get_finished_logs())
    assert (first.body, first.severity_text, first.severity_number.value) == (
        "failed",
        "WARNING",
        13,
    )
    assert first.attributes["n"] == 1
    assert first.attributes["exception.type"] == "KeyError"
    assert {first.trace_id, second.trace_id} == {span.get_span_context().trace_id}
    assert f"{first.trace_id:032x}" == json.loads(text)["trace_id"]
    assert (second.body, second.severity_text) == ("again", "WARNING")
    assert third.body == "bad"
    render(None, "info", {"event": "to nobody"})
    assert len(kept.get_finished_logs()) == 3
