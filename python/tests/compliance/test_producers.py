"""The rows of metric producers and metric filters."""

import math

import pytest
from metric_setup import Setup
from opentelemetry.metrics import Observation
from rows import row
from vedette import prometheus
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from vedette.exporter.prometheus import PrometheusMetricReader
from vedette.sdk.metrics import Histogram as HistogramInstrument
from vedette.sdk.metrics.export import (
    AggregationTemporality,
    AttributesFilterResult,
    Gauge,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    MetricFilter,
    MetricFilterResult,
    MetricProducer,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ScopeMetrics,
    Sum,
    filtered,
)
from vedette.sdk.util.instrumentation import InstrumentationScope

DELTA, CUMULATIVE = AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE
SCOPE = InstrumentationScope("bridge", "2")


def gauge(name, **values):
    points = [NumberDataPoint({"of": of}, None, 7, value) for of, value in values.items()]
    return Metric(name, "", "1", Gauge(points))


class Bridge(MetricProducer):
    """Metrics that somebody else has counted."""

    def __init__(self, *metrics):
        self.metrics = metrics
        self.filters = []

    def produce(self, metric_filter=None, timeout_millis=10_000):
        assert 0 <= timeout_millis <= 30_000
        self.filters.append(metric_filter)
        return filtered([ScopeMetrics(SCOPE, self.metrics, None)], metric_filter)


class Broken(MetricProducer):
    def produce(self, metric_filter=None, timeout_millis=10_000):
        raise RuntimeError("gone")


class Only(MetricFilter):
    """Drops the names in ``dropped``; of those in ``partly`` the points of ``user`` 1 and of ``a`` stay."""

    def __init__(self, dropped=(), partly=()):
        self.dropped, self.partly = dropped, partly
        self.asked = []

    def test_metric(self, instrumentation_scope, name, kind, unit):
        self.asked.append((instrumentation_scope.name, name, kind, unit))
        if name in self.dropped:
            return MetricFilterResult.DROP
        partly = name in self.partly
        return MetricFilterResult.ACCEPT_PARTIAL if partly else MetricFilterResult.ACCEPT

    def test_attributes(self, instrumentation_scope, name, kind, unit, attributes):
        assert name in self.partly
        kept = attributes in ({"user": 1}, {"of": "a"})
        return AttributesFilterResult.ACCEPT if kept else AttributesFilterResult.DROP


@row("Metrics", "A metric Producer accepts an optional metric Filter")
def test_a_producer_filters():
    bridge = Bridge(gauge("kept", a=1), gauge("cut", a=1, b=2), gauge("gone", a=1))
    assert [m.name for m in bridge.produce()[0].metrics] == ["kept", "cut", "gone"]
    (group,) = bridge.produce(Only(dropped=["gone"], partly=["cut"]))
    found = {m.name: [p.value for p in m.data.data_points] for m in group.metrics}
    assert found == {"kept": [1], "cut": [1]}


@row(
    "Metrics",
    "The metric Reader implementation supports registering metric Filter and passing them its registered metric "
    "Producers",
)
def test_a_reader_gives_its_filter_to_its_producers(caplog):
    first, second = Bridge(gauge("first", a=1, b=2)), Bridge(gauge("second", a=3))
    chosen = Only(partly=["first"])
    reader = InMemoryMetricReader(metric_producers=[first, Broken()], metric_filter=chosen)
    setup = Setup(reader=reader)
    setup.meter.create_counter("own").add(1)
    reader.register_producer(second)
    found = setup.collect()
    assert list(found) == ["own", "first", "second"], "and the broken one costs itself alone"
    assert [p.attributes for p in found["first"].data.data_points] == [{"of": "a"}]
    assert first.filters == second.filters == [chosen]
    assert "Broken" in caplog.text
    assert setup.resource().resource is setup.provider._resource
    without = Bridge(gauge("g", a=1))
    assert Setup(reader=InMemoryMetricReader(metric_producers=[without])).collect()["g"]
    assert without.filters == [None]


@row("Metrics", "The metric SDK's metric Producer implementations uses the metric Filter")
@pytest.mark.parametrize("temporality", [CUMULATIVE, DELTA])
def test_the_sdk_filters(temporality):
    chosen = Only(dropped=["gone"], partly=["cut", "seen"])
    reader = InMemoryMetricReader({HistogramInstrument: temporality}, metric_filter=chosen)
    setup = Setup(reader=reader)
    meter = setup.meter
    meter.create_counter("gone").add(1)
    cut = meter.create_histogram("cut", "s")
    meter.create_observable_gauge(
        "seen", [lambda _: [Observation(5, {"user": 1}), Observation(6, {"user": 2})]]
    )
    meter.create_counter("kept").add(1, {"user": 3})
    for _ in range(2):
        cut.record(1, {"user": 1})
        cut.record(2, {"user": 2})
        found = setup.collect()
        assert set(found) == {"cut", "seen", "kept"}
        assert [p.attributes for p in found["cut"].data.data_points] == [{"user": 1}]
        assert [p.value for p in found["seen"].data.data_points] == [5]
    assert ("meter", "cut", Histogram, "s") in chosen.asked
    assert ("meter", "seen", Gauge, "") in chosen.asked


def test_a_filter_that_fails_accepts(caplog):
    class Bad(MetricFilter):
        def test_metric(self, instrumentation_scope, name, kind, unit):
            if name == "a":
                raise RuntimeError("no")
            return MetricFilterResult.ACCEPT_PARTIAL if name == "b" else "nonsense"

        def test_attributes(self, *args):
            raise RuntimeError("no")

    setup = Setup(reader=InMemoryMetricReader(metric_filter=Bad()))
    for name in "abc":
        setup.meter.create_counter(name).add(1)
    assert set(setup.collect()) == {"a", "b", "c"}
    assert caplog.text.count("A metric filter failed") == 3


def test_a_native_exporter_sends_what_producers_say(http_sink):
    exporter = OTLPMetricExporter(f"{http_sink.base}/v1/metrics")
    reader = PeriodicExportingMetricReader(
        exporter, math.inf, metric_producers=[Bridge(gauge("theirs", a=1.5))]
    )
    setup = Setup(reader=reader)
    setup.meter.create_counter("ours").add(2)
    reader.register_producer(Bridge(gauge("later", a=2)))
    assert setup.provider.force_flush()
    found = http_sink.metrics_by_name()
    assert set(found) == {"ours", "theirs", "later"}
    assert found["theirs"].gauge.data_points[0].as_double == 1.5
    setup.provider.shutdown()


class Exposed:
    def __init__(self, **options):
        self.registry = prometheus.CollectorRegistry()
        self.reader = PrometheusMetricReader(
            registry=self.registry, scope_info_enabled=False, **options
        )
        self.meter = Setup(reader=self.reader).meter

    def samples(self):
        lines = prometheus.generate_latest(self.registry).decode().splitlines()
        return {
            name: float(value)
            for name, value in (x.rsplit(" ", 1) for x in lines if x[0] != "#")
            if not name.startswith("target_info")
        }


def total(name, value, temporality, monotonic=True):
    return Metric(name, "", "", Sum([NumberDataPoint({}, 1, 2, value)], temporality, monotonic))


def test_the_exposition_shows_producers():
    exposed = Exposed(
        metric_producers=[Bridge(gauge("load", a=1), total("sold", 3, CUMULATIVE))],
    )
    exposed.meter.create_counter("own").add(1)
    assert exposed.samples() == {'load_ratio{of="a"}': 1, "sold_total": 3, "own_total": 1}


def test_the_exposition_is_filtered():
    exposed = Exposed(metric_filter=Only(dropped=["gone"], partly=["cut"]))
    for name in ("gone", "cut", "kept"):
        counter = exposed.meter.create_counter(name, "s")
        counter.add(1, {"user": 1})
        counter.add(1, {"user": 2})
    assert exposed.samples() == {
        'cut_seconds_total{user="1"}': 1,
        'kept_seconds_total{user="1"}': 1,
        'kept_seconds_total{user="2"}': 1,
    }


@row("Exporters", "Delta Histograms become Cumulative Prometheus Histograms")
def test_deltas_are_added_up():
    point = HistogramDataPoint({}, 1, 2, 3, 4.5, [1, 2], [1.0], 0.5, 2.0)
    bridge = Bridge(
        Metric("took", "", "s", Histogram([point], DELTA)),
        total("sold", 3, DELTA),
        total("level", -1, DELTA, monotonic=False),
    )
    exposed = Exposed(metric_producers=[bridge])
    for times in (1, 2, 3):
        assert exposed.samples() == {
            'took_seconds_bucket{le="1.0"}': times,
            'took_seconds_bucket{le="+Inf"}': 3 * times,
            "took_seconds_count": 3 * times,
            "took_seconds_sum": 4.5 * times,
            "sold_total": 3 * times,
        }
