"""Spans: recorded, read, sampled, refused, handed to processors, exported."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars

from counting import operation, variants
from hostile import HOSTILE, bad_calls
from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from vedette import masking
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from vedette.sdk.trace.id_generator import RandomIdGenerator
from vedette.sdk.trace.sampling import (
    ALWAYS_OFF,
    ErrorAware,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)

NOWHERE = "http://127.0.0.1:9/v1/traces"
ELSEWHERE = SpanContext(7, 8, True, TraceFlags(1))


def provider(*arguments, sending=True, **options):
    made = TracerProvider(*arguments, shutdown_on_exit=False, **options)
    if sending:  # the queue is small: full, it drops
        made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(NOWHERE), max_queue_size=50))
    return made


tracer = provider().get_tracer("t")


@operation
def recorded():
    def call():
        with tracer.start_as_current_span("a", attributes={"k": 1}) as span:
            span.set_attribute("order.id", 7)
            span.set_attributes({"a": "b", "c": [1, 2]})
            with tracer.start_as_current_span("b", kind=SpanKind.CLIENT):
                trace.get_current_span().add_event("e", {"x": 1}, 5)

    return call


@operation
def by_hand():
    def call():
        parent = tracer.start_span("a", links=[Link(ELSEWHERE, {"k": "v"})], start_time=1)
        child = tracer.start_span(
            "b", trace.set_span_in_context(parent), record_exception=False, set_status_on_exception=False
        )  # fmt: skip
        child.add_link(ELSEWHERE, {"a": 1})
        child.set_status(Status(StatusCode.OK, None))
        child.set_status(StatusCode.ERROR, "late")
        child.update_name("c")
        child.end(5)
        child.end()
        with trace.use_span(parent, end_on_exit=True):
            pass

    return call


@operation
def below_a_remote_parent():
    parent = trace.set_span_in_context(trace.NonRecordingSpan(ELSEWHERE))
    return lambda: tracer.start_span("a", parent).end()


@operation
def exceptions():
    def call():
        try:
            with tracer.start_as_current_span("a") as span:
                span.record_exception(ValueError("x"), {"k": 1}, 7, True)
                raise KeyError("y")
        except KeyError:
            pass
        try:
            with tracer.start_as_current_span("a", end_on_exit=False):
                raise asyncio.CancelledError
        except asyncio.CancelledError:
            pass

    return call


@operation
def decorators():
    @tracer.start_as_current_span("f")
    def function(x):
        return x

    @tracer.start_as_current_span("g")
    async def coroutine(x):
        raise ValueError(x)

    def call():
        function(1)
        running = coroutine(2)
        with contextlib.suppress(ValueError):
            running.send(None)

    return call


@operation
def generators_closed_elsewhere():
    def generate():
        with tracer.start_as_current_span("in generator"):
            yield trace.get_current_span()

    def call():
        generator = generate()
        contextvars.copy_context().run(next, generator)
        contextvars.copy_context().run(generator.close)

    return call


@operation
def forgotten():
    def call():
        tracer.start_span("a", attributes={"k": "v"})
        tracer.start_as_current_span("b")
        context.attach(context.get_current())

    return lambda: contextvars.copy_context().run(call)


@operation
def read():
    def call():
        span = tracer.start_span("a", attributes={"k": [1, 2]}, links=[Link(ELSEWHERE)])
        span.add_event("e", {"x": 1})
        span.set_status(StatusCode.ERROR, "no")
        for ended in (False, True):
            if ended:
                span.end()
            readable = span._readable_span()
            readable.to_json()
            span.to_json()
            for each in (span, readable):
                _ = (
                    each.name, each.context, each.kind, each.parent, each.start_time, each.end_time, each.status,
                    dict(each.attributes), list(each.events), list(each.links), each.resource,
                    each.instrumentation_scope, each.dropped_attributes, each.dropped_events, each.dropped_links,
                )  # fmt: skip
            repr(span)

    return call


@operation
def refused():
    span = tracer.start_span("kept")
    return bad_calls(
        lambda: tracer.start_span(),
        lambda: tracer.start_span("a", wrong=1),
        lambda: tracer.start_span("a", None, 1, 2, 3, 4, 5, 6, 7, 8, 9),
        lambda: tracer.start_as_current_span(),
        lambda: tracer.start_as_current_span("a", name="b"),
        lambda: span.set_attribute("a"),
        lambda: span.set_attribute("a", 1, 2),
        lambda: span.set_attributes(),
        lambda: span.add_event(),
        lambda: span.add_event("a", wrong=1),
        lambda: span.add_link(),
        lambda: span.set_status(),
        lambda: span.record_exception(),
        lambda: span.end(1, 2),
        lambda: span.update_name(),
        lambda: span.wrong,
        lambda: setattr(span, "name", "x"),
        lambda: type(span)(),
        lambda: type(tracer)(),
    )


def _everywhere(value):
    def call():
        span = tracer.start_span(
            "kept", links=value, kind=value, start_time=value, attributes=value
        )
        span.set_attribute("bad", value)
        span.set_attribute(value, 1)
        span.set_attributes({"bad": value, "good": 1})
        span.set_attributes(value)
        span.add_event(value, value, value)
        span.add_event("e", {"bad": value})
        span.add_link(value, value)
        span.add_link(ELSEWHERE, value)
        span.update_name(value)
        span.set_status(value, value)
        span.set_status(StatusCode.ERROR, value)
        span.record_exception(value, value, value, value)
        span.end(value)
        tracer.start_span(value, value).end()
        with tracer.start_as_current_span(value, context=value, attributes={"bad": value}):
            pass

    return call


variants(HOSTILE, _everywhere, "span of")


@operation
def many_events_and_links_with_limits():
    limits = SpanLimits(
        max_attributes=2, max_events=2, max_links=2, max_event_attributes=1, max_link_attributes=1,
        max_attribute_length=4,
    )  # fmt: skip
    limited = provider(span_limits=limits).get_tracer("t")

    def call():
        links = [Link(ELSEWHERE, {"a": "long text", "b": 2})] * 4
        with limited.start_as_current_span("a", links=links) as span:
            for i in range(5):
                span.set_attribute(f"k{i}", "long text")
                span.add_event("e", {"a": "long text", "b": 2})

    return call


def _sampled_by(sampler):
    sampling = provider(sampler).get_tracer("t")

    def call():
        with sampling.start_as_current_span("a", attributes={"k": 1}) as span:
            span.set_attribute("a", 1)
            with sampling.start_as_current_span("b"):
                pass
            span.get_span_context()

    return call


class OwnSampler(Sampler):
    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):  # fmt: skip
        from vedette.sdk.trace.sampling import Decision

        return SamplingResult(Decision.RECORD_AND_SAMPLE, {"by": "own"}, trace_state)

    def get_description(self):
        return "own"


class RaisingSampler(OwnSampler):
    def should_sample(self, *arguments, **keywords):
        raise ValueError("no")


variants(
    {
        "off": ALWAYS_OFF,
        "ratio": TraceIdRatioBased(0.1),
        "parent": ParentBased(TraceIdRatioBased(0.5)),
        "one in Python": OwnSampler(),
        "one that raises": RaisingSampler(),
        "errors and a tenth": ErrorAware(0.1),
        "errors alone": ParentBased(ErrorAware(0)),
    },
    _sampled_by,
    "sampled by",
)


@operation
def errors_kept():
    sampler = ErrorAware(0.0, slow=0.5, buffer_bytes=64 << 10)
    waiting = provider(sampler).get_tracer("t")
    ballast = "x" * 2000

    def call():
        try:
            with waiting.start_as_current_span("root"):
                for _ in range(5):
                    with waiting.start_as_current_span("leaf", attributes={"b": ballast}):
                        pass
                raise ValueError("no")
        except ValueError:
            pass
        root = waiting.start_span("forgotten")
        waiting.start_span("child", trace.set_span_in_context(root)).end()
        late = waiting.start_span("late", trace.set_span_in_context(root))
        root.end()
        late.end()
        sampler.stats()

    return call


class OwnProcessor(SpanProcessor):
    def on_start(self, span, parent_context=None):
        span.set_attribute("started", True)

    def on_ending(self, span):
        span.set_attribute("ending", True)

    def on_end(self, span):
        _ = (span.name, span.attributes, span.events)


class RaisingProcessor(SpanProcessor):
    def on_start(self, span, parent_context=None):
        raise ValueError("no")

    on_end = _on_ending = on_ending = on_start


class OwnIds(RandomIdGenerator):
    def generate_span_id(self):
        return super().generate_span_id()


@operation
def plugins_in_python():
    memory = InMemorySpanExporter()
    made = provider(id_generator=OwnIds())
    made.add_span_processor(OwnProcessor())
    made.add_span_processor(SimpleSpanProcessor(memory))
    own = made.get_tracer("t")

    def call():
        with own.start_as_current_span("a", attributes={"k": 1}) as span:
            span.add_event("e")
        memory.get_finished_spans()
        memory.clear()

    return call


@operation
def plugins_that_raise():
    import logging

    logging.getLogger("vedette").setLevel(logging.CRITICAL)
    made = provider()
    made.add_span_processor(RaisingProcessor())
    return lambda: made.get_tracer("t").start_span("a").end()


@operation
def tracers():
    made = provider()
    return lambda: made.get_tracer("name", "1", "https://schema", {"k": "v"}).start_span("a").end()


@operation
def providers():
    def call():
        made = provider(resource=Resource({"a": "b"}))
        made.get_tracer("x").start_span("a").end()
        made.force_flush(1)
        made.shutdown()
        made.get_tracer("x").start_span("late").end()

    return call


@operation
def unused_providers():
    return lambda: provider().get_tracer("x")


@operation
def encoded_from_readable():
    exporter = OTLPSpanExporter(NOWHERE, timeout=0.01)
    memory = InMemorySpanExporter()
    made = provider(sending=False)
    made.add_span_processor(SimpleSpanProcessor(memory))
    with made.get_tracer("t").start_as_current_span("a", links=[Link(ELSEWHERE, {"a": 1})]) as span:
        span.add_event("e", {"k": [1.5]})
    spans = memory.get_finished_spans()
    from vedette import _native

    del exporter
    return lambda: _native.encode_spans(spans)


@operation
def processor_statistics():
    processor = BatchSpanProcessor(OTLPSpanExporter(NOWHERE))
    return lambda: (processor.stats(), processor._lane.take_operations())


@operation
def masked():
    def call():
        masking.configure(keys=["iban"], patterns=[r"\d{4}-\d{4}"])
        with tracer.start_as_current_span("a") as span:
            span.set_attribute("iban", "secret")
            span.set_attribute("url.full", "http://a:b@c/?token=1")
            span.set_attribute("text", "1234-5678")
        with contextlib.suppress(ValueError):
            masking.configure(patterns=["("])
        masking.configure()

    return call
