"""Metrics: those of prometheus_client's names, and the instruments of OpenTelemetry's meters."""

from __future__ import annotations

import contextlib

from counting import operation, variants
from hostile import HOSTILE, bad_calls
from opentelemetry.metrics import Observation
from vedette import _native
from vedette import prometheus as p
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from vedette.prometheus import CollectorRegistry
from vedette.prometheus.core import GaugeMetricFamily
from vedette.prometheus.openmetrics.exposition import generate_latest as openmetrics
from vedette.prometheus.parser import text_string_to_metric_families
from vedette.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from vedette.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from vedette.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from vedette.sdk.trace import TracerProvider

tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
registry = CollectorRegistry()
counter = p.Counter("c", "C", ["a", "b"], registry=registry)
gauge = p.Gauge("g", "G", ["a"], registry=registry)
histogram = p.Histogram("h", "H", ["a"], registry=registry)
summary = p.Summary("s", "S", ["a"], registry=registry)
plain = p.Counter("plain", "P", registry=registry)


@operation
def prometheus_recorded():
    def call():
        plain.inc()
        plain.inc(2, {"trace_id": "abc"})
        counter.labels("x", 1).inc()
        counter.labels(a="x", b=None).inc(0.5)
        gauge.labels("x").set(7)
        gauge.labels("x").inc()
        gauge.labels(a="x").dec(2)
        gauge.labels("x").set_to_current_time()
        histogram.labels("x").observe(0.1)
        histogram.labels("x").observe(0.1, {"trace_id": "abc"})
        summary.labels("x").observe(3)
        with tracer.start_as_current_span("a"):
            plain.inc()
            histogram.labels("x").observe(2)

    return call


@operation
def prometheus_series_come_and_go():
    def call():
        counter.labels("come", "go").inc()
        counter.remove("come", "go")
        gauge.labels("x").set(1)
        gauge.clear()
        counter.labels("x", "y").reset()

    return call


@operation
def prometheus_functions():
    function = p.Gauge("function", "F", registry=registry)

    def call():
        function.set_function(lambda: 7)
        p.generate_latest(registry)
        function.set_function(lambda: 1 / 0)
        p.generate_latest(registry)

    return call


@operation
def prometheus_helpers():
    timed = p.Histogram("timed", "T", registry=registry)
    running = p.Gauge("running", "R", registry=registry)
    failed = p.Counter("failed", "F", registry=registry)

    @timed.time()
    @running.track_inprogress()
    @failed.count_exceptions(KeyError)
    def function():
        raise KeyError

    def call():
        with contextlib.suppress(KeyError):
            function()
        with timed.time(), running.track_inprogress(), failed.count_exceptions():
            pass

    return call


@operation
def prometheus_metrics_come_and_go():
    def call():
        own = CollectorRegistry()
        made = p.Counter("own", "O", ["x"], registry=own)
        made.labels("y").inc()
        p.Info("info", "I", registry=own).info({"a": "b"})
        p.Enum("enum", "E", states=["a", "b"], registry=own).state("b")
        p.Histogram("buckets", "B", buckets=(1, 2), registry=own).observe(1)
        p.Gauge("unlabelled", "U", registry=own).set(1)
        p.generate_latest(own)
        own.unregister(made)

    return call


class Custom:
    def collect(self):
        family = GaugeMetricFamily("custom", "C", labels=["a"])
        family.add_metric(["x"], 1)
        yield family


class Raises:
    def collect(self):
        raise RuntimeError("no")


@operation
def prometheus_exposed():
    registry.register(Custom())
    gauge.labels('x\n"\\').set(float("nan"))

    def call():
        text = p.generate_latest(registry).decode()
        openmetrics(registry)
        list(registry.collect())
        registry.get_sample_value("plain_total")
        list(registry.restricted_registry(["plain_total"]).collect())
        list(text_string_to_metric_families(text))

    return call


@operation
def prometheus_collector_that_raises():
    own = CollectorRegistry()
    own.register(Raises())
    return lambda: p.generate_latest(own)


@operation
def prometheus_refused():
    return bad_calls(
        lambda: plain.inc(-1),
        lambda: plain.inc("x"),
        lambda: plain.inc(1, 2, 3),
        lambda: plain.inc(1, "exemplar"),
        lambda: plain.inc(1, {"a": "x" * 200}),
        lambda: plain.inc(wrong=1),
        lambda: plain.labels("x"),
        lambda: counter.inc(),
        lambda: counter.labels("x"),
        lambda: counter.labels("x", b="y"),
        lambda: counter.labels(a="x", c="y"),
        lambda: counter.labels(),
        lambda: counter.remove("x"),
        lambda: histogram.labels("x").observe(None),
        lambda: gauge.labels("x").set("y"),
        lambda: gauge.labels("x").set_function(None),
        lambda: p.Counter("plain", "P", registry=registry),
        lambda: p.Counter("0", "P", registry=registry),
        lambda: p.Counter("le", "P", ["le", "__x"], registry=registry),
        lambda: p.Histogram("b", "B", buckets=(2, 1), registry=registry),
        lambda: openmetrics(None),
        lambda: p.generate_latest(None),
    )


def _labels(value):
    def call():
        for one in (
            lambda: counter.labels(value, value).inc(),
            lambda: counter.labels(a=value, b=value).inc(),
            lambda: plain.inc(value),
            lambda: plain.inc(1, {"trace_id": value}),
            lambda: plain.inc(1, value),
            lambda: histogram.labels("x").observe(value),
            lambda: gauge.labels("x").set(value),
        ):
            try:
                one()
            except Exception:  # prometheus_client raises, too
                continue

    return call


variants(HOSTILE, _labels, "prometheus given")


# ---- meters ---------------------------------------------------------------------------------------

NOWHERE = "http://127.0.0.1:9/v1/metrics"


def instruments(provider):
    meter = provider.get_meter("m", "1")
    return [
        meter.create_counter("counter", "1", "C").add,
        meter.create_up_down_counter("updown").add,
        meter.create_histogram("histogram").record,
        meter.create_histogram("exponential").record,
        meter.create_gauge("gauge").set,
    ]


VIEWS = [
    View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation()),
    View(instrument_name="updown", attribute_keys={"a"}),
]


def _collects(filter_or_none, views=()):
    reader = InMemoryMetricReader()
    provider = MeterProvider(
        [reader], exemplar_filter=filter_or_none, views=views, shutdown_on_exit=False
    )
    return provider, reader


def _recorded(options):
    provider, reader = _collects(*options)
    records = instruments(provider)

    def call():
        with tracer.start_as_current_span("a"):
            for record in records:
                record(1)
                record(2.5, {"a": "x", "b": 2, "c": True})
                record(2, attributes={"a": "y"})
        reader.get_metrics_data()

    return call


variants(
    {
        "plain": (None,),
        "views": (None, VIEWS),
        "exemplars": (AlwaysOnExemplarFilter(), VIEWS),
        "dropped": (None, [View(instrument_name="*", aggregation=DropAggregation())]),
        "buckets": (None, [View(instrument_type=object, instrument_name="histogram", aggregation=ExplicitBucketHistogramAggregation((1, 2)))]),
    },
    _recorded,
    "meter recorded",
)  # fmt: skip


def _attributes(value):
    provider, reader = _collects(AlwaysOnExemplarFilter())
    records = instruments(provider)

    def call():
        for record in records:
            record(value)
            record(1, value)
            record(1, {"a": value})
            record(1, {"a": 1}, value)
            with contextlib.suppress(TypeError):  # it cannot be hashed: the dict's own error
                record(1, {value: 1})
        reader.get_metrics_data()

    return call


variants(HOSTILE, _attributes, "meter given")


@operation
def meter_refused():
    provider, _ = _collects(None)
    records = instruments(provider)
    calls = []
    for record in records:
        calls += [
            lambda record=record: record(),
            lambda record=record: record(1, {}, None, 5),
            lambda record=record: record(1, wrong=1),
        ]
    return bad_calls(*calls)


@operation
def meter_observed():
    provider, reader = _collects(None)
    meter = provider.get_meter("m")

    def observe(options):
        yield Observation(1, {"a": "x"})
        yield Observation(2.5)

    def raises(options):
        raise ValueError("no")

    meter.create_observable_counter("oc", [observe])
    meter.create_observable_up_down_counter("ou", [observe])
    meter.create_observable_gauge("og", [observe, lambda options: [Observation("x"), None, 7]])
    meter.create_observable_gauge("raises", [raises])
    import logging

    for name in ("vedette", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return lambda: reader.get_metrics_data()


@operation
def meter_bound():
    provider, reader = _collects(None)
    made = provider.get_meter("m").create_counter("c")

    def call():
        made.bind({"a": "b"}).add(1)
        reader.get_metrics_data()

    return call


@operation
def meter_providers():
    def call():
        provider, reader = _collects(AlwaysOnExemplarFilter(), VIEWS)
        for record in instruments(provider):
            record(1, {"a": 1})
        reader.get_metrics_data()
        provider.force_flush()
        provider.shutdown()
        for record in instruments(provider):
            record(1)

    return call


@operation
def meter_providers_that_send():
    def call():
        exporter = OTLPMetricExporter(NOWHERE, timeout=1)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider([reader], shutdown_on_exit=False)
        for record in instruments(provider):
            record(1, {"a": 1})
        provider.shutdown(100)

    return call


@operation
def metrics_encoded():
    provider, reader = _collects(AlwaysOnExemplarFilter(), VIEWS)
    with tracer.start_as_current_span("a"):
        for record in instruments(provider):
            record(1, {"a": 1, "b": [1, 2]})
    data = reader.get_metrics_data()
    return lambda: _native.encode_metrics(data)
