"""The same code on opentelemetry-sdk and on ours: what reaches the server must be equal."""

import asyncio
import threading

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as UpstreamExporter,
)
from opentelemetry.sdk.resources import Resource as UpstreamResource
from opentelemetry.sdk.trace import SpanLimits as UpstreamLimits
from opentelemetry.sdk.trace import TracerProvider as UpstreamProvider
from opentelemetry.sdk.trace import sampling as upstream_sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor as UpstreamProcessor
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace import SpanLimits, TracerProvider, sampling
from vedette.sdk.trace.export import BatchSpanProcessor

REMOTE = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "x")]))


def plain(tracer):
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER, attributes={"a": 1}) as outer:
        outer.set_attribute("b", 2)
        with tracer.start_as_current_span("child") as span:
            span.set_attribute("text", "wörld")
            span.set_attribute("number", -7)
            span.set_attribute("float", 0.25)
            span.set_attribute("yes", True)
            span.set_attribute("bytes", b"\x00\xff")
            span.set_attribute("list", ["a", "b"])
            span.set_attribute("mixed", [1, "a", None, 2.5, [True]])
            span.set_attribute("map", {"k": {"deep": 1}})
            span.set_attribute("none", None)
            span.set_attributes({"number": 8, "more": "x"})
            span.update_name("renamed")


def events_and_links(tracer):
    span = tracer.start_span("s", links=[Link(REMOTE, {"l": 1})], start_time=1_000)
    span.add_event("one", {"k": "v"}, timestamp=2_000)
    span.add_event("two", timestamp=3_000)
    span.add_link(REMOTE)
    span.add_link(SpanContext(0, 0, False))  # invalid and empty: ignored
    span.end(end_time=4_000)
    span.end(end_time=5_000)
    span.set_attribute("late", 1)


def statuses(tracer):
    for name, calls in {
        "error": [(StatusCode.ERROR, "why")],
        "ok wins": [(StatusCode.OK,), (StatusCode.ERROR, "late")],
        "unset is ignored": [(StatusCode.ERROR, "why"), (StatusCode.UNSET,)],
        "last error": [(StatusCode.ERROR, "a"), (StatusCode.ERROR, "b")],
        "object": [(Status(StatusCode.ERROR, "object"),)],
        "description of ok": [(StatusCode.OK, "no")],
    }.items():
        with tracer.start_as_current_span(name) as span:
            for call in calls:
                span.set_status(*call)


def exceptions(tracer):
    class OrderError(Exception):
        pass

    def fail(scope):
        try:
            with scope:
                raise OrderError("no stock")
        except OrderError:
            pass

    fail(tracer.start_as_current_span("recorded"))
    fail(tracer.start_as_current_span("not recorded", record_exception=False))
    fail(tracer.start_as_current_span("no status", set_status_on_exception=False))
    fail(tracer.start_span("span itself"))
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("base exception"):
        raise KeyboardInterrupt
    with tracer.start_as_current_span("by hand") as span:
        span.record_exception(ValueError("x"), {"exception.message": "other", "k": 1}, timestamp=5)


def remote_parent(tracer):
    parent = trace.set_span_in_context(trace.NonRecordingSpan(REMOTE))
    with tracer.start_as_current_span("server", context=parent):
        tracer.start_span("inside").end()
    span = tracer.start_span("root", context=context.Context())
    span.end()


def limits(tracer):
    with tracer.start_as_current_span("limited") as span:
        for i in range(5):
            span.set_attribute(f"k{i}", "x" * 20)
            span.add_event(f"e{i}", {"a": "y" * 20, "b": 1, "c": 2}, timestamp=i)
            span.add_link(SpanContext(i + 1, i + 1, False), {"a": 1, "b": 2, "c": 3})


def decorated(tracer):
    @tracer.start_as_current_span("sync")
    def work(x):
        return x + 1

    @tracer.start_as_current_span("async")
    async def work_async(x):
        await asyncio.sleep(0)
        return x + 1

    assert work(1) == 2
    assert asyncio.run(work_async(2)) == 3
    assert work.__name__ == "work"


def threads(tracer):
    with tracer.start_as_current_span("outer"):
        thread = threading.Thread(target=lambda: tracer.start_span("in thread").end())
        thread.start()
        thread.join()


def odd_keys(tracer):
    with tracer.start_as_current_span("odd") as span:
        span.set_attribute("", 1)
        span.set_attribute(None, 1)
        span.set_attribute("kept", 2)


SNIPPETS = [
    plain,
    events_and_links,
    statuses,
    exceptions,
    remote_parent,
    decorated,
    threads,
    odd_keys,
]


def normalized(requests):
    """Spans in order of their ends, ids as numbers by first appearance, times as set or not set by the test."""
    numbers = {}

    def number(identifier):
        return numbers.setdefault(identifier, len(numbers)) if identifier else None

    out = []
    for request in requests:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    span.trace_id, span.span_id, span.parent_span_id = (
                        str(number(i)).encode() if number(i) is not None else b""
                        for i in (span.trace_id, span.span_id, span.parent_span_id)
                    )
                    for field in ("start_time_unix_nano", "end_time_unix_nano"):
                        if getattr(span, field) > 10_000:
                            setattr(span, field, 99_999)
                    # The specification's lower eight bits, the W3C trace flags, are left out by upstream.
                    span.flags &= ~0xFF
                    span.status.SetInParent()  # upstream writes an empty one
                    for link in span.links:
                        link.flags &= ~0xFF
                        link.ClearField("trace_state")  # upstream leaves it out
                    for event in span.events:
                        if event.time_unix_nano > 10_000:
                            event.time_unix_nano = 99_999
                        event.attributes.sort(key=lambda attribute: attribute.key)
                        for attribute in event.attributes:
                            if attribute.key == "exception.stacktrace":
                                lines = attribute.value.string_value.splitlines()
                                attribute.value.string_value = lines[0] + lines[-1]
                    out.append((scope.scope.name, scope.scope.version, span))
    return out


def run_both(http_sink, snippet, ours=None, upstream=None):
    attributes = {"service.name": "s", "k": [1, 2]}
    provider = UpstreamProvider(resource=UpstreamResource(attributes), **(upstream or {}))
    provider.add_span_processor(UpstreamProcessor(UpstreamExporter(http_sink.url)))
    snippet(provider.get_tracer("scope", "1.2"))
    provider.shutdown()
    expected = normalized(http_sink.requests)
    http_sink.requests.clear()

    provider = TracerProvider(resource=Resource(attributes), **(ours or {}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(http_sink.url)))
    snippet(provider.get_tracer("scope", "1.2"))
    provider.shutdown()
    return expected, normalized(http_sink.requests)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda f: f.__name__)
def test_equal(http_sink, snippet):
    expected, ours = run_both(http_sink, snippet)
    assert ours == expected
    assert len(ours) > 0


def test_limits_are_equal(http_sink):
    options = {
        "max_span_attributes": 3,
        "max_events": 2,
        "max_links": 2,
        "max_event_attributes": 2,
        "max_link_attributes": 1,
        "max_attribute_length": 5,
    }
    expected, ours = run_both(
        http_sink,
        limits,
        {"span_limits": SpanLimits(**options)},
        {"span_limits": UpstreamLimits(**options)},
    )
    assert ours == expected


@pytest.mark.parametrize(
    "name",
    ["ALWAYS_ON", "ALWAYS_OFF", "DEFAULT_ON", "DEFAULT_OFF"],
)
def test_samplers_are_equal(http_sink, name):
    expected, ours = run_both(
        http_sink,
        remote_parent,
        {"sampler": getattr(sampling, name)},
        {"sampler": getattr(upstream_sampling, name)},
    )
    assert ours == expected


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_ratio_decides_like_upstream(rate):
    ours, theirs = sampling.TraceIdRatioBased(rate), upstream_sampling.TraceIdRatioBased(rate)
    assert ours.bound == theirs.bound
    assert ours.get_description() == theirs.get_description()
    provider = TracerProvider(sampler=sampling.ParentBased(root=ours))
    tracer = provider.get_tracer("t")
    for i in range(2000):
        trace_id = (i + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 & (1 << 128) - 1
        parent = SpanContext(trace_id, 1, True, TraceFlags(trace_id & 1))
        span = tracer.start_span(
            "s", context=trace.set_span_in_context(trace.NonRecordingSpan(parent))
        )
        assert span.is_recording() == bool(trace_id & 1)
        span.end()
    sampled = 0
    for _ in range(2000):
        span = tracer.start_span("root", context=context.Context())
        trace_id = span.get_span_context().trace_id
        expected = theirs.should_sample(None, trace_id, "root").decision.is_sampled()
        assert span.is_recording() == expected
        assert span.get_span_context().trace_flags.sampled == expected
        sampled += expected
        span.end()
    assert abs(sampled / 2000 - rate) < 0.08


def test_span_is_a_span_and_reads_back():
    tracer = TracerProvider().get_tracer("lib", "2")
    assert isinstance(tracer, trace.Tracer)
    with tracer.start_as_current_span("name", kind=SpanKind.CLIENT, attributes={"a": [1]}) as span:
        assert isinstance(span, trace.Span)
        assert trace.get_current_span() is span
        assert (span.name, span.kind, span.attributes) == ("name", SpanKind.CLIENT, {"a": (1,)})
        own = span.get_span_context()
        assert isinstance(own, SpanContext) and own.is_valid and not own.is_remote
        assert own.trace_flags == 3 and own.trace_state == {}
        with tracer.start_as_current_span("child") as child:
            assert child.parent == own
            assert child.get_span_context().trace_id == own.trace_id
        assert span.parent is None and span.end_time is None
        assert span.instrumentation_scope.name == "lib"
    assert not span.is_recording() and span.end_time >= span.start_time
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_baggage_and_other_context_values_survive():
    tracer = TracerProvider().get_tracer("t")
    token = context.attach(baggage.set_baggage("k", "v"))
    try:
        with tracer.start_as_current_span("a"):
            assert baggage.get_baggage("k") == "v"
            inner = context.attach(context.set_value("mine", 1))
            with tracer.start_as_current_span("b"):
                assert context.get_value("mine") == 1
            context.detach(inner)
            assert context.get_value("mine") is None
    finally:
        context.detach(token)


def test_propagators_see_our_spans():
    from opentelemetry import propagate

    tracer = TracerProvider().get_tracer("t")
    with tracer.start_as_current_span("a") as span:
        carrier = {}
        propagate.inject(carrier)
        own = span.get_span_context()
        assert carrier["traceparent"] == f"00-{own.trace_id:032x}-{own.span_id:016x}-03"
    with tracer.start_as_current_span("b", context=propagate.extract(carrier)) as span:
        assert span.parent.span_id == own.span_id and span.parent.is_remote


def test_not_entered_twice():
    scope = TracerProvider().get_tracer("t").start_as_current_span("a")
    with scope, pytest.raises(RuntimeError), scope:
        pass


def test_bad_calls_are_type_errors():
    tracer = TracerProvider().get_tracer("t")
    for call in (
        lambda: tracer.start_span(),
        lambda: tracer.start_span("a", nonsense=1),
        lambda: tracer.start_span("a").set_attribute("k"),
        lambda: tracer.start_span("a", name="b"),
    ):
        with pytest.raises(TypeError):
            call()
