"""ErrorAware: every failed trace is sent, whole; of the others the share that the trace id decides."""

import os
import threading

import pytest
from app_client import ask
from fastapi import FastAPI
from opentelemetry import context, trace
from opentelemetry.sdk.trace._sampling_experimental import composable_traceid_ratio_based
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags
from sink import attributes
from vedette import _asgi, _native, sampling
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.prometheus import CollectorRegistry
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor, SpanProcessor
from vedette.sdk.trace.id_generator import RandomIdGenerator
from vedette.sdk.trace.sampling import ErrorAware, ParentBased

UNSAMPLED = 0x11111111111111110000000000000001
SAMPLED = 0x111111111111111100FFFFFFFFFFFFFF


class GivenIds(RandomIdGenerator):
    """Trace ids that a ratio between 0 and 1 decides as the test wants."""

    def __init__(self):
        self.next = UNSAMPLED

    def generate_trace_id(self):
        self.next += 1 << 64  # not the part that decides
        return self.next


@pytest.fixture
def make(http_sink):
    providers = []

    class Made:
        def __init__(self, sampler, **options):
            self.sampler = sampler
            self.ids = GivenIds()
            self.provider = TracerProvider(
                sampler, id_generator=self.ids, shutdown_on_exit=False, **options
            )
            self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(http_sink.url)))
            self.tracer = self.provider.get_tracer("t")
            providers.append(self.provider)

        def sent(self):
            assert self.provider.force_flush()
            return sorted(span.name for _, span in http_sink.spans())

        def spans(self):
            assert self.provider.force_flush()
            return http_sink.by_name()

    yield Made
    for provider in providers:
        provider.shutdown()


def fails_by_status(span):
    span.set_status(Status(StatusCode.ERROR, "no"))


def fails_by_exception(span):
    span.record_exception(ValueError("no"))


def fails_by_http(span):
    span.set_attribute("http.response.status_code", 503)


@pytest.mark.parametrize("fail", [fails_by_status, fails_by_exception, fails_by_http])
def test_a_failure_sends_the_whole_trace(make, fail):
    made = make(ErrorAware(0.5))
    with made.tracer.start_as_current_span("root"):
        with made.tracer.start_as_current_span("before"):
            pass
        with made.tracer.start_as_current_span("failed") as span:
            assert span.is_recording() and not span.get_span_context().trace_flags.sampled
            fail(span)
        with made.tracer.start_as_current_span("after"):
            pass
    with made.tracer.start_as_current_span("healthy"):
        pass
    spans = made.spans()
    assert sorted(spans) == ["after", "before", "failed", "root"]
    assert {span.trace_state for span in spans.values()} == {"ot=th:0"}
    assert {span.flags & 1 for span in spans.values()} == {1}
    stats = made.sampler.stats()
    assert (stats["ended"], stats["failed"], stats["unsampled"]) == (5, 4, 1)


def test_an_error_that_is_taken_back_is_none(make):
    made = make(ErrorAware(0.5))
    with made.tracer.start_as_current_span("root") as span:
        span.set_status(Status(StatusCode.ERROR))
        span.set_status(Status(StatusCode.OK))
    assert made.sent() == []


def test_otherwise_the_trace_id_decides_as_upstream_does(make):
    ratio = 0.1
    made = make(ErrorAware(ratio))
    theirs = composable_traceid_ratio_based(ratio).sampling_intent(None, "", None, {}, None, None)
    expected = []
    for i in range(400):
        low = (i * 0x9E3779B97F4A7C15) & (1 << 64) - 1
        made.ids.next = 1 << 100 | low
        if low & (1 << 56) - 1 >= theirs.threshold:
            expected.append(f"{i}")
        with made.tracer.start_as_current_span(f"{i}"):
            pass
    spans = made.spans()
    assert sorted(spans) == sorted(expected) and 20 < len(expected) < 60
    text = f"{theirs.threshold:014x}".rstrip("0")
    assert {span.trace_state for span in spans.values()} == {f"ot=th:{text}"}


def test_what_is_sampled_is_told_to_others(make):
    made = make(ErrorAware(0.5))
    made.ids.next = SAMPLED
    started = made.tracer.start_as_current_span
    with started("root"), started("child") as span:
        told = span.get_span_context()
    assert told.trace_flags.sampled and told.trace_state.get("ot") == "th:8"
    assert made.sent() == ["child", "root"]


@pytest.mark.parametrize("slow_span", ["root", "child"])
def test_a_slow_root_sends_its_trace(make, slow_span):
    made = make(ErrorAware(0, slow=2.0))
    second = 1_000_000_000
    root = made.tracer.start_span("root", start_time=10 * second)
    child = made.tracer.start_span("child", trace.set_span_in_context(root), start_time=10 * second)
    child.end(end_time=(13 if slow_span == "child" else 11) * second)
    root.end(end_time=(12 if slow_span == "root" else 11) * second)
    assert made.sent() == (["child", "root"] if slow_span == "root" else [])


def remote(sampled, state=None):
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else 0)
    return trace.set_span_in_context(
        NonRecordingSpan(SpanContext(UNSAMPLED, 7, True, flags, state)), context.Context()
    )


@pytest.mark.parametrize("wrap", [lambda sampler: sampler, lambda s: ParentBased(s, s, s)])
def test_a_parent_elsewhere_decides_for_healthy_traces(make, wrap):
    made = make(wrap(ErrorAware(0.5)))
    state = trace.TraceState([("vendor", "x"), ("ot", "th:c;rv:00000000000001")])
    for sampled in (True, False):
        for failed in (True, False):
            with made.tracer.start_as_current_span(
                f"{sampled} {failed}", context=remote(sampled, state)
            ) as span:
                assert span.get_span_context().trace_flags.sampled == sampled
                if failed:
                    fails_by_status(span)
    spans = made.spans()
    assert {name: span.trace_state for name, span in spans.items()} == {
        "True False": "vendor=x,ot=th:c;rv:00000000000001",
        "True True": "ot=th:0;rv:00000000000001,vendor=x",
        "False True": "ot=th:0;rv:00000000000001,vendor=x",
    }


def test_inside_parent_based_children_follow_their_root(make):
    made = make(ParentBased(ErrorAware(0.5)))
    started = made.tracer.start_as_current_span
    with started("root"), started("child") as span:
        fails_by_status(span)
    assert made.sent() == ["child", "root"]


def test_a_context_made_by_hand_finds_its_trace(make):
    made = make(ParentBased(ErrorAware(0.5)))
    with made.tracer.start_as_current_span("root") as root:
        told = root.get_span_context()
        parent = SpanContext(told.trace_id, told.span_id, False, told.trace_flags)
        by_hand = trace.set_span_in_context(NonRecordingSpan(parent))
        with made.tracer.start_as_current_span("child", context=by_hand) as child:
            fails_by_status(child)
    assert made.sent() == ["child", "root"]


def test_spans_that_end_after_their_root(make):
    made = make(ErrorAware(0.5))
    with made.tracer.start_as_current_span("root"):
        late = made.tracer.start_span("late")
        failed = made.tracer.start_span("late failed")
    late.end()
    fails_by_status(failed)
    failed.end()
    assert made.sent() == ["late failed"]


def test_a_span_that_is_forgotten_holds_nothing(make):
    made = make(ErrorAware(0.5))
    root = made.tracer.start_span("root")
    made.tracer.start_span("child", trace.set_span_in_context(root)).end()
    assert made.sampler.stats()["waiting"] == 1
    del root
    stats = made.sampler.stats()
    assert (stats["waiting"], stats["bytes"], stats["unsampled"]) == (0, 0, 1)


def test_every_error_is_kept_at_ten_times_the_room(make, http_sink):
    room = 1 << 20
    made = make(ErrorAware(0, buffer_bytes=room))
    roots, failed = [], set()
    ballast = "x" * 2000
    for i in range(500):  # all open at once
        root = made.tracer.start_span(f"root {i}")
        roots.append(root)
        inside = trace.set_span_in_context(root)
        for j in range(10):
            made.tracer.start_span(f"leaf {i}.{j}", inside, attributes={"b": ballast}).end()
        assert made.sampler.stats()["bytes"] <= room
    for i, root in enumerate(roots):
        if i % 7 == 0:
            middle = made.tracer.start_span(f"middle {i}", trace.set_span_in_context(root))
            span = made.tracer.start_span(f"failed {i}", trace.set_span_in_context(middle))
            fails_by_status(span)
            span.end()
            middle.end()
            failed |= {f"failed {i}", f"middle {i}", f"root {i}"}
        root.end()
    sent = made.sent()
    assert failed <= set(sent) and len(sent) == len(set(sent))
    stats = made.sampler.stats()
    assert 9 * room < 500 * 10 * 2000 and stats["shed"] > 4000
    assert stats["failed"] == len(sent) and stats["refused"] == 0 and stats["waiting"] == 0
    assert stats["ended"] == stats["failed"] + stats["unsampled"] + stats["shed"]


def test_threads(make):
    made = make(ErrorAware(0, buffer_bytes=256 << 10))
    started = made.tracer.start_as_current_span

    def work(number):
        for i in range(200):
            name = f"{number} {i}"
            with started(name), started(f"{name} child") as span:
                span.set_attribute("b", "x" * 500)
                if i % 20 == 0:
                    fails_by_status(span)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made.sent()) == 4 * 10 * 2
    assert made.sampler.stats()["ended"] == 4 * 200 * 2


def test_a_child_process_does_not_send_what_waits_in_its_parent(make):
    made = make(ErrorAware(0.5))
    made.ids.next = SAMPLED
    with made.tracer.start_as_current_span("root"):
        with made.tracer.start_as_current_span("child"):
            pass
        pid = os.fork()
        if pid == 0:
            waiting = made.sampler.stats()["waiting"]
            made.provider.shutdown()
            os._exit(waiting)
        assert os.waitpid(pid, 0)[1] == 0
    assert made.sent() == ["child", "root"]


def test_processors_in_python_see_every_span(make):
    ended = []

    class Processor(SpanProcessor):
        def on_end(self, span):
            ended.append((span.name, span.context.trace_flags.sampled))

    made = make(ErrorAware(0.5))
    made.provider.add_span_processor(Processor())
    with made.tracer.start_as_current_span("healthy"):
        pass
    assert ended == [("healthy", False)] and made.sent() == []


def test_requests(make, monkeypatch):
    """What it is for: the server's 500 keeps the database span below it."""
    registry = CollectorRegistry()
    monkeypatch.setattr(_asgi, "_http_metrics", _native.HttpMetrics(registry))
    made = make(ErrorAware(0.0))
    app = FastAPI()

    @app.get("/{what}")
    async def answer(what: str):
        with made.tracer.start_as_current_span(f"query {what}"):
            pass
        if what == "boom":
            raise ValueError(what)

    _asgi.observe(app, made.tracer)
    for what in ("fine", "boom", "good"):
        ask(app, f"/{what}")
    spans = made.spans()
    assert sorted(spans) == ["GET /{what}", "query boom"]
    assert attributes(spans["GET /{what}"])["http.response.status_code"] == 500
    count = registry.get_sample_value(
        "http_requests_total", {"method": "GET", "path": "/{what}", "status": "200"}
    )
    assert count == 2  # metrics are of all requests


def test_arguments_and_description(monkeypatch):
    assert sampling.ErrorAware is ErrorAware
    assert ErrorAware(0.25, slow=1.5).get_description() == "ErrorAware{0.25,slow=1.5s}"
    for wrong in [(-1,), (1.5,), (0.1, 0), (0.1, -2), (float("nan"),)]:
        with pytest.raises(ValueError):
            ErrorAware(*wrong)
    result = ErrorAware(0.5).should_sample(context.Context(), SAMPLED, "x")
    assert result.decision is sampling.Decision.RECORD_AND_SAMPLE
    assert result.trace_state.get("ot") == "th:8"
    result = ErrorAware(0.5).should_sample(context.Context(), UNSAMPLED, "x")
    assert result.decision is sampling.Decision.RECORD_ONLY
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "error_aware")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    assert TracerProvider(shutdown_on_exit=False).sampler.ratio == 0.25


def test_the_sampler_that_decides_too_early(make):
    """One that asks for the status when the span starts, as many have written it: it loads, and misses errors."""
    from vedette.sdk.trace.sampling import ALWAYS_ON, TraceIdRatioBased

    class ErrorAwareSampler:
        def should_sample(self, parent_context, trace_id, name, kind, attributes, links):
            if attributes and attributes.get("http.status_code", 200) >= 500:
                return ALWAYS_ON.should_sample(
                    parent_context, trace_id, name, kind, attributes, links
                )
            return TraceIdRatioBased(0.0).should_sample(
                parent_context, trace_id, name, kind, attributes, links
            )

    made = make(ErrorAwareSampler())
    with made.tracer.start_as_current_span("fails later") as span:
        span.set_attribute("http.status_code", 500)
    with made.tracer.start_as_current_span("known", attributes={"http.status_code": 500}):
        pass
    assert made.sent() == ["known"]
