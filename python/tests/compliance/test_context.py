"""Sections "Baggage" and "Context Propagation": with our spans, whatever opentelemetry-api does itself."""

import os

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from rows import row
from vedette import _components, propagators
from vedette.sdk.trace import TracerProvider

SECTION = "Context Propagation"


@pytest.fixture
def span():
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    with tracer.start_as_current_span("here") as span:
        yield span


@row("Baggage", "Basic support")
def test_baggage():
    token = context.attach(baggage.set_baggage("user", "ä 7"))
    try:
        assert baggage.get_baggage("user") == "ä 7"
        emptied = baggage.remove_baggage("user")
        assert (baggage.get_all(emptied), dict(baggage.get_all())) == ({}, {"user": "ä 7"})
    finally:
        context.detach(token)
    assert baggage.get_baggage("user") is None


@row("Baggage", "Use official header name `baggage`")
def test_baggage_header():
    carrier = {}
    propagate.inject(carrier, baggage.set_baggage("user", "ä 7"))
    assert set(carrier) == {"baggage"}
    assert baggage.get_baggage("user", propagate.extract(carrier)) == "ä 7"


@row(SECTION, "Create Context Key", "Get value from Context", "Set value for Context")
def test_context_values():
    first, second = context.create_key("one"), context.create_key("one")
    assert first != second
    held = context.set_value(first, 1)
    assert (context.get_value(first, held), context.get_value(second, held)) == (1, None)
    assert context.get_value(first) is None, "a context does not change"


@row(SECTION, "Attach Context", "Detach Context", "Get current Context")
def test_attach_and_detach(span):
    held = context.set_value("key", "value")
    token = context.attach(held)
    assert context.get_current() is held
    assert trace.get_current_span() is span, "the span stays current"
    context.detach(token)
    assert context.get_value("key") is None
    assert trace.get_current_span() is span


@row(SECTION, "Composite Propagator")
def test_composite(span):
    both = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
    carrier = {}
    both.inject(carrier, baggage.set_baggage("a", "b"))
    assert set(carrier) == {"traceparent", "baggage"} == both.fields - {"tracestate"}
    found = both.extract(carrier, context.Context())
    assert (
        trace.get_current_span(found).get_span_context().trace_id
        == span.get_span_context().trace_id
    )
    assert baggage.get_baggage("a", found) == "b"


@row(SECTION, "Global Propagator")
def test_global_propagator(span):
    before = propagate.get_global_textmap()
    try:
        propagate.set_global_textmap(propagators.B3SingleFormat())
        carrier = {}
        propagate.inject(carrier)
        assert set(carrier) == {"b3"}
    finally:
        propagate.set_global_textmap(before)


@row(SECTION, "TraceContext Propagator")
def test_trace_context(span):
    carrier = {}
    TraceContextTextMapPropagator().inject(carrier)
    own = span.get_span_context()
    # The last flag says that the id is random (Trace Context, level 2); not every release of the API writes it.
    assert carrier["traceparent"].rpartition("-")[0] == f"00-{own.trace_id:032x}-{own.span_id:016x}"
    assert int(carrier["traceparent"][-2:], 16) & 1


FORMATS = {
    "b3": "B3 Propagator",
    "b3multi": "B3 Propagator",
    "jaeger": "Jaeger Propagator",
    "ottrace": "OT Propagator",
}
TRACE, SPAN = "463ac35c9f6413ad48485a3953bb6124", "a2fb4a1d1a96d312"
HEADERS = {
    "b3": {"b3": f"{TRACE}-{SPAN}-1"},
    "b3multi": {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"},
    "jaeger": {"uber-trace-id": f"{TRACE}:{SPAN}:0:01"},
    "ottrace": {
        "ot-tracer-traceid": TRACE[16:],
        "ot-tracer-spanid": SPAN,
        "ot-tracer-sampled": "true",
    },
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=row(SECTION, r)) for n, r in FORMATS.items()]
)
def test_older_formats(name):
    propagator = _components.find(_components.PROPAGATOR, name)()
    found = propagator.extract(HEADERS[name])
    parent = trace.get_current_span(found).get_span_context()
    assert parent.is_remote
    assert parent.trace_flags.sampled
    assert f"{parent.trace_id:032x}".endswith(HEADERS["ottrace"]["ot-tracer-traceid"])
    assert f"{parent.span_id:016x}" == SPAN
    child = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("child", found)
    assert child.get_span_context().trace_id == parent.trace_id
    carrier = {}
    propagator.inject(carrier, found)
    assert carrier == HEADERS[name]
    assert set(carrier) == propagator.fields


@pytest.mark.parametrize("name", [n for n in FORMATS if n in ("jaeger", "ottrace")])
def test_older_formats_carry_baggage(name):
    propagator = _components.find(_components.PROPAGATOR, name)()
    carrier = {}
    propagator.inject(
        carrier, baggage.set_baggage("user", "ä 7", propagator.extract(HEADERS[name]))
    )
    assert baggage.get_baggage("user", propagator.extract(carrier)) == "ä 7"


@pytest.mark.parametrize(
    ("name", "headers", "sampled"),
    [
        ("b3", {"b3": "0"}, None),
        ("b3", {"b3": f"{TRACE[16:]}-{SPAN}"}, False),
        ("b3", {"b3": f"{TRACE}-{SPAN}-d-{SPAN}"}, True),
        ("b3", {"b3": f"{'0' * 32}-{SPAN}-1"}, None),
        ("b3", {"b3": f"{TRACE}zz-{SPAN}-1"}, None),
        ("b3multi", {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-flags": "1"}, True),
        ("b3multi", {"x-b3-traceid": TRACE}, None),
        ("jaeger", {"uber-trace-id": f"{TRACE}:{SPAN.lstrip('0')}:0:0"}, False),
        ("jaeger", {"uber-trace-id": f"{TRACE}%3A{SPAN}%3A0%3A3"}, True),
        ("jaeger", {"uber-trace-id": f"{TRACE}:{SPAN}:1"}, None),
        ("jaeger", {"uber-trace-id": f"{TRACE}:{SPAN}:0:zz"}, None),
        ("ottrace", {"ot-tracer-traceid": TRACE, "ot-tracer-spanid": SPAN}, False),
        ("ottrace", {"ot-tracer-traceid": "zz", "ot-tracer-spanid": SPAN}, None),
    ],
)
def test_older_formats_at_their_borders(name, headers, sampled):
    parent = trace.get_current_span(
        _components.find(_components.PROPAGATOR, name)().extract(headers)
    ).get_span_context()
    assert (parent.trace_flags.sampled if parent.is_valid else None) is sampled


class Loud(Setter, Getter):
    def set(self, carrier, key, value):
        carrier[key.upper()] = [value]

    def get(self, carrier, key):
        return carrier.get(key.upper())

    def keys(self, carrier):
        return [key.lower() for key in carrier]


@pytest.mark.parametrize("name", FORMATS)
@row(
    SECTION,
    "TextMapPropagator",
    "Fields",
    "Setter argument",
    "Getter argument",
    "Getter argument returning Keys",
)
def test_getters_and_setters(name):
    propagator = _components.find(_components.PROPAGATOR, name)()
    carrier = {}
    held = propagator.extract(HEADERS[name])
    if name in ("jaeger", "ottrace"):
        held = baggage.set_baggage("user", "7", held)
    propagator.inject(carrier, held, setter=Loud())
    assert {key.lower() for key in carrier} >= propagator.fields
    found = propagator.extract(carrier, getter=Loud())
    assert f"{trace.get_current_span(found).get_span_context().span_id:016x}" == SPAN
    assert dict(baggage.get_all(found)) == dict(baggage.get_all(held))


@row(SECTION, "Environment Variables as Context Propagation Carriers")
def test_environment_as_carrier(span, monkeypatch):
    envcarrier = pytest.importorskip("opentelemetry.propagators._envcarrier")
    carrier = {}
    propagate.inject(carrier, setter=envcarrier.EnvironmentSetter())
    assert set(carrier) == {"TRACEPARENT"}
    monkeypatch.setitem(os.environ, "TRACEPARENT", carrier["TRACEPARENT"])
    found = propagate.extract(os.environ, context.Context(), envcarrier.EnvironmentGetter())
    assert (
        trace.get_current_span(found).get_span_context().span_id == span.get_span_context().span_id
    )
