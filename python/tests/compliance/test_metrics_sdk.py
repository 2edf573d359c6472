"""Section "Metrics" of the matrix: readers, exporters, exemplars and limits; and the variables of metrics."""

import io
import json
import math
import socket
import threading
import time

import pytest
from metric_setup import SAMPLED, UNSAMPLED, Setup
from opentelemetry import trace
from opentelemetry.metrics import Observation
from rows import row
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from vedette.sdk.metrics import (
    AlignedHistogramBucketExemplarReservoir,
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    ExemplarReservoir,
    Histogram,
    ObservableCounter,
    SimpleFixedSizeExemplarReservoir,
    TraceBasedExemplarFilter,
    UpDownCounter,
)
from vedette.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from vedette.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)

METRICS = "Metrics"


class Keep(MetricExporter):
    """Keeps what it is given; `gate` holds it up."""

    def __init__(self, gate=None, **kwargs):
        super().__init__(**kwargs)
        self.got, self.gate, self.inside, self.most = [], gate, 0, 0
        self.entered = threading.Event()

    def export(self, metrics_data, timeout_millis=10_000, **kwargs):
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.set()
        if self.gate:
            self.gate.wait(timeout=60)
        self.got.append(metrics_data)
        self.inside -= 1
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        return timeout_millis > 100

    def shutdown(self, timeout_millis=30_000, **kwargs):
        self.closed = timeout_millis


@row(
    METRICS,
    "The metrics Reader implementation supports registering metric Exporters",
    "The metrics Exporter has access to the aggregated metrics data (aggregated points, not raw measurements).",
    "The metrics Exporter `export` function receives a batch of metrics.",
)
def test_exporters_get_batches_of_points():
    exporter = Keep()
    setup = Setup(reader=PeriodicExportingMetricReader(exporter, 60_000))
    for name in ("a", "b"):
        for _ in range(3):
            setup.meter.create_counter(name).add(1)
    setup.provider.force_flush()
    (data,) = exporter.got
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    assert [(m.name, m.data.data_points[0].value) for m in metrics] == [("a", 3), ("b", 3)]
    setup.provider.shutdown()


@row(
    METRICS,
    "The metrics Reader implementation supports configuring the default aggregation on the basis of instrument kind.",
    "The metrics Reader implementation supports configuring the default temporality on the basis of instrument kind.",
)
def test_readers_prefer_by_kind():
    reader = InMemoryMetricReader(
        preferred_temporality={UpDownCounter: AggregationTemporality.DELTA},
        preferred_aggregation={Histogram: SumAggregation(), Counter: LastValueAggregation()},
    )
    setup = Setup(reader=reader)
    setup.meter.create_counter("c").add(1)
    setup.meter.create_up_down_counter("u").add(1)
    setup.meter.create_histogram("h").record(1)
    got = setup.collect()
    assert {n: type(m.data).__name__ for n, m in got.items()} == {
        "c": "Gauge",
        "u": "Sum",
        "h": "Sum",
    }
    assert got["u"].data.aggregation_temporality is AggregationTemporality.DELTA
    assert got["h"].data.aggregation_temporality is AggregationTemporality.CUMULATIVE


@row(
    METRICS,
    "The metrics Exporter `export` function can not be called concurrently from the same Exporter instance.",
)
def test_exports_follow_one_another():
    gate = threading.Event()
    exporter = Keep(gate)
    setup = Setup(reader=PeriodicExportingMetricReader(exporter, 60_000))
    setup.meter.create_counter("c").add(1)
    threads = [threading.Thread(target=setup.provider.force_flush) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert exporter.entered.wait(timeout=60)
    gate.set()
    for thread in threads:
        thread.join()
    assert (exporter.most, len(exporter.got)) == (1, 3)
    setup.provider.shutdown()


@pytest.fixture
def black_hole():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1/metrics"


@row(
    METRICS,
    "The metrics Exporter `export` function does not block indefinitely.",
    "The metrics Exporter `export` function returns `Success` or `Failure`.",
    "The metrics Exporter `shutdown` function do not block indefinitely.",
    "The metrics Exporter provides a `ForceFlush` function.",
    "The metrics Exporter `ForceFlush` can inform the caller whether it succeeded, failed or timed out.",
    "The metrics Exporter provides a `shutdown` function.",
)
def test_exporters_answer_in_time(setup, black_hole, http_sink):
    setup.meter.create_counter("c").add(1)
    data = setup.reader.get_metrics_data()
    exporter = OTLPMetricExporter(black_hole)
    assert exporter.export(data, timeout_millis=50) is MetricExportResult.FAILURE
    assert exporter.force_flush(timeout_millis=50) is False
    exporter.shutdown(timeout_millis=50)
    assert exporter.export(data) is MetricExportResult.FAILURE
    working = OTLPMetricExporter(http_sink.base + "/v1/metrics")
    assert working.export(data) is MetricExportResult.SUCCESS
    assert working.force_flush() is True
    working.shutdown()


def exemplars(exemplar_filter=None, views=(), spans=(SAMPLED, UNSAMPLED)):
    setup = Setup(views, exemplar_filter=exemplar_filter)
    counter = setup.meter.create_counter("c")
    for at, span in enumerate(spans):
        with trace.use_span(span):
            counter.add(1, {"keep": at, "more": "x"})
    counter.add(1, {"keep": "none"})
    return {p.attributes["keep"]: list(p.exemplars) for p in setup.points("c")}


@row(
    METRICS,
    "The metrics SDK samples `Exemplar`s from measurements.",
    "The metrics SDK supports SDK-wide exemplar filter configuration",
    "The metrics SDK supports `TraceBased` exemplar filter",
    "Exemplars contain the associated trace id and span id of the active span in the Context when the measurement was "
    "taken.",
)
def test_trace_based_exemplars():
    for exemplar_filter in (None, TraceBasedExemplarFilter()):
        got = exemplars(exemplar_filter)
        assert [len(got[k]) for k in (0, 1, "none")] == [1, 0, 0]
        assert (got[0][0].trace_id, got[0][0].span_id) == (0xA1, 0xB2)


@row(METRICS, "The metrics SDK supports `AlwaysOn` exemplar filter")
def test_always_on_exemplars():
    got = exemplars(AlwaysOnExemplarFilter())
    assert [len(got[k]) for k in (0, 1, "none")] == [1, 1, 1]
    assert (got[1][0].trace_id, got["none"][0].trace_id) == (0xA3, None)


@row(
    METRICS,
    "Exemplar sampling can be disabled.",
    "The metrics SDK supports `AlwaysOff` exemplar filter",
)
def test_always_off_exemplars():
    assert not any(exemplars(AlwaysOffExemplarFilter()).values())


@row("Environment Variables", "OTEL_METRICS_EXEMPLAR_FILTER")
def test_exemplar_filter_of_the_environment(monkeypatch):
    for name, found in (("always_on", 3), ("always_off", 0), ("trace_based", 1), ("what", 1)):
        monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", name)
        assert sum(map(len, exemplars().values())) == found


@row(
    METRICS,
    "Exemplars retain any attributes available in the measurement that are not preserved by aggregation or view "
    "configuration.",
    "Documentation notes that View-filtered attributes may still appear on Exemplars.",
    "Exemplars contain the timestamp when the measurement was taken.",
)
def test_exemplars_keep_what_views_leave_out(setup):
    got = exemplars(views=[View(instrument_name="c", attribute_keys={"keep"})])
    assert got[0][0].filtered_attributes == {"more": "x"}
    assert got[0][0].value == 1
    assert abs(got[0][0].time_unix_nano - time.time_ns()) < 60e9
    assert "may still appear on exemplars" in " ".join(View.__doc__.split())


@row(
    METRICS,
    "The `View` allows configuring the exemplar reservoir of resulting metric stream.",
    "The metrics SDK provides an `ExemplarReservoir` interface or extension point.",
    "An `ExemplarReservoir` has an `offer` method with access to the measurement value, attributes, `Context` and "
    "timestamp.",
)
def test_reservoirs_of_ones_own():
    offered = []

    class Own(ExemplarReservoir):
        def __init__(self, **kwargs):
            pass

        def offer(self, value, time_unix_nano, attributes, context):
            offered.append(
                (value, dict(attributes), trace.get_current_span(context), time_unix_nano > 0)
            )

        def collect(self, point_attributes):
            return []

    exemplars(views=[View(instrument_name="c", exemplar_reservoir_factory=lambda kind: Own)])
    assert offered == [(1, {"keep": 0, "more": "x"}, SAMPLED, True)]


@row(
    METRICS,
    "The metrics SDK provides a `SimpleFixedSizeExemplarReservoir` that is used by default for all aggregations except "
    "`ExplicitBucketHistogram`.",
)
def test_fixed_size_reservoirs():
    setup = Setup(
        [View(instrument_name="e", aggregation=ExponentialBucketHistogramAggregation())],
        exemplar_filter=AlwaysOnExemplarFilter(),
    )
    counter, histogram = setup.meter.create_counter("c"), setup.meter.create_histogram("e")
    for i in range(1, 101):
        counter.add(i)
        histogram.record(i)
    got = setup.collect()
    assert len(got["c"].data.data_points[0].exemplars) == 1
    assert len(got["e"].data.data_points[0].exemplars) == 20
    reservoir = SimpleFixedSizeExemplarReservoir(3)
    for i in range(50):
        reservoir.offer(i, 1, {"a": 1, "b": 2}, trace.set_span_in_context(SAMPLED))
    kept = reservoir.collect({"a": 1})
    assert len(kept) == 3 and kept[0].filtered_attributes == {"b": 2}
    assert reservoir.collect({}) == []


@row(
    METRICS,
    "The metrics SDK provides an `AlignedHistogramBucketExemplarReservoir` that is used by default for "
    "`ExplicitBucketHistogram` aggregation.",
)
def test_aligned_reservoirs():
    setup = Setup(exemplar_filter=AlwaysOnExemplarFilter())
    histogram = setup.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[10, 20])
    for value in (1, 2, 15, 99, 20):
        histogram.record(value)
    assert [e.value for e in setup.points("h")[0].exemplars] == [2, 20, 99]
    reservoir = AlignedHistogramBucketExemplarReservoir([10, 20])
    for value in (1, 2, 15, 99, 20):
        reservoir.offer(value, 1, {}, trace.set_span_in_context(SAMPLED))
    assert [e.value for e in reservoir.collect({})] == [2, 20, 99]


OVERFLOW = (("otel.metric.overflow", True),)


@row(METRICS, "Metric SDK implements cardinality limit")
def test_cardinality_limit(setup):
    counter = setup.meter.create_counter("c")
    for i in range(2010):
        counter.add(1, {"i": i})
    values = setup.values("c")
    assert (len(values), values[OVERFLOW]) == (2001, 10)


@row(METRICS, "Metric SDK supports configuring cardinality limit at MeterReader level")
def test_cardinality_limit_of_a_reader():
    setup = Setup(reader=InMemoryMetricReader(cardinality_limits={Counter: 2}))
    counter, updown = setup.meter.create_counter("c"), setup.meter.create_up_down_counter("u")
    for i in range(5):
        counter.add(1, {"i": i})
        updown.add(1, {"i": i})
    got = setup.collect()
    assert (len(got["c"].data.data_points), len(got["u"].data.data_points)) == (3, 5)


@row(METRICS, "Metric SDK supports configuring cardinality limit per metric (using Views)")
def test_cardinality_limit_of_a_view():
    setup = Setup([View(instrument_name="c", aggregation_cardinality_limit=1)])
    counter = setup.meter.create_counter("c")
    for i in range(5):
        counter.add(1, {"i": i})
    assert setup.values("c") == {(("i", 0),): 1, OVERFLOW: 4}


@row(METRICS, "Metric SDK supports per-timeseries cumulative start timestamps")
def test_start_times(setup):
    counter = setup.meter.create_counter("c")
    counter.add(1, {"k": 1})
    first = {p.attributes["k"]: p for p in setup.points("c")}
    counter.add(1, {"k": 2})
    second = {p.attributes["k"]: p for p in setup.points("c")}
    assert second[1].start_time_unix_nano == first[1].start_time_unix_nano
    assert second[2].start_time_unix_nano >= first[1].time_unix_nano


@row(
    METRICS,
    "The metric SDK's periodic Reader implementation supports the `maxExportBatchSize` parameter",
)
def test_batches():
    exporter = Keep()
    setup = Setup(reader=PeriodicExportingMetricReader(exporter, 60_000, max_export_batch_size=3))
    for i in range(7):
        setup.meter.create_counter(f"c{i % 2}").add(1, {"i": i})
    setup.provider.force_flush()
    sizes = [
        sum(
            len(m.data.data_points)
            for g in d.resource_metrics
            for s in g.scope_metrics
            for m in s.metrics
        )
        for d in exporter.got
    ]
    assert sizes == [3, 3, 1]
    setup.provider.shutdown()


@row("Environment Variables", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT")
def test_intervals_of_the_environment(monkeypatch):
    timeouts = []

    class Timeouts(Keep):
        def export(self, metrics_data, timeout_millis=10_000, **kwargs):
            timeouts.append(timeout_millis)
            return super().export(metrics_data)

    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_TIMEOUT", "7000")
    exporter = Timeouts()
    setup = Setup(reader=PeriodicExportingMetricReader(exporter))
    setup.meter.create_counter("c").add(1)
    assert exporter.entered.wait(timeout=60)
    assert timeouts[0] == 7000
    setup.provider.shutdown()
    for value in ("0", "-1"):
        with pytest.raises(ValueError, match="larger than zero"):
            PeriodicExportingMetricReader(Keep(), float(value))
    PeriodicExportingMetricReader(Keep(), math.inf).shutdown()


@pytest.mark.parametrize(
    ("preference", "deltas"),
    [
        ("cumulative", set()),
        ("DELTA", {Counter, Histogram, ObservableCounter}),
        ("LowMemory", {Counter, Histogram}),
    ],
)
@row("Environment Variables", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")
def test_temporality_of_the_environment(monkeypatch, preference, deltas):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference)
    chosen_ = OTLPMetricExporter()._preferred_temporality
    assert {kind for kind, t in chosen_.items() if t is AggregationTemporality.DELTA} == deltas


@row("Environment Variables", "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION")
def test_histogram_aggregation_of_the_environment(monkeypatch):
    name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
    for value, kind in (
        ("base2_exponential_bucket_histogram", ExponentialBucketHistogramAggregation),
        ("explicit_bucket_histogram", ExplicitBucketHistogramAggregation),
        ("what", ExplicitBucketHistogramAggregation),
    ):
        monkeypatch.setenv(name, value)
        assert type(OTLPMetricExporter()._preferred_aggregation[Histogram]) is kind


def test_console():
    out = io.StringIO()
    setup = Setup(reader=PeriodicExportingMetricReader(ConsoleMetricExporter(out), 60_000))
    setup.meter.create_counter("c").add(1, {"k": "v"})
    setup.provider.shutdown()
    assert json.loads(out.getvalue())["resource_metrics"]


COMPOSABLE = "The `MeterProvider` supports configuring `view_matching_mode` to enable composable View matching."


@row("Metrics", COMPOSABLE)
def test_views_that_compose():
    views = [
        View(instrument_name="took", description="first", attribute_keys={"a", "b", "c"}),
        View(
            instrument_name="*",
            aggregation=ExplicitBucketHistogramAggregation([1]),
            attribute_keys={"b", "c", "d"},
        ),
        View(instrument_name="took", description="second", aggregation_cardinality_limit=1),
        View(instrument_name="took", excluded_attribute_keys={"c"}),
    ]
    setup = Setup(views, view_matching_mode="composable")
    took = setup.meter.create_histogram("took", description="own")
    for value in range(3):
        took.record(value, {"a": 1, "b": value, "c": 3, "d": 4})
    found = setup.collect()
    assert list(found) == ["took"] and found["took"].description == "second"
    points = found["took"].data.data_points
    assert [p.attributes for p in points] == [{"b": 0}, {"otel.metric.overflow": True}]
    assert list(points[0].explicit_bounds) == [1]


@row("Metrics", COMPOSABLE)
def test_views_that_compose_by_name():
    views = [
        View(instrument_name="took", name="short", attribute_keys=set()),
        View(instrument_type=Counter, description="of all"),
        View(instrument_name="took", name="long"),
        View(instrument_name="took", name="short", description="later"),
    ]
    setup = Setup(views, view_matching_mode="composable")
    setup.meter.create_counter("took").add(1, {"a": 1})
    setup.meter.create_counter("other").add(1, {"a": 1})
    setup.meter.create_gauge("level").set(1)
    shown = {
        name: (metric.description, metric.data.data_points[0].attributes)
        for name, metric in setup.collect().items()
    }
    assert shown == {
        "short": ("later", {}),
        "long": ("of all", {"a": 1}),
        "other": ("of all", {"a": 1}),
        "level": ("", {}),
    }


def test_an_aggregation_that_cannot_be_is_left_out_of_the_composed(caplog):
    views = [
        View(instrument_name="seen", description="kept", aggregation=LastValueAggregation()),
        View(instrument_name="seen", aggregation=ExplicitBucketHistogramAggregation()),
    ]
    setup = Setup(views, view_matching_mode="composable")
    setup.meter.create_observable_counter("seen", [lambda _: [Observation(3)]])
    found = setup.collect()["seen"]
    assert found.description == "kept" and type(found.data).__name__ == "Gauge"
    assert "its aggregation has not been applied" in caplog.text


def test_view_matching_modes():
    views = [View(instrument_name="c", name=name) for name in ("a", "b")]
    setup = Setup([*views, View(instrument_name="c", description="d")])
    setup.meter.create_counter("c").add(1)
    assert set(setup.collect()) == {"a", "b", "c"}, "each view a stream"
    with pytest.raises(ValueError, match="view_matching_mode"):
        Setup(view_matching_mode="other")
