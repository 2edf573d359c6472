"""Nothing an application passes makes us raise, or costs the spans beside it."""

import enum
import gc
import weakref

import pytest
from bad_values import (
    EndlessSequence,
    RaisesInEverything,
    RaisesInStr,
    SneakyInt,
    SneakyStr,
    deep,
    recursive,
)
from opentelemetry import trace
from sink import attributes
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor

HOSTILE = {
    "surrogate": "\ud800 lone",
    "nul": "a\0b",
    "nan": float("nan"),
    "infinity": float("-inf"),
    "huge int": 1 << 200,
    "negative huge": -(1 << 63) - 1,
    "huge text": "x" * 10_000_000,
    "huge bytes": b"x" * 10_000_000,
    "huge list": ["x" * 1000] * 100_000,
    "object": object(),
    "raises in str": RaisesInStr(),
    "raises in everything": RaisesInEverything(),
    "endless": EndlessSequence(),
    "sneaky int": SneakyInt(7),
    "sneaky str": SneakyStr("s"),
    "deep": deep(10_000),
    "recursive": recursive(),
    "class": int,
    "function": print,
    "exception": ValueError("x"),
    "enum": enum.Enum("E", "A").A,
    "set": {1, 2},
    "generator": (i for i in range(3)),
    "memoryview": memoryview(b"x"),
    "bytearray": bytearray(b"x"),
    "keys of all kinds": {1: 2, None: 3, "": 4, "\ud800": 5, (): 6},
    "complex": 1j,
    "none": None,
}


@pytest.fixture
def recorder(http_sink):
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(OTLPSpanExporter(http_sink.url))
    provider.add_span_processor(processor)

    def flush():
        assert provider.force_flush()
        return http_sink.by_name()

    yield provider.get_tracer("t"), flush
    provider.shutdown()


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_as_an_attribute(recorder, value):
    tracer, flush = recorder
    with tracer.start_as_current_span("s", attributes={"given": value}) as span:
        span.set_attribute("before", 1)
        span.set_attribute("bad", value)
        span.set_attributes({"bad too": value, "good": "yes"})
        span.add_event("e", {"bad": value})
        span.set_attribute("after", 2)
    sent = attributes(flush()["s"])
    assert (sent["before"], sent["after"], sent["good"]) == (1, 2, "yes")
    assert "bad" in sent


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_everywhere_else(recorder, value):
    tracer, flush = recorder
    span = tracer.start_span("kept", links=value, kind=value, start_time=value, attributes=value)
    for call in (
        lambda: span.set_attribute(value, 1),
        lambda: span.set_attributes(value),
        lambda: span.add_event(value, value, value),
        lambda: span.add_link(value, value),
        lambda: span.update_name(value),
        lambda: span.set_status(value, value),
        lambda: span.record_exception(value, value, value, value),
    ):
        call()
    span.update_name("kept")
    span.end(value)
    with tracer.start_as_current_span(value, context=value):
        pass
    assert "kept" in flush()


def test_an_exception_whose_str_raises_stays_the_applications_own(recorder):
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("from str")

    tracer, flush = recorder
    with pytest.raises(Broken), tracer.start_as_current_span("s"):
        raise Broken
    span = flush()["s"]
    assert attributes(span.events[0])["exception.type"].endswith("Broken")
    assert span.status.code == 2


def test_many_large_attributes_are_bounded(recorder):
    tracer, flush = recorder
    with tracer.start_as_current_span("s") as span:
        for i in range(50):
            span.set_attribute(f"k{i}", "x" * 10_000_000)
    span = flush()["s"]
    assert span.ByteSize() < 1_100_000
    assert span.dropped_attributes_count + len(span.attributes) == 50


def test_an_attribute_value_that_changes_the_span_it_is_set_on(recorder):
    tracer, flush = recorder

    class Reentrant:
        def __str__(self):
            span.set_attribute("inner", "x" * 5000)
            return "outer"

    with tracer.start_as_current_span("s") as span:
        span.set_attribute("outer", Reentrant())
    assert attributes(flush()["s"]) == {"inner": "x" * 5000, "outer": "outer"}


def test_generators_closed_elsewhere_are_silent(recorder, caplog, capfd):
    tracer, _ = recorder

    def generate():
        with tracer.start_as_current_span("in generator"):
            yield trace.get_current_span()

    import contextvars

    with tracer.start_as_current_span("outer") as outer:
        for _ in range(100):
            generator = generate()
            contextvars.copy_context().run(next, generator)
            contextvars.copy_context().run(generator.close)
        assert trace.get_current_span() is outer
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert "detach" not in caplog.text + capfd.readouterr().err


def test_spans_and_tracers_are_given_back(recorder):
    tracer, _ = recorder
    span = tracer.start_span("s")
    gone = weakref.ref(span)
    span.end()
    del span
    gc.collect()
    assert gone() is None


def test_providers_that_are_gone_leave_nothing_for_forks():
    from vedette import _forks
    from vedette.sdk._logs import LoggerProvider
    from vedette.sdk.metrics import MeterProvider
    from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    def make():
        for kind in (TracerProvider, MeterProvider, LoggerProvider):
            kind(shutdown_on_exit=False).shutdown()
        BatchSpanProcessor(InMemorySpanExporter()).shutdown()
        gc.collect()
        return len(_forks._methods)

    assert make() == make()
