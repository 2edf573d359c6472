"""Section "Metrics" of the matrix: providers, meters, instruments, views and aggregations."""

import threading

import pytest
from metric_setup import Setup
from opentelemetry import metrics as api
from opentelemetry.metrics import NoOpMeterProvider, Observation
from opentelemetry.metrics import _internal as api_internal
from rows import row
from vedette.sdk.metrics import (
    Counter,
    _Gauge,
)
from vedette.sdk.metrics.export import (
    InMemoryMetricReader,
)
from vedette.sdk.metrics.view import (
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)
from vedette.sdk.resources import Resource

METRICS = "Metrics"


@row(METRICS, "The API provides a way to set and get a global default `MeterProvider`.")
def test_global_provider(setup, monkeypatch):
    monkeypatch.setattr(api_internal, "_METER_PROVIDER", None)
    monkeypatch.setattr(api_internal, "_METER_PROVIDER_SET_ONCE", api_internal.Once())
    api.set_meter_provider(setup.provider)
    assert api.get_meter_provider() is setup.provider
    api.get_meter("g").create_counter("c").add(1)
    assert setup.values("c") == {(): 1}
    assert not isinstance(api.get_meter_provider(), NoOpMeterProvider)


@row(METRICS, "It is possible to create any number of `MeterProvider`s.")
def test_many_providers():
    setups = [Setup() for _ in range(5)]
    for at, one in enumerate(setups):
        one.meter.create_counter("c").add(at)
    assert [one.values("c")[()] for one in setups] == list(range(5))


@row(
    METRICS,
    "`MeterProvider` provides a way to get a `Meter`.",
    "`get_meter` accepts name, `version` and `schema_url`.",
    "`get_meter` accepts `attributes`.",
    "Associate `Meter` with `InstrumentationScope`.",
    "The supplied `name`, `version` and `schema_url` arguments passed to the `MeterProvider` are used to create an "
    "`InstrumentationLibrary` instance stored in the `Meter`.",
    "The supplied `name`, `version` and `schema_url` arguments passed to the `MeterProvider` are used to create an "
    "`InstrumentationScope` instance stored in the `Meter`.",
)
def test_meters_have_a_scope(setup):
    meter = setup.provider.get_meter("lib", "2", "http://s", {"k": "v"})
    assert meter is setup.provider.get_meter("lib", "2", "http://s", {"k": "v"})
    assert meter is not setup.provider.get_meter("lib", "2", "http://s", {"k": "w"})
    meter.create_counter("c").add(1)
    (scope,) = setup.resource().scope_metrics
    assert (scope.scope.name, scope.scope.version, scope.scope.schema_url) == (
        "lib",
        "2",
        "http://s",
    )
    assert dict(scope.scope.attributes) == {"k": "v"}
    assert scope.schema_url == "http://s"


@pytest.mark.parametrize("name", ["", None])
@row(
    METRICS,
    "When an invalid `name` is specified a working `Meter` implementation is returned as a fallback.",
    "The fallback `Meter` `name` property keeps its original invalid value.",
)
def test_invalid_meter_name(setup, warned, name):
    meter = setup.provider.get_meter(name)
    assert meter.name == name
    assert warned()
    meter.create_counter("c").add(1)
    assert setup.values("c") == {(): 1}


KINDS = {
    "`Counter` instrument is supported.": ("create_counter", "add", api.Counter),
    "`Histogram` instrument is supported.": ("create_histogram", "record", api.Histogram),
    "`Gauge` instrument is supported.": ("create_gauge", "set", _Gauge),
    "`UpDownCounter` instrument is supported.": (
        "create_up_down_counter",
        "add",
        api.UpDownCounter,
    ),
}
OBSERVABLES = {
    "`AsynchronousCounter` instrument is supported.": (
        "create_observable_counter",
        api.ObservableCounter,
    ),
    "`AsynchronousGauge` instrument is supported.": (
        "create_observable_gauge",
        api.ObservableGauge,
    ),
    "`AsynchronousUpDownCounter` instrument is supported.": (
        "create_observable_up_down_counter",
        api.ObservableUpDownCounter,
    ),
}


@pytest.mark.parametrize("name", [pytest.param(n, id=n, marks=row(METRICS, n)) for n in KINDS])
def test_synchronous_instruments(setup, name):
    create, method, kind = KINDS[name]
    instrument = getattr(setup.meter, create)("i", "s", "d")
    assert isinstance(instrument, kind)
    record = getattr(instrument, method)
    record(3, {"k": "v"})
    record(4, {"k": "v"})
    record(9)
    points = {len(p.attributes): p for p in setup.points("i")}
    got = [getattr(points[n], "sum", getattr(points[n], "value", None)) for n in (0, 1)]
    assert got == ([9, 4] if method == "set" else [9, 7])


@pytest.mark.parametrize(
    "name", [pytest.param(n, id=n, marks=row(METRICS, n)) for n in OBSERVABLES]
)
def test_asynchronous_instruments(setup, name):
    create, kind = OBSERVABLES[name]
    seen = iter([5, 8])
    instrument = getattr(setup.meter, create)("i", [lambda o: [Observation(next(seen), {"k": 1})]])
    assert isinstance(instrument, kind)
    assert setup.values("i") == {(("k", 1),): 5}
    assert setup.values("i") == {(("k", 1),): 8}


@row(
    METRICS,
    "Instruments have `name`",
    "Instruments have kind.",
    "Instruments have an optional unit of measure.",
    "Instruments have an optional description.",
)
def test_instruments_are_described(setup):
    counter = setup.meter.create_counter("c", unit="By", description="what")
    plain = setup.meter.create_gauge("g")
    assert (counter.name, counter.unit, counter.description) == ("c", "By", "what")
    assert (plain.name, plain.unit, plain.description) == ("g", "", "")
    assert isinstance(counter, Counter) and isinstance(plain, _Gauge)
    counter.add(1)
    metric = setup.collect()["c"]
    assert (metric.unit, metric.description) == ("By", "what")


@row(
    METRICS,
    "A valid instrument MUST be created and warning SHOULD be emitted when multiple instruments are registered under "
    "the same `Meter` using the same `name`.",
)
def test_duplicate_instruments(setup, warned):
    first = setup.meter.create_counter("name", "s")
    assert setup.meter.create_counter("name", "s") is first
    assert not warned()
    second = setup.meter.create_up_down_counter("name", "s")
    assert len(warned()) == 1
    first.add(1)
    second.add(-1)
    data = setup.reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    assert sorted(m.data.data_points[0].value for m in data) == [-1, 1]


@row(
    METRICS,
    "Duplicate instrument registration name conflicts are resolved by using the first-seen for the stream name.",
)
def test_names_do_not_depend_on_case(setup):
    first = setup.meter.create_counter("requestCount")
    second = setup.meter.create_counter("RequestCount")
    assert first is second
    first.add(1)
    second.add(1)
    assert [m.data.data_points[0].value for m in setup.collect().values()] == [2]


@row(
    METRICS, "It is possible to register two instruments with same `name` under different `Meter`s."
)
def test_same_name_in_two_meters(setup, warned):
    setup.provider.get_meter("a").create_counter("c").add(1)
    setup.provider.get_meter("b").create_up_down_counter("c").add(2)
    scopes = setup.resource().scope_metrics
    assert {s.scope.name: s.metrics[0].data.data_points[0].value for s in scopes} == {
        "a": 1,
        "b": 2,
    }
    assert not warned()


@pytest.mark.parametrize("name", ["", "1a", "a b", "ä", "a" * 256, "_a", None])
@row(METRICS, "Instrument names conform to the specified syntax.")
def test_names_that_are_refused(setup, name):
    with pytest.raises(Exception, match="Expected ASCII"):
        setup.meter.create_counter(name)


@pytest.mark.parametrize("name", ["a", "a.b-c_d/e9", "a" * 255])
@row(METRICS, "Instrument names conform to the specified syntax.")
def test_names_that_are_taken(setup, name):
    assert setup.meter.create_counter(name).name == name


@pytest.mark.parametrize(
    ("unit", "fine"), [("{req}/s", True), ("a" * 63, True), ("a" * 64, False), ("°", False)]
)
@row(METRICS, "Instrument units conform to the specified syntax.")
def test_units(setup, unit, fine):
    if fine:
        assert setup.meter.create_counter("c", unit).unit == unit
    else:
        with pytest.raises(Exception, match="Expected ASCII"):
            setup.meter.create_counter("c", unit)


@row(METRICS, "Instrument descriptions conform to the specified syntax.")
def test_descriptions(setup):
    text = "Ünïcode 🙂 " * 200
    setup.meter.create_counter("c", description=text).add(1)
    setup.meter.create_counter("none", description=None).add(1)
    got = setup.collect()
    assert (got["c"].description, got["none"].description) == (text, "")


@row(METRICS, "Instrument supports the advisory ExplicitBucketBoundaries parameter.")
def test_advised_boundaries(warned):
    setup = Setup([View(instrument_name="v", aggregation=ExplicitBucketHistogramAggregation([9]))])
    for name, advice in (("h", [1, 2]), ("v", [1, 2]), ("bad", "no")):
        setup.meter.create_histogram(name, explicit_bucket_boundaries_advisory=advice).record(1)
    got = setup.collect()
    assert got["h"].data.data_points[0].explicit_bounds == (1, 2)
    assert got["v"].data.data_points[0].explicit_bounds == (9,)
    assert len(got["bad"].data.data_points[0].explicit_bounds) == 15
    assert len(warned()) == 1


@row(METRICS, "Instrument supports the advisory Attributes parameter.")
def test_advised_attributes():
    setup = Setup([View(instrument_name="v", attribute_keys={"b"})])
    for name in ("c", "v"):
        counter = setup.meter.create_counter(name, attributes_advisory=["a"])
        counter.add(1, {"a": 1, "b": 2})
    assert setup.values("c") == {(("a", 1),): 1}
    assert setup.values("v") == {(("b", 2),): 1}


@row(METRICS, "Synchronous instruments support Bind to pre-associate attributes.")
def test_bind(setup):
    bound = setup.meter.create_counter("c").bind({"k": "v"})
    bound.add(2)
    bound.add(3)
    setup.meter.create_histogram("h").bind({"k": "v"}).record(4)
    setup.meter.create_gauge("g").bind({"k": "v"}).set(5)
    got = setup.collect()
    assert got["c"].data.data_points[0].value == 5
    assert got["h"].data.data_points[0].sum == 4
    assert got["g"].data.data_points[0].value == 5
    assert all(m.data.data_points[0].attributes == {"k": "v"} for m in got.values())


def together(*functions):
    """Runs each in a thread of its own; what one raises is raised."""
    failed = []
    start = threading.Barrier(len(functions))

    def run(function):
        try:
            start.wait(timeout=60)
            function()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@row(
    METRICS,
    "All methods of `MeterProvider` are safe to be called concurrently.",
    "All methods of `Meter` are safe to be called concurrently.",
    "All methods of any instrument are safe to be called concurrently.",
)
def test_concurrency(setup):
    def record():
        for i in range(300):
            meter = setup.provider.get_meter("m")
            meter.create_counter(f"c{i % 20}").add(1, {"i": i % 7})
            meter.create_histogram(f"h{i % 20}").record(i, {"i": i % 7})

    def collect():
        for _ in range(30):
            setup.reader.collect()

    def readers():
        for _ in range(10):
            reader = InMemoryMetricReader()
            setup.provider.add_metric_reader(reader)
            setup.provider.remove_metric_reader(reader)

    together(record, record, record, collect, readers)
    got = setup.collect()
    counted = sum(p.value for n, m in got.items() if n[0] == "c" for p in m.data.data_points)
    recorded = sum(p.count for n, m in got.items() if n[0] == "h" for p in m.data.data_points)
    assert (counted, recorded) == (900, 900)


@row(
    METRICS,
    "`MeterProvider` allows a `Resource` to be specified.",
    "A specified `Resource` can be associated with all the produced metrics from any `Meter` from the `MeterProvider`.",
)
def test_resource():
    setup = Setup(resource=Resource({"service.name": "x"}, "http://r"))
    setup.provider.get_meter("a").create_counter("c").add(1)
    setup.provider.get_meter("b").create_counter("c").add(1)
    data = setup.reader.get_metrics_data()
    (group,) = data.resource_metrics
    assert (dict(group.resource.attributes), group.schema_url) == (
        {"service.name": "x"},
        "http://r",
    )
    assert len(group.scope_metrics) == 2


@row(
    METRICS,
    "Configuration is managed solely by the `MeterProvider`.",
    "The `MeterProvider` provides methods to update the configuration",
    "The updated configuration applies to all already returned `Meter`s.",
)
def test_configuration_can_change(setup):
    from vedette.sdk.metrics._provider import _MeterConfig

    counter = setup.meter.create_counter("c")
    counter.add(1)
    late = InMemoryMetricReader()
    setup.provider.add_metric_reader(late)
    counter.add(2)
    assert setup.values("c") == {(): 3}
    assert (
        late.get_metrics_data()
        .resource_metrics[0]
        .scope_metrics[0]
        .metrics[0]
        .data.data_points[0]
        .value
        == 2
    )
    setup.provider._set_meter_configurator(
        meter_configurator=lambda scope: _MeterConfig(is_enabled=False)
    )
    counter.add(4)
    assert setup.values("c") == {(): 3}


SELECTED = [
    ({"instrument_name": "a.b"}, {"a.b"}),
    ({"instrument_name": "A.B"}, {"a.b"}),
    ({"instrument_type": Counter}, {"a.b", "a.c"}),
    ({"instrument_unit": "ms"}, {"a.c"}),
    (
        {"meter_name": "meter", "meter_version": "1.0", "meter_schema_url": "http://schema"},
        {"a.b", "a.c", "u"},
    ),
    ({"meter_name": "other"}, set()),
    ({"instrument_type": Counter, "instrument_unit": "ms"}, {"a.c"}),
]
WILDCARDS = [
    ({"instrument_name": "a.*"}, {"a.b", "a.c"}),
    ({"instrument_name": "a?b"}, {"a.b"}),
    ({"instrument_name": "?"}, {"u"}),
]


def chosen(criteria):
    setup = Setup([View(**criteria, description="chosen")])
    for name, unit in (("a.b", "s"), ("a.c", "ms")):
        setup.meter.create_counter(name, unit).add(1)
    setup.meter.create_up_down_counter("u", "s").add(1)
    return {name for name, metric in setup.collect().items() if metric.description == "chosen"}


@pytest.mark.parametrize(("criteria", "names"), SELECTED)
@row(
    METRICS,
    "There is a way to register `View`s with a `MeterProvider`.",
    "The `View` instrument selection criteria is as specified.",
)
def test_views_select(criteria, names):
    assert chosen(criteria) == names


@pytest.mark.parametrize(("criteria", "names"), WILDCARDS)
@row(METRICS, "The `View` instrument selection criteria supports wildcards.")
def test_views_select_by_wildcards(criteria, names):
    assert chosen(criteria) == names


@row(METRICS, "The `View` instrument selection criteria supports the match-all wildcard.")
def test_views_select_all():
    assert chosen({"instrument_name": "*"}) == {"a.b", "a.c", "u"}


@row(
    METRICS,
    "The `View` allows configuring the name, description, attributes keys and aggregation of the resulting metric stream.",
    "The `View` allows configuring excluded attribute keys of resulting metric stream.",
)
def test_views_change_streams():
    setup = Setup(
        [
            View(
                instrument_name="h", name="new", description="other", attribute_keys={"a"},
                aggregation=SumAggregation(),
            ),
            View(instrument_name="x", excluded_attribute_keys={"a"}),
        ]
    )  # fmt: skip
    setup.meter.create_histogram("h").record(3, {"a": 1, "b": 2})
    setup.meter.create_counter("x").add(3, {"a": 1, "b": 2})
    got = setup.collect()
    assert set(got) == {"new", "x"}
    assert got["new"].description == "other"
    assert got["new"].data.data_points[0].attributes == {"a": 1}
    assert got["new"].data.data_points[0].value == 3
    assert got["x"].data.data_points[0].attributes == {"b": 2}


@row(METRICS, "The SDK allows more than one `View` to be specified per instrument.")
def test_two_views():
    setup = Setup([View(instrument_name="c", name="one"), View(instrument_name="c", name="two")])
    setup.meter.create_counter("c").add(1)
    assert {n: m.data.data_points[0].value for n, m in setup.collect().items()} == {
        "one": 1,
        "two": 1,
    }


AGGREGATIONS = {
    "The `Drop` aggregation is available.": (DropAggregation(), None),
    "The `Default` aggregation is available.": (DefaultAggregation(), "Histogram"),
    "The `Sum` aggregation is available.": (SumAggregation(), "Sum"),
    "The `LastValue` aggregation is available.": (LastValueAggregation(), "Gauge"),
    "The `ExplicitBucketHistogram` aggregation is available.": (
        ExplicitBucketHistogramAggregation([1, 5]),
        "Histogram",
    ),
    "The `ExponentialBucketHistogram` aggregation is available.": (
        ExponentialBucketHistogramAggregation(),
        "ExponentialHistogram",
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, id=n, marks=row(METRICS, n)) for n in AGGREGATIONS]
)
def test_aggregations(name):
    aggregation, kind = AGGREGATIONS[name]
    setup = Setup([View(instrument_name="h", aggregation=aggregation)])
    histogram = setup.meter.create_histogram("h")
    for value in (1, 2, 7):
        histogram.record(value)
    got = setup.collect()
    if kind is None:
        assert got == {}
        return
    assert type(got["h"].data).__name__ == kind
    (point,) = got["h"].data.data_points
    if kind in ("Sum", "Gauge"):
        assert point.value == (10 if kind == "Sum" else 7)
        return
    assert (point.count, point.sum, point.min, point.max) == (3, 10, 1, 7)
    if "Explicit" in name:
        assert point.bucket_counts == (1, 1, 1)
    if "Exponential" in name:
        assert (point.scale, sum(point.positive.bucket_counts)) == (5, 3)


@row(METRICS, "The `Default` aggregation uses the specified aggregation by instrument.")
def test_default_aggregations(setup):
    setup.meter.create_counter("c").add(1)
    setup.meter.create_up_down_counter("u").add(1)
    setup.meter.create_histogram("h").record(1)
    setup.meter.create_gauge("g").set(1)
    for kind in ("counter", "up_down_counter", "gauge"):
        create = getattr(setup.meter, f"create_observable_{kind}")
        create(f"o{kind[0]}", [lambda o: [Observation(1)]])
    kinds = {
        n: (type(m.data).__name__, getattr(m.data, "is_monotonic", None))
        for n, m in setup.collect().items()
    }
    assert kinds == {
        "c": ("Sum", True), "u": ("Sum", False), "h": ("Histogram", None), "g": ("Gauge", None),
        "oc": ("Sum", True), "ou": ("Sum", False), "og": ("Gauge", None),
    }  # fmt: skip
