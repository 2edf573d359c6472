"""Section "Traces": what a span, its tracer and its provider do, seen by an exporter."""

import inspect
import threading

import pytest
from opentelemetry import context, propagate, trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
)
from rows import row
from vedette.sdk.resources import Resource
from vedette.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider, sampling
from vedette.sdk.trace import _sampling_experimental as consistent
from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from vedette.sdk.trace.id_generator import IdGenerator

SECTION = "Traces"
REMOTE = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "x")]))


class Pipeline:
    """A provider whose finished spans can be looked at."""

    def __init__(self, **options):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(
            shutdown_on_exit=False, resource=Resource({"service.name": "s"}), **options
        )
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("lib", "1.2")

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def finish(self, act, name="s", **start):
        """The span that `act` has had its way with."""
        span = self.tracer.start_span(name, **start)
        act(span)
        span.end()
        return self.spans[-1]


@pytest.fixture
def pipeline():
    return Pipeline()


def run_in_threads(work, threads=4):
    """Calls work(number of the thread) in all of them at once."""
    barrier = threading.Barrier(threads)
    failed = []

    def run(number):
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            failed.append(error)

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert not failed


# ---- TracerProvider ----


@row(SECTION, "Create TracerProvider", "Get a Tracer")
def test_create_provider_and_tracer():
    one, other = Pipeline(), Pipeline()
    one.tracer.start_span("a").end()
    assert isinstance(one.provider, trace.TracerProvider) and isinstance(one.tracer, trace.Tracer)
    assert [span.name for span in one.spans] == ["a"] and not other.spans
    assert one.provider.get_tracer("lib", "1.2") is one.tracer
    assert one.provider.get_tracer("lib", "1.3") is not one.tracer


@row(SECTION, "Get a Tracer with schema_url")
def test_tracer_with_schema_url(pipeline):
    pipeline.provider.get_tracer("x", schema_url="https://s/1").start_span("a").end()
    assert pipeline.spans[0].instrumentation_scope.schema_url == "https://s/1"


@row(SECTION, "Get a Tracer with scope attributes")
def test_tracer_with_attributes(pipeline):
    tracer = pipeline.provider.get_tracer("x", attributes={"k": [1, 2]})
    tracer.start_span("a").end()
    assert pipeline.spans[0].instrumentation_scope.attributes == {"k": (1, 2)}
    assert pipeline.provider.get_tracer("x", attributes={"k": [1, 3]}) is not tracer


@row(
    SECTION,
    "Associate Tracer with InstrumentationScope",
    "Fetch InstrumentationScope from ReadableSpan",
)
def test_scope(pipeline):
    scope = pipeline.finish(lambda span: None).instrumentation_scope
    assert (scope.name, scope.version) == ("lib", "1.2")


@row(SECTION, "TracerProvider: Safe for concurrent calls")
def test_provider_concurrently(pipeline):
    found = []
    run_in_threads(
        lambda _: [found.append(pipeline.provider.get_tracer(f"t{i % 50}")) for i in range(500)]
    )
    assert len({id(tracer) for tracer in found}) == 50


@row(SECTION, "Shutdown (SDK only required)")
def test_shutdown(pipeline):
    exporter = InMemorySpanExporter()
    pipeline.provider.add_span_processor(BatchSpanProcessor(exporter))
    pipeline.tracer.start_span("before").end()
    pipeline.provider.shutdown()
    pipeline.tracer.start_span("after").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["before"]
    assert [span.name for span in pipeline.spans] == ["before"]


@row(
    SECTION,
    "ForceFlush (SDK only required)",
    "Built-in `SpanProcessor`s implement `ForceFlush` spec",
)
def test_force_flush():
    exporter, go = InMemorySpanExporter(), threading.Event()

    class Waiting(InMemorySpanExporter):
        def export(self, spans):
            go.wait(20)
            return exporter.export(spans)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Waiting(), schedule_delay_millis=3_600_000))
    provider.get_tracer("t").start_span("a").end()
    assert provider.force_flush(50) is False  # not in time
    go.set()
    assert provider.force_flush() is True
    assert len(exporter.get_finished_spans()) == 1
    provider.shutdown()


# ---- Trace / Context interaction, Tracer ----


@row(
    SECTION,
    "Trace / Context interaction: Get active Span",
    "Set active Span",
    "Tracer: Get active Span",
    "Mark Span active",
)
def test_active_span(pipeline):
    assert trace.get_current_span() is trace.INVALID_SPAN
    span = pipeline.tracer.start_span("a")
    assert trace.get_current_span() is trace.INVALID_SPAN
    with trace.use_span(span):
        assert trace.get_current_span() is span
        with pipeline.tracer.start_as_current_span("b") as inner:
            assert trace.get_current_span() is inner
        assert trace.get_current_span() is span
    held = trace.set_span_in_context(span)
    assert trace.get_current_span(held) is span and not held.keys() & context.get_current().keys()


@row(SECTION, "Create a new Span")
def test_create_span(pipeline):
    span = pipeline.finish(lambda span: None, "name", kind=SpanKind.CLIENT, attributes={"a": 1})
    assert (span.name, span.kind, span.attributes) == ("name", SpanKind.CLIENT, {"a": 1})
    assert 0 < span.start_time <= span.end_time


@row(SECTION, "Documentation defines adding attributes at span creation as preferred")
def test_documentation_prefers_attributes_at_creation():
    assert "samplers can only consider" in inspect.getdoc(type(Pipeline().tracer).start_span)


@row(SECTION, "Tracer: Safe for concurrent calls")
def test_tracer_concurrently(pipeline):
    run_in_threads(lambda n: [pipeline.tracer.start_span(f"{n}.{i}").end() for i in range(200)])
    assert len({span.name for span in pipeline.spans}) == 800
    assert len({span.context.span_id for span in pipeline.spans}) == 800


# ---- SpanContext ----


@row(SECTION, "IsValid")
def test_is_valid(pipeline):
    assert pipeline.tracer.start_span("a").get_span_context().is_valid
    assert not trace.INVALID_SPAN_CONTEXT.is_valid


@row(SECTION, "IsRemote")
def test_is_remote(pipeline):
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    span = pipeline.finish(lambda span: None, context=parent)
    assert span.parent.is_remote and not span.context.is_remote


@row(SECTION, "Conforms to the W3C TraceContext spec")
def test_w3c(pipeline):
    incoming = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    }
    with pipeline.tracer.start_as_current_span("a", propagate.extract(incoming)) as span:
        outgoing = {}
        propagate.inject(outgoing)
    own = span.get_span_context()
    assert outgoing["traceparent"] == f"00-0af7651916cd43dd8448eb211c80319c-{own.span_id:016x}-01"
    assert outgoing["tracestate"] == incoming["tracestate"]


@row(SECTION, "Support W3C Trace Context Level 2 randomness")
def test_random_flag(pipeline):
    def flags(parent_flags):
        parent = SpanContext(1, 2, True, TraceFlags(parent_flags))
        held = trace.set_span_in_context(NonRecordingSpan(parent))
        return pipeline.tracer.start_span("s", held).get_span_context().trace_flags

    root = pipeline.tracer.start_span("root").get_span_context()
    assert root.trace_flags.random_trace_id
    assert len({pipeline.tracer.start_span("r").get_span_context().trace_id & (1 << 56) - 1
                for _ in range(100)}) == 100  # fmt: skip
    assert (flags(1), flags(3)) == (1, 3)  # as the parent says


# ---- Span ----


@row(SECTION, "Create root span")
def test_root_span(pipeline):
    with pipeline.tracer.start_as_current_span("outer") as outer:
        root = pipeline.tracer.start_span("root", context=context.Context())
    assert root.parent is None
    assert root.get_span_context().trace_id != outer.get_span_context().trace_id


@row(
    SECTION,
    "Create with default parent (active span)",
    "Create with parent from Context",
    "No explicit parent Span/SpanContext allowed",
)
def test_parents(pipeline):
    other = pipeline.tracer.start_span("other")
    with pipeline.tracer.start_as_current_span("outer") as outer:
        child = pipeline.tracer.start_span("child")
        told = pipeline.tracer.start_span("told", trace.set_span_in_context(other))
    assert child.parent == outer.get_span_context()
    assert child.get_span_context().trace_id == outer.get_span_context().trace_id
    assert told.parent == other.get_span_context()
    with pytest.raises(TypeError):
        pipeline.tracer.start_span("s", parent=other)


@row(SECTION, "SpanProcessor.OnStart receives parent Context")
def test_on_start_context(pipeline):
    seen = []

    class Processor(SpanProcessor):
        def on_start(self, span, parent_context=None):
            seen.append(context.get_value("key", parent_context))

    pipeline.provider.add_span_processor(Processor())
    pipeline.tracer.start_span("a", context.set_value("key", "given"))
    token = context.attach(context.set_value("key", "current"))
    pipeline.tracer.start_span("b")
    context.detach(token)
    assert seen == ["given", "current"]


@row(SECTION, "UpdateName")
def test_update_name(pipeline):
    assert pipeline.finish(lambda span: span.update_name("new")).name == "new"


@row(SECTION, "User-defined start timestamp", "End with timestamp")
def test_timestamps(pipeline):
    pipeline.tracer.start_span("a", start_time=1_000).end(end_time=3_000)
    (span,) = pipeline.spans
    assert (span.start_time, span.end_time) == (1_000, 3_000)


@row(SECTION, "End", "IsRecording", "IsRecording becomes false after End")
def test_end(pipeline):
    span = pipeline.tracer.start_span("a")
    assert span.is_recording() and span.end_time is None
    span.end()
    end_time = span.end_time
    assert not span.is_recording() and end_time >= span.start_time
    span.end()
    span.set_attribute("late", 1)
    span.update_name("late")
    span.add_event("late")
    span.set_status(StatusCode.ERROR)
    (finished,) = pipeline.spans
    assert (span.end_time, finished.name, finished.attributes) == (end_time, "a", {})
    assert not span.attributes and not span.events and span.name == "a"
    assert span.status.status_code is StatusCode.UNSET


@row(SECTION, "Set status with StatusCode (Unset, Ok, Error)")
@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], (StatusCode.UNSET, None)),
        ([(StatusCode.ERROR, "why")], (StatusCode.ERROR, "why")),
        ([(StatusCode.ERROR, "a"), (StatusCode.ERROR, "b")], (StatusCode.ERROR, "b")),
        ([(StatusCode.ERROR, "a"), (StatusCode.UNSET,)], (StatusCode.ERROR, "a")),
        ([(StatusCode.ERROR, "a"), (StatusCode.OK,)], (StatusCode.OK, None)),
        ([(StatusCode.OK,), (StatusCode.ERROR, "late")], (StatusCode.OK, None)),
        ([(StatusCode.OK, "ignored")], (StatusCode.OK, None)),
    ],
)
def test_status(pipeline, calls, expected):
    status = pipeline.finish(lambda span: [span.set_status(*call) for call in calls]).status
    assert (status.status_code, status.description) == expected


@row(SECTION, "Span: Safe for concurrent calls", "Span events: Safe for concurrent calls")
def test_span_concurrently():
    pipeline = Pipeline(span_limits=SpanLimits(max_attributes=10_000, max_events=10_000))
    span = pipeline.tracer.start_span("a")

    def work(number):
        for i in range(200):
            span.set_attribute(f"{number}.{i}", i)
            span.add_event(f"{number}.{i}", {"i": i})

    run_in_threads(work)
    span.end()
    (finished,) = pipeline.spans
    assert len(finished.attributes) == 800 and all(
        finished.attributes[f"{n}.{i}"] == i for n in range(4) for i in range(200)
    )
    assert {(e.name, e.attributes["i"]) for e in finished.events} == {
        (f"{n}.{i}", i) for n in range(4) for i in range(200)
    }


@row(
    SECTION,
    "events collection size limit",
    "attribute collection size limit",
    "links collection size limit",
    "SpanLimits",
)
def test_limits():
    limits = SpanLimits(
        max_span_attributes=2,
        max_events=2,
        max_links=2,
        max_event_attributes=1,
        max_link_attributes=1,
        max_span_attribute_length=3,
    )

    def act(span):
        for i in range(5):
            span.set_attribute(f"k{i}", "wörld")
            span.add_event(f"e{i}", {"a": 1, "b": 2})
            span.add_link(SpanContext(1, i + 1, False), {"a": 1, "b": 2})

    span = Pipeline(span_limits=limits).finish(act)
    assert span.attributes == {"k3": "wör", "k4": "wör"}
    assert [event.name for event in span.events] == ["e3", "e4"]
    assert [link.context.span_id for link in span.links] == [4, 5]
    assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (3, 3, 3)
    assert all(len(item.attributes) == item.dropped_attributes == 1
               for item in (*span.events, *span.links))  # fmt: skip


@row(SECTION, "Attribute Limits")
def test_attribute_limits(monkeypatch):
    monkeypatch.setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "2")
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")
    monkeypatch.setenv("OTEL_SPAN_EVENT_COUNT_LIMIT", "nonsense")

    def act(span):
        span.set_attributes({"a": 1, "b": ["abcdef", 1.5], "c": ("abcdef", "g")})
        span.add_event("e", {"a": 1, "b": 2, "c": "abcdef"})

    span = Pipeline().finish(act)
    assert span.attributes == {"c": ("abcd", "g")}
    assert span.events[0].attributes == {"b": 2, "c": "abcd"}
    with pytest.raises(ValueError):
        SpanLimits(max_events=-2)


@row(SECTION, "SpanProcessor.OnEnding")
def test_on_ending(pipeline):
    class Last(SpanProcessor):
        def on_ending(self, span):
            span.set_attribute("duration", span.end_time - span.start_time)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Last())
    provider.add_span_processor(SimpleSpanProcessor(pipeline.exporter))
    provider.get_tracer("t").start_span("a", start_time=1_000).end(end_time=3_000)
    assert pipeline.spans[0].attributes == {"duration": 2_000}


# ---- Span attributes ----


@row(SECTION, "SetAttribute")
def test_set_attribute(pipeline):
    def act(span):
        span.set_attribute("k", 1)
        span.set_attribute("k", "later")
        span.set_attributes({"a": 1})

    assert pipeline.finish(act).attributes == {"k": "later", "a": 1}


VALUES = [
    pytest.param("text", id="text", marks=row(SECTION, "String type")),
    pytest.param(True, id="true", marks=row(SECTION, "Boolean type")),
    pytest.param(False, id="false", marks=row(SECTION, "Boolean type")),
    pytest.param(0.1, id="double", marks=row(SECTION, "Double floating-point type")),
    pytest.param(float("inf"), id="inf", marks=row(SECTION, "Double floating-point type")),
    pytest.param(-(2**63), id="min", marks=row(SECTION, "Signed int64 type")),
    pytest.param(2**63 - 1, id="max", marks=row(SECTION, "Signed int64 type")),
    pytest.param(("a", "b"), id="list", marks=row(SECTION, "Array of primitives (homogeneous)")),
    pytest.param((1, 2), id="ints", marks=row(SECTION, "Array of primitives (homogeneous)")),
    pytest.param("ключ 🔑", id="any", marks=row(SECTION, "Unicode support for keys and string values")),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_values(pipeline, value):
    (found,) = pipeline.finish(
        lambda span: span.set_attribute("schlüssel", value)
    ).attributes.items()
    assert found == ("schlüssel", value) and type(found[1]) is type(value)


@row(SECTION, "`null` values documented as invalid/undefined")
def test_null(pipeline):
    assert "None" in inspect.getdoc(type(pipeline.tracer.start_span("a")).set_attribute)
    span = pipeline.finish(lambda span: span.set_attributes({"none": None, "list": ["a", None]}))
    assert span.attributes == {"none": None, "list": ("a", None)}  # kept, as an empty value


# ---- links, events, exceptions ----


@row(
    SECTION,
    "Links can be recorded on span creation",
    "Links can be recorded after span creation",
    "Links order is preserved",
)
def test_links(pipeline):
    first, second = Link(REMOTE, {"l": 1}), Link(SpanContext(1, 2, False))

    def act(span):
        span.add_link(SpanContext(3, 4, False), {"late": True})
        span.add_link(SpanContext(0, 0, False))  # says nothing

    links = pipeline.finish(act, links=[first, second]).links
    assert [(link.context.span_id, dict(link.attributes)) for link in links] == [
        *((0xDEF, {"l": 1}), (2, {}), (4, {"late": True}))
    ]
    assert links[0].context == REMOTE and links[0].context.trace_state == {"vendor": "x"}


@row(SECTION, "AddEvent", "Add order preserved")
def test_events(pipeline):
    def act(span):
        span.add_event("b", {"k": [1]}, timestamp=20)
        span.add_event("a", timestamp=10)
        span.add_event("now")

    first, second, now = pipeline.finish(act).events
    assert (first.name, first.timestamp, first.attributes) == ("b", 20, {"k": (1,)})
    assert (second.name, second.timestamp) == ("a", 10)
    assert now.timestamp >= pipeline.spans[0].start_time


@row(SECTION, "RecordException", "RecordException with extra parameters")
def test_record_exception(pipeline):
    class OrderError(Exception):
        pass

    def act(span):
        try:
            raise OrderError("no stock")
        except OrderError as error:
            span.record_exception(error)
            span.record_exception(
                error, {"exception.message": "mine", "order": 7}, timestamp=5, escaped=True
            )

    plain, extra = pipeline.finish(act).events
    assert plain.name == "exception"
    assert plain.attributes["exception.type"].endswith("OrderError")
    assert plain.attributes["exception.message"] == "no stock"
    assert "raise OrderError" in plain.attributes["exception.stacktrace"]
    assert plain.attributes["exception.escaped"] == "False"
    assert (extra.timestamp, extra.attributes["order"]) == (5, 7)
    assert extra.attributes["exception.message"] == "mine"
    assert extra.attributes["exception.escaped"] == "True"


# ---- Sampling ----


class Asking(sampling.Sampler):
    def __init__(self):
        self.contexts = []

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None,
                      trace_state=None):  # fmt: skip
        self.contexts.append(parent_context)
        decision = sampling.Decision.RECORD_AND_SAMPLE if name == "on" else sampling.Decision.DROP
        return sampling.SamplingResult(decision, attributes, TraceState([("mine", name)]))

    def get_description(self):
        return "Asking"


@row(
    SECTION,
    "Allow samplers to modify tracestate",
    "ShouldSample gets full parent Context",
    "New Span ID created also for non-recording Spans",
)
def test_sampler():
    sampler = Asking()
    tracer = Pipeline(sampler=sampler).tracer
    parent = context.set_value("key", 1, trace.set_span_in_context(NonRecordingSpan(REMOTE)))
    spans = [tracer.start_span(name, parent) for name in ("on", "off", "off")]
    assert [span.get_span_context().trace_state["mine"] for span in spans] == ["on", "off", "off"]
    assert [context.get_value("key", asked) for asked in sampler.contexts] == [1, 1, 1]
    assert trace.get_current_span(sampler.contexts[0]).get_span_context() is REMOTE
    assert [span.is_recording() for span in spans] == [True, False, False]
    ids = [span.get_span_context().span_id for span in spans]
    assert len({*ids, REMOTE.span_id, 0}) == 5
    assert {span.get_span_context().trace_id for span in spans} == {REMOTE.trace_id}


@row(SECTION, "IdGenerators")
def test_id_generators():
    class Fixed(IdGenerator):
        def generate_span_id(self):
            return 7

        def generate_trace_id(self):
            return 8 << 100

    own = Pipeline(id_generator=Fixed()).tracer.start_span("a").get_span_context()
    assert (own.span_id, own.trace_id, own.trace_flags) == (7, 8 << 100, 1)


@row(SECTION, "CompositeSampler and built-in ComposableSamplers")
@pytest.mark.parametrize(
    ("sampler", "state", "sampled", "sent"),
    [
        (consistent.composable_always_on(), "", True, "th:0"),
        (consistent.composable_always_off(), "th:8", False, None),
        (consistent.composable_traceid_ratio_based(0.5), "rv:80000000000000", True,
         "th:8;rv:80000000000000"),
        (consistent.composable_traceid_ratio_based(0.5), "rv:7fffffffffffff", False,
         "rv:7fffffffffffff"),
        (consistent.composable_traceid_ratio_based(0.0), "", False, None),
        (consistent.composable_parent_threshold(consistent.composable_always_off()),
         "th:c;rv:d0000000000000", True, "th:c;rv:d0000000000000"),
        (consistent.composable_rule_based([(lambda **span: span["name"] == "s",
                                            consistent.composable_always_on())]), "", True, "th:0"),
        (consistent.composable_rule_based([]), "", False, None),
    ],
)  # fmt: skip
def test_composite_sampler(sampler, state, sampled, sent):
    parent = SpanContext(1, 2, True, TraceFlags(1), TraceState([("ot", state)] if state else []))
    tracer = Pipeline(sampler=consistent.composite_sampler(sampler)).tracer
    span = tracer.start_span("s", trace.set_span_in_context(NonRecordingSpan(parent)))
    assert span.get_span_context().trace_flags.sampled == sampled
    assert span.get_span_context().trace_state.get("ot") == sent


@row(SECTION, "Sampler: AlwaysRecord")
def test_always_record():
    seen = []

    class Processor(SpanProcessor):
        def on_end(self, span):
            assert isinstance(span, ReadableSpan)
            seen.append((span.name, span.context.trace_flags.sampled))

    pipeline = Pipeline(sampler=sampling.AlwaysRecordSampler(sampling.ALWAYS_OFF))
    pipeline.provider.add_span_processor(Processor())
    span = pipeline.tracer.start_span("a")
    assert span.is_recording()
    span.end()
    assert seen == [("a", False)] and not pipeline.spans
