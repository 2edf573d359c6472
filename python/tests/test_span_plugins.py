"""Processors, samplers, exporters and id generators written by the application, on upstream's SDK and on ours: what
they are told must be equal."""

import importlib
import logging
import os
import threading

import pytest
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

REMOTE = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("vendor", "x")]))
SDKS = ("opentelemetry.sdk", "vedette.sdk")
WAIT = 20


class Sdk:
    """The modules of one of the two."""

    def __init__(self, name):
        self.name = name
        self.trace = importlib.import_module(f"{name}.trace")
        self.export = importlib.import_module(f"{name}.trace.export")
        self.sampling = importlib.import_module(f"{name}.trace.sampling")
        self.resources = importlib.import_module(f"{name}.resources")
        self.ids = importlib.import_module(f"{name}.trace.id_generator")
        self.memory = importlib.import_module(f"{name}.trace.export.in_memory_span_exporter")

    def provider(self, *processors, **options):
        options.setdefault("resource", self.resources.Resource({"service.name": "s"}))
        provider = self.trace.TracerProvider(shutdown_on_exit=False, **options)
        for processor in processors:
            provider.add_span_processor(processor)
        return provider


@pytest.fixture(params=SDKS)
def sdk(request):
    return Sdk(request.param)


@pytest.fixture
def ours():
    return Sdk("vedette.sdk")


def told(span):
    """What a processor can read of a span, without ids and times."""
    return {
        "name": span.name,
        "kind": span.kind,
        "attributes": dict(span.attributes),
        "events": [(e.name, dict(e.attributes), e.dropped_attributes) for e in span.events],
        "links": [
            (link.context, dict(link.attributes), link.dropped_attributes) for link in span.links
        ],
        "status": (span.status.status_code, span.status.description),
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "resource": dict(span.resource.attributes),
        "scope": (span.instrumentation_scope.name, span.instrumentation_scope.version),
        "info": (span.instrumentation_info.name, span.instrumentation_info.version),
        "remote parent": span.parent.is_remote if span.parent else None,
        "ended": span.end_time is not None and span.end_time >= span.start_time,
    }


def recorder(sdk):
    class Recorder(sdk.trace.SpanProcessor):
        def __init__(self):
            self.calls = []

        def on_start(self, span, parent_context=None):
            span.set_attribute("on_start", True)
            assert isinstance(span, trace.Span) and isinstance(span, sdk.trace.ReadableSpan)
            self.calls.append(("start", span.is_recording(), told(span)))

        def on_end(self, span):
            assert isinstance(span, sdk.trace.ReadableSpan)
            self.calls.append(("end", told(span)))

        def shutdown(self):
            self.calls.append("shutdown")

        def force_flush(self, timeout_millis=30000):
            self.calls.append("flush")
            return True

    return Recorder()


def scenario(sdk):
    limits = sdk.trace.SpanLimits(max_span_attributes=4, max_events=2, max_links=1)
    processor = recorder(sdk)
    provider = sdk.provider(processor, span_limits=limits)
    tracer = provider.get_tracer("lib", "1.2")
    parent = trace.set_span_in_context(trace.NonRecordingSpan(REMOTE))
    links = [Link(REMOTE, {"l": 1}), Link(SpanContext(1, 2, False), {"m": [1, 2]})]
    with tracer.start_as_current_span(
        "one", context=parent, kind=SpanKind.SERVER, attributes={"a": 1}, links=links
    ) as span:
        span.set_attributes({"b": "x", "c": 2.5, "d": b"\x00"})
        for i in range(3):
            span.add_event(f"e{i}", {"k": (1, "a")}, timestamp=i + 1)
        with tracer.start_as_current_span("two") as inner:
            inner.set_status(StatusCode.ERROR, "why")
            inner.update_name("renamed")
        span.set_status(StatusCode.OK)
    provider.force_flush()
    provider.shutdown()
    return processor.calls


def test_processors_are_told_the_same():
    expected, ours = (scenario(Sdk(name)) for name in SDKS)
    assert ours == expected
    assert [call if isinstance(call, str) else call[0] for call in ours] == [
        *("start", "start", "end", "end", "flush", "shutdown")
    ]


def test_json_is_the_same():
    texts = []
    for name in SDKS:
        sdk = Sdk(name)

        class Fixed(sdk.ids.IdGenerator):
            def generate_span_id(self):
                return 0x1234

            def generate_trace_id(self):
                return 0x5678

        exporter = sdk.memory.InMemorySpanExporter()
        processor = sdk.export.SimpleSpanProcessor(exporter)
        provider = sdk.provider(processor, id_generator=Fixed())
        span = provider.get_tracer("t").start_span(
            "n", start_time=10**18, attributes={"a": (1, 2)}, links=[Link(REMOTE, {"b": "c"})]
        )
        span.add_event("e", {"x": "y"}, timestamp=10**18 + 1)
        span.set_status(StatusCode.ERROR, "why")
        live = span.to_json(indent=None)
        span.end(end_time=2 * 10**18)
        texts.append((live, exporter.get_finished_spans()[0].to_json()))
    assert texts[0] == texts[1]
    assert '"0x00000000000000000000000000005678"' in texts[1][1]


def test_sampler_of_python(sdk):
    asked = []

    class Mine(sdk.sampling.Sampler):
        def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None,
                          links=None, trace_state=None):  # fmt: skip
            parent = trace.get_current_span(parent_context).get_span_context()
            asked.append((trace_id, name, kind, dict(attributes or {}), len(links), parent.span_id))
            decision = sdk.sampling.Decision[name]
            return sdk.sampling.SamplingResult(decision, {"by": "me"}, TraceState([("mine", "1")]))

        def get_description(self):
            return "Mine"

    processor = recorder(sdk)
    exporter = sdk.memory.InMemorySpanExporter()
    provider = sdk.provider(
        processor,
        sdk.export.SimpleSpanProcessor(exporter),
        sampler=sdk.sampling.ParentBased(Mine()),
    )
    tracer = provider.get_tracer("t")
    spans = {
        name: tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes={"a": 1}, links=[Link(REMOTE)]
        )
        for name in ("DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE")
    }
    for span in spans.values():
        assert span.get_span_context().trace_state == {"mine": "1"}
        span.end()
    assert [call[0] for call in processor.calls] == ["start", "start", "end", "end"]
    assert [call[2]["attributes"] for call in processor.calls[:2]] == [
        {"by": "me", "on_start": True}
    ] * 2
    assert [span.name for span in exporter.get_finished_spans()] == ["RECORD_AND_SAMPLE"]
    flags = {name: span.get_span_context().trace_flags.sampled for name, span in spans.items()}
    assert flags == {"DROP": False, "RECORD_ONLY": False, "RECORD_AND_SAMPLE": True}
    trace_ids = [span.get_span_context().trace_id for span in spans.values()]
    assert asked == [
        (trace_id, name, SpanKind.CLIENT, {"a": 1}, 1, 0)
        for trace_id, name in zip(trace_ids, spans, strict=True)
    ]


def test_id_generator_of_python(sdk):
    class Counting(sdk.ids.IdGenerator):
        last = 0

        def generate_span_id(self):
            self.last += 1
            return self.last

        def generate_trace_id(self):
            return self.generate_span_id() << 64

    tracer = sdk.provider(id_generator=Counting()).get_tracer("t")
    with tracer.start_as_current_span("a") as a, tracer.start_as_current_span("b") as b:
        first, second = a.get_span_context(), b.get_span_context()
    assert first.trace_id == second.trace_id and first.trace_id % (1 << 64) == 0
    assert {first.trace_id >> 64, first.span_id, second.span_id} == {1, 2, 3}
    assert first.trace_flags == second.trace_flags == 1  # sampled, not random


class Slow:
    """An exporter that waits until it is told to go on."""

    def __init__(self, result):
        self.go = threading.Event()
        self.entered = threading.Event()
        self.batches = []
        self.threads = set()
        self.result = result
        self.stopped = False

    def export(self, spans):
        self.entered.set()
        assert self.go.wait(WAIT)
        self.threads.add(threading.current_thread())
        self.batches.append([span.name for span in spans])
        return self.result

    def shutdown(self):
        self.stopped = True

    def force_flush(self, timeout_millis=30000):
        return True


def test_a_python_exporter_has_a_thread_and_a_bounded_queue(ours, caplog):
    exporter = Slow(ours.export.SpanExportResult.SUCCESS)
    processor = ours.export.BatchSpanProcessor(
        exporter, max_queue_size=4, max_export_batch_size=2, schedule_delay_millis=1
    )
    provider = ours.provider(processor)
    tracer = provider.get_tracer("t")
    tracer.start_span("0").end()
    assert exporter.entered.wait(WAIT)  # and hangs there
    for i in range(1, 7):
        tracer.start_span(str(i)).end()  # does not wait for it
    assert not processor.force_flush(10)
    assert processor.stats()["dropped_full"] == 2
    assert "queue" in caplog.text
    exporter.go.set()
    assert processor.force_flush(WAIT * 1000)
    assert [name for batch in exporter.batches for name in batch] == ["0", "1", "2", "3", "4"]
    assert max(map(len, exporter.batches)) == 2
    assert exporter.threads.isdisjoint({threading.current_thread()}) and len(exporter.threads) == 1
    provider.shutdown()
    assert exporter.stopped
    assert processor.stats() == {
        "queued": 5, "sent": 5, "dropped_full": 2, "dropped_failed": 0, "rejected": 0
    }  # fmt: skip


def test_shutdown_does_not_wait_for_ever_for_a_python_exporter(ours):
    exporter = Slow(None)
    processor = ours.export.BatchSpanProcessor(exporter, schedule_delay_millis=1)
    tracer = ours.provider(processor).get_tracer("t")
    tracer.start_span("a").end()
    assert exporter.entered.wait(WAIT)
    tracer.start_span("b").end()
    processor.shutdown(timeout_millis=50)
    assert processor.stats()["dropped_failed"] == 1  # "b"; "a" is still on its way
    exporter.go.set()


def test_python_before_native_is_seen_by_native(ours, http_sink):
    """Also what a processor does to the private parts of a span, as redacting processors do upstream."""

    class Redact(ours.trace.SpanProcessor):
        def on_end(self, span):
            span._attributes = {**span.attributes, "card": "***"}
            span._name = "redacted"

    native = ours.export.BatchSpanProcessor(OTLPSpanExporter(http_sink.url))
    provider = ours.provider(Redact(), native)
    with provider.get_tracer("t", "1").start_as_current_span("a") as span:
        span.set_attribute("card", "1234")
        span.add_event("e", {"k": 1}, timestamp=5)
        span.add_link(REMOTE, {"l": True})
        span.set_status(StatusCode.ERROR, "why")
    provider.shutdown()
    ((scope, sent),) = http_sink.spans()
    assert scope == "t" and sent.name == "redacted"
    assert [a.value.string_value for a in sent.attributes] == ["***"]
    assert (sent.events[0].name, sent.events[0].time_unix_nano) == ("e", 5)
    assert sent.links[0].trace_state == "vendor=x" and sent.links[0].flags & 0x200
    assert (sent.status.code, sent.status.message) == (2, "why")


def test_a_python_processor_after_native_costs_native_nothing(ours, http_sink):
    native = ours.export.BatchSpanProcessor(OTLPSpanExporter(http_sink.url))
    late = recorder(ours)
    provider = ours.provider(native, late)
    assert provider._active_span_processor._called == (late,)
    provider.get_tracer("t").start_span("a").end()
    provider.shutdown()
    assert [call[0] for call in late.calls[:2]] == ["start", "end"] and len(http_sink.spans()) == 1


def test_a_derived_processor_is_called(ours, http_sink):
    class NoHealth(ours.export.BatchSpanProcessor):
        def on_end(self, span):
            if span.name != "/health":
                super().on_end(span)

    provider = ours.provider(NoHealth(OTLPSpanExporter(http_sink.url)))
    for name in ("/health", "/orders"):
        provider.get_tracer("t").start_span(name).end()
    provider.shutdown()
    assert [span.name for _, span in http_sink.spans()] == ["/orders"]


def test_an_exporter_around_ours(ours, http_sink):
    class Filtering(ours.export.SpanExporter):
        def __init__(self, inner):
            self.inner = inner

        def export(self, spans):
            return self.inner.export([span for span in spans if span.name != "/health"])

        def shutdown(self):
            self.inner.shutdown()

    exporter = Filtering(OTLPSpanExporter(http_sink.url))
    provider = ours.provider(ours.export.SimpleSpanProcessor(exporter))
    for name in ("/health", "/orders"):
        provider.get_tracer("t").start_span(name).end()
    assert [span.name for _, span in http_sink.spans()] == ["/orders"]  # export() waits
    provider.shutdown()
    assert exporter.export([]) is ours.export.SpanExportResult.FAILURE


@pytest.mark.parametrize("method", ["on_start", "_on_ending", "on_end"])
def test_what_a_processor_raises_stays_there(ours, caplog, method):
    def fail(*args, **kwargs):
        raise RuntimeError("mine")

    processor = ours.trace.SpanProcessor()
    setattr(processor, method, fail)
    with ours.provider(processor).get_tracer("t").start_as_current_span("a"):
        pass
    assert "RuntimeError: mine" in caplog.text


def test_bad_samplers_and_generators_do_no_harm(ours, caplog):
    class Sampler:
        def should_sample(self, *args):
            raise RuntimeError("mine")

    class Ids:
        def generate_span_id(self):
            return None

        def generate_trace_id(self):
            raise RuntimeError("ids")

    exporter = ours.memory.InMemorySpanExporter()
    provider = ours.provider(
        ours.export.SimpleSpanProcessor(exporter), sampler=Sampler(), id_generator=Ids()
    )
    provider.get_tracer("t").start_span("a").end()
    (span,) = exporter.get_finished_spans()
    assert span.context.is_valid
    assert "RuntimeError: mine" in caplog.text and "RuntimeError: ids" in caplog.text


@pytest.mark.parametrize("kind", ["SynchronousMultiSpanProcessor", "ConcurrentMultiSpanProcessor"])
def test_multi_processors(sdk, kind):
    processors = [recorder(sdk), recorder(sdk)]
    multi = getattr(sdk.trace, kind)()
    multi.add_span_processor(processors[0])
    provider = sdk.provider(processors[1], active_span_processor=multi)
    provider.get_tracer("t").start_span("a").end()
    assert provider.force_flush(WAIT * 1000)
    provider.shutdown()
    for processor in processors:
        calls = [call if isinstance(call, str) else call[0] for call in processor.calls]
        assert calls == ["start", "end", "flush", "shutdown"]


def test_multi_processor_answers_false(sdk):
    class Never(sdk.trace.SpanProcessor):
        def force_flush(self, timeout_millis=30000):
            return False

    for kind in ("SynchronousMultiSpanProcessor", "ConcurrentMultiSpanProcessor"):
        multi = getattr(sdk.trace, kind)()
        multi.add_span_processor(Never())
        assert multi.force_flush() is False


def test_on_ending_may_change_the_span(ours):
    class Last(ours.trace.SpanProcessor):
        def on_ending(self, span):
            assert span.end_time is not None and span.is_recording()
            span.set_attribute("last", 1)
            span.end()  # no recursion

    exporter = ours.memory.InMemorySpanExporter()
    provider = ours.provider(Last(), ours.export.SimpleSpanProcessor(exporter))
    provider.get_tracer("t").start_span("a").end()
    (span,) = exporter.get_finished_spans()
    assert span.attributes == {"last": 1}


def test_fork_renews_queue_and_instance(ours):
    """The child exports its own span through a thread of its own, under an instance id of its own."""
    exporter = ours.memory.InMemorySpanExporter()
    provider = ours.provider(
        ours.export.BatchSpanProcessor(exporter), resource=ours.resources.Resource.create()
    )
    tracer = provider.get_tracer("t")
    tracer.start_span("parent").end()
    assert provider.force_flush(WAIT * 1000)
    instance = provider.resource.attributes["service.instance.id"]
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            exporter._lock = threading.Lock()
            exporter._finished_spans.clear()
            tracer.start_span("child").end()
            provider.force_flush(WAIT * 1000)
            (span,) = exporter.get_finished_spans()
            found = f"{span.name} {span.resource.attributes['service.instance.id']}"
        except BaseException as error:
            found = repr(error)
        os.write(write, found.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        name, _, other = answer.read().partition(" ")
    os.waitpid(pid, 0)
    assert name == "child" and other and other != instance
    assert provider.resource.attributes["service.instance.id"] == instance


def test_disabled_tracers(sdk):
    exporter = sdk.memory.InMemorySpanExporter()

    def off(scope):
        return sdk.trace._TracerConfig(is_enabled=scope.name != "noisy")

    provider = sdk.provider(sdk.export.SimpleSpanProcessor(exporter), _tracer_configurator=off)
    noisy, other = provider.get_tracer("noisy"), provider.get_tracer("other")
    with (
        other.start_as_current_span("outer") as outer,
        noisy.start_as_current_span("hidden") as hidden,
    ):
        assert not hidden.is_recording()
        assert hidden.get_span_context() == outer.get_span_context()
        with other.start_as_current_span("inner") as inner:
            assert inner.parent.span_id == outer.get_span_context().span_id
    assert not noisy.start_span("root").get_span_context().is_valid
    provider._set_tracer_configurator(
        tracer_configurator=lambda _: sdk.trace._TracerConfig(is_enabled=True)
    )
    noisy.start_span("seen").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["inner", "outer", "seen"]


def test_sampler_entry_point(ours, monkeypatch, caplog):
    import importlib.metadata as metadata

    class Entry:
        def load(self):
            return lambda argument: ours.sampling.TraceIdRatioBased(float(argument))

    known = {"mine": [Entry()]}
    monkeypatch.setattr(metadata, "entry_points", lambda group, name: known.get(name, []))
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "mine")
    assert ours.provider().sampler.rate == 0.25
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "other")
    with caplog.at_level(logging.WARNING, "vedette"):
        assert ours.provider().sampler is ours.sampling.DEFAULT_ON
    assert "other" in caplog.text
