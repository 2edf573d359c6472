"""The same operations on opentelemetry-sdk's metrics and on ours: names, signatures and points are equal."""

import importlib
import inspect
import logging

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

MODULES = [
    "sdk.metrics",
    "sdk.metrics.export",
    "sdk.metrics.view",
    "exporter.otlp.proto.http.metric_exporter",
    "exporter.otlp.proto.grpc.metric_exporter",
]
# Parts of upstream's making that are imported into its public modules.
IMPORTED = {"exporter.otlp.proto.http.metric_exporter", "exporter.otlp.proto.grpc.metric_exporter"}


def public_names():
    for module in MODULES:
        upstream = importlib.import_module(f"opentelemetry.{module}")
        names = ["OTLPMetricExporter"] if module in IMPORTED else upstream.__all__
        for name in names:
            yield module, name


def parameters(function):
    return {
        name: (p.kind, p.default is inspect.Parameter.empty)
        for name, p in inspect.signature(function).parameters.items()
        if not name.startswith("_")
    }


def methods(cls):
    for name, member in inspect.getmembers(cls):
        if callable(member) and (not name.startswith("_") or name == "__init__"):
            yield name, member


@pytest.mark.parametrize(("module", "name"), list(public_names()))
def test_surface(module, name):
    theirs = getattr(importlib.import_module(f"opentelemetry.{module}"), name)
    ours = getattr(importlib.import_module(f"vedette.{module}"), name)
    if not inspect.isclass(theirs):
        return
    instrument = name in INSTRUMENTS
    for method, member in methods(theirs):
        # Instruments are made by meters only; callback() is how upstream's own readers call them.
        if instrument and method in ("__init__", "callback"):
            continue
        mine = getattr(ours, method)
        try:
            wanted = parameters(member)
        except (TypeError, ValueError):
            continue
        found = parameters(mine)
        for parameter, (kind, required) in wanted.items():
            assert parameter in found, f"{name}.{method}({parameter})"
            if kind is not inspect.Parameter.VAR_POSITIONAL:
                assert found[parameter][1] == required, f"{name}.{method}({parameter})"
        for parameter, (_, required) in found.items():
            assert parameter in wanted or not required, f"{name}.{method} demands {parameter}"
    if issubclass(theirs, tuple) or hasattr(theirs, "__members__"):
        assert list(theirs.__members__) == list(ours.__members__)


INSTRUMENTS = {
    "Counter", "UpDownCounter", "Histogram", "_Gauge", "ObservableCounter", "ObservableUpDownCounter",
    "ObservableGauge",
}  # fmt: skip


class Sdk:
    """One of the two, by the names the operations use."""

    def __init__(self, prefix):
        self.metrics = importlib.import_module(f"{prefix}.sdk.metrics")
        self.export = self.metrics.export
        self.view = self.metrics.view
        self.resource = importlib.import_module(f"{prefix}.sdk.resources").Resource

    def reader(self, **kwargs):
        return self.export.InMemoryMetricReader(**kwargs)

    def provider(self, reader, **kwargs):
        resource = self.resource({"service.name": "equal"})
        return self.metrics.MeterProvider([reader], resource, shutdown_on_exit=False, **kwargs)


def plain(data):
    """What a reader got, without times, and without the order that does not matter."""
    if data is None:
        return None
    return {
        (scope.scope.name, scope.scope.version, metric.name): (
            metric.unit,
            metric.description,
            type(metric.data).__name__,
            int(getattr(metric.data, "aggregation_temporality", 0)),
            getattr(metric.data, "is_monotonic", None),
            sorted((plain_point(p) for p in metric.data.data_points), key=repr),
        )
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def plain_buckets(buckets):
    counts = list(buckets.bucket_counts)
    while counts and counts[-1] == 0:
        counts.pop()
    return (buckets.offset, counts) if counts else None


def plain_point(point):
    got = {"attributes": sorted((k, repr(v)) for k, v in point.attributes.items())}
    for name in ("value", "count", "sum", "min", "max", "scale", "zero_count"):
        if hasattr(point, name):
            got[name] = getattr(point, name)
    if hasattr(point, "explicit_bounds"):
        got["buckets"] = (list(point.explicit_bounds), list(point.bucket_counts))
    for name in ("positive", "negative"):
        if hasattr(point, name):
            got[name] = plain_buckets(getattr(point, name))
    got["exemplars"] = sorted(
        (repr(e.filtered_attributes or {}), e.value, e.span_id, e.trace_id) for e in point.exemplars
    )
    return got


def counters(sdk, reader):
    meter = sdk.provider(reader).get_meter("m", "1")
    counter = meter.create_counter("Requests", "1", "how many")
    updown = meter.create_up_down_counter("active")
    for i in range(5):
        counter.add(i, {"route": "/a", "status": 200})
        counter.add(2, {"status": 200, "route": "/a"})
        counter.add(1.5, {"route": "/b", "list": ("x", "y")})
        updown.add(3 - i)
    counter.add(-1)
    counter.add(float("nan"))
    counter.add(float("inf"), {"route": "/a"})
    counter.add(1)
    counter.add(1, {})
    counter.add(True, {"types": 1})
    counter.add(1, {"types": True})
    counter.add(1, {"types": 1.0})
    counter.add(1, {"types": "1"})
    counter.add(amount=2, attributes={"by": "name"})
    yield
    yield
    counter.add(4, {"route": "/a", "status": 200})


def gauges(sdk, reader):
    meter = sdk.provider(reader).get_meter("m")
    gauge = meter.create_gauge("temperature", "Cel")
    gauge.set(3, {"room": "a"})
    gauge.set(-4.5, {"room": "a"})
    gauge.set(7)
    gauge.set(float("nan"))
    yield
    gauge.set(8)
    yield


def histograms(sdk, reader):
    meter = sdk.provider(reader).get_meter("m")
    plain_one = meter.create_histogram("plain", "ms")
    advised = meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[1, 2.5, 4])
    for value in (0, 5, 5.1, 10000, 10001, 0.5, 2.5, 4):
        plain_one.record(value, {"a": 1})
        advised.record(value)
    plain_one.record(-1)
    plain_one.record(float("inf"))
    yield
    plain_one.record(3, {"a": 1})
    yield


def observables(sdk, reader):
    meter = sdk.provider(reader).get_meter("m")
    state = {"n": 0}

    def total(options):
        state["n"] += 10
        yield Observation(state["n"], {"k": "v"})
        if state["n"] != 20:
            yield Observation(2 * state["n"], {"k": "sometimes"})

    def broken(options):
        yield Observation(1, {"before": True})
        raise RuntimeError("as told")

    def generator():
        while True:
            yield [Observation(state["n"])]

    meter.create_observable_counter("oc", [total, broken])
    meter.create_observable_up_down_counter("ou", [lambda o: [Observation(-state["n"])]])
    meter.create_observable_gauge(
        "og", [generator(), lambda o: [Observation(float("nan"), {"x": 1})]]
    )
    for _ in range(3):
        yield


def views(sdk, reader):
    v = sdk.view
    provider = sdk.provider(
        reader,
        views=[
            v.View(instrument_name="keep*", attribute_keys={"a"}, exemplar_reservoir_factory=None),
            v.View(instrument_name="renamed", name="new.name", description="new"),
            v.View(instrument_name="dropped", aggregation=v.DropAggregation()),
            v.View(instrument_name="twice", aggregation=v.SumAggregation(), name="twice.sum"),
            v.View(
                instrument_name="twice", aggregation=v.ExplicitBucketHistogramAggregation([1, 2])
            ),
            v.View(instrument_name="last", aggregation=v.LastValueAggregation()),
            v.View(
                instrument_unit="b?", aggregation=v.ExplicitBucketHistogramAggregation([8], False)
            ),
            v.View(instrument_type=sdk.metrics.UpDownCounter, name="by.type"),
            v.View(meter_name="other", meter_version="2", aggregation=v.DropAggregation()),
        ],
    )
    meter = provider.get_meter("m")
    meter.create_counter("kept").add(1, {"a": 1, "b": 2})
    meter.create_counter("Keep.me").add(1, {"a": 1, "b": 2})
    meter.create_counter("keep.too").add(1, {"b": 2})
    meter.create_counter("renamed").add(1)
    meter.create_counter("dropped").add(1)
    meter.create_histogram("twice").record(1.5)
    meter.create_counter("last").add(3)
    meter.create_histogram("sized", "by").record(9)
    meter.create_up_down_counter("any").add(2)
    provider.get_meter("other", "2").create_counter("gone").add(1)
    provider.get_meter("other", "3").create_counter("here").add(1)
    yield


def cardinality(sdk, reader):
    provider = sdk.provider(
        reader,
        views=[sdk.view.View(instrument_name="*", aggregation_cardinality_limit=3)],
    )
    counter = provider.get_meter("m").create_counter("c")
    for i in range(6):
        counter.add(1, {"i": i})
    counter.add(1, {"i": 0})
    yield
    for i in range(3, 8):
        counter.add(1, {"i": i})
    yield
    counter.add(1, {"i": 1})
    yield


def exponential(sdk, reader):
    v = sdk.view
    provider = sdk.provider(
        reader,
        views=[
            v.View(instrument_name="e", aggregation=v.ExponentialBucketHistogramAggregation()),
            v.View(
                instrument_name="small", aggregation=v.ExponentialBucketHistogramAggregation(4, 10)
            ),
            v.View(
                instrument_name="one", aggregation=v.ExponentialBucketHistogramAggregation(160, 20)
            ),
        ],
    )
    meter = provider.get_meter("m")
    fine, small, one = (meter.create_histogram(n) for n in ("e", "small", "one"))
    one.record(4)
    for i in range(1, 200):
        fine.record(i * 1.7)
        small.record(1.1**i)
    for value in (1, 2, 4, 8, 0.5, 0, 1e-300, 1e300):
        fine.record(value)
    yield
    fine.record(3)
    small.record(1e-5)
    one.record(5)
    yield


def exemplars(sdk, reader):
    provider = sdk.provider(
        reader,
        views=[sdk.view.View(instrument_name="*", attribute_keys={"keep"})],
    )
    meter = provider.get_meter("m")
    counter = meter.create_counter("c")
    histogram = meter.create_histogram("h")
    sampled = NonRecordingSpan(SpanContext(0xABC << 70, 0xDEF, False, TraceFlags(1)))
    unsampled = NonRecordingSpan(SpanContext(7, 8, False, TraceFlags(0)))
    with trace.use_span(unsampled):
        counter.add(5, {"keep": 2})
    with trace.use_span(sampled):
        counter.add(1.5, {"keep": 1, "left": "out"})
        for value in (1, 2, 7):
            histogram.record(value, {"keep": 1, "n": value})
    counter.add(2, {"keep": 1}, trace.set_span_in_context(sampled))
    histogram.record(9, {"keep": 1})
    yield
    yield


OPERATIONS = [
    counters, gauges, histograms, observables, views, cardinality, exponential, exemplars,
]  # fmt: skip


def run(prefix, operation, temporality):
    sdk = Sdk(prefix)
    value = getattr(sdk.export.AggregationTemporality, temporality)
    kinds = ("Counter", "UpDownCounter", "Histogram", "_Gauge", "ObservableCounter",
             "ObservableUpDownCounter", "ObservableGauge")  # fmt: skip
    reader = sdk.reader(preferred_temporality={getattr(sdk.metrics, kind): value for kind in kinds})
    return [plain(reader.get_metrics_data()) for _ in operation(sdk, reader)]


@pytest.mark.parametrize("temporality", ["CUMULATIVE", "DELTA"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.__name__)
def test_equal(operation, temporality, caplog):
    caplog.set_level(logging.CRITICAL)
    if operation is exemplars:
        # One of two measurements is kept, by chance: compare what must not depend on it.
        ours, theirs = (
            [chanceless(c) for c in run(p, operation, temporality)]
            for p in ("vedette", "opentelemetry")
        )
    else:
        ours = run("vedette", operation, temporality)
        theirs = run("opentelemetry", operation, temporality)
    assert ours == theirs


def chanceless(collected):
    for name, metric in (collected or {}).items():
        if name[2] == "c":
            for point in metric[-1]:
                point["exemplars"] = [e[2:] for e in point["exemplars"]]
    return collected


def test_start_times_follow_upstream():
    for temporality in ("CUMULATIVE", "DELTA"):
        got = {}
        for prefix in ("vedette", "opentelemetry"):
            sdk = Sdk(prefix)
            delta = getattr(sdk.export.AggregationTemporality, temporality)
            reader = sdk.reader(preferred_temporality={sdk.metrics.Counter: delta})
            counter = sdk.provider(reader).get_meter("m").create_counter("c")
            points = []
            for _ in range(3):
                counter.add(1)
                data = reader.get_metrics_data()
                points.append(
                    data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
                )
            starts = [p.start_time_unix_nano for p in points]
            ends = [p.time_unix_nano for p in points]
            got[prefix] = [starts[1] == starts[0], starts[1] == ends[0], starts[2] == ends[1]]
        assert got["vedette"] == got["opentelemetry"]
