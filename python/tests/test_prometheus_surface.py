"""Every public name of prometheus_client is here, takes the same arguments, and writes the same text."""

import importlib
import inspect

import prometheus_client as upstream
import pytest
from vedette import prometheus as ours

MODULES = (
    "",
    ".asgi",
    ".bridge.graphite",
    ".context_managers",
    ".core",
    ".exposition",
    ".gc_collector",
    ".metrics",
    ".metrics_core",
    ".multiprocess",
    ".openmetrics.exposition",
    ".openmetrics.parser",
    ".parser",
    ".platform_collector",
    ".process_collector",
    ".registry",
    ".samples",
    ".utils",
    ".validation",
)
# What only upstream's own parsing needs.
INTERNAL = {"Collector", "F", "MetricWrapperBase", "T", "replace_escape_sequence"}
# Methods that only multiprocess files need.
INTERNAL_METHODS = {("MultiProcessCollector", "merge")}


def public(module):
    """What the module names, or defines."""
    for name, value in vars(module).items():
        own = getattr(value, "__module__", None) == module.__name__
        named = name in getattr(module, "__all__", ()) or (own and not name.startswith("_"))
        if named and name not in INTERNAL:
            yield name, value


def names():
    for suffix in MODULES:
        module = importlib.import_module("prometheus_client" + suffix)
        for name, value in public(module):
            yield pytest.param(suffix, name, value, id=f"prometheus_client{suffix}.{name}")


def parameters(function):
    """What a caller may pass: name, kind and whether there is a default, without private ones."""
    return [
        (p.name, p.kind, p.default is not p.empty)
        for p in inspect.signature(function).parameters.values()
        if not p.name.startswith("_") and p.name != "self"
    ]


def takes_the_same(theirs, mine, where):
    found = parameters(mine)
    # Ours may take more, by keyword.
    extra = [p for p in found if p[1] is inspect.Parameter.KEYWORD_ONLY]
    expected = parameters(theirs)
    assert [p for p in found if p not in extra or p in expected] == expected, where


@pytest.mark.parametrize("suffix, name, theirs", list(names()))
def test_name(suffix, name, theirs):
    mine = getattr(importlib.import_module("vedette.prometheus" + suffix), name)
    if not callable(theirs):
        return
    if not inspect.isclass(theirs):
        takes_the_same(theirs, mine, name)
        return
    if not issubclass(theirs, tuple) and not getattr(theirs, "_is_protocol", False):
        takes_the_same(theirs.__init__, mine.__init__, name)
    for method, function in inspect.getmembers(theirs, inspect.isfunction):
        if method.startswith("_") or (name, method) in INTERNAL_METHODS:
            continue
        if not function.__module__.startswith("prometheus_client"):
            continue
        takes_the_same(function, getattr(mine, method), f"{name}.{method}")


def everything(client, registry):
    """Metrics of all kinds, with everything that can be said about them."""
    registry.set_target_info({"service": "shop", "version": '1"2'})
    counter = client.Counter("orders", "Orders \\ \n", ["zone", "kind"], registry=registry)
    counter.labels("eu", 'q"\\\n').inc(2.5, {"trace_id": "abc"})
    counter.labels(kind="ü", zone="us").inc(1234567)
    counter.labels("gone", "x").inc()
    counter.labels("gone", "y").inc()
    counter.labels("eu", "z").inc()
    counter.remove_by_labels({"zone": "gone"})
    counter.remove("eu", "z")
    client.Counter(
        "plain_total", "P", unit="bytes", namespace="n", subsystem="s", registry=registry
    )
    gauge = client.Gauge("level", "L", ["le", "a"], registry=registry)
    for i, value in enumerate(
        (1e300, 1e-300, -1e6, 1e6, 123456789, 0.1 + 0.2, float("-inf"), -0.0)
    ):
        gauge.labels(str(i), "x").set(value)
    client.Gauge("asked", "A", registry=registry).set_function(lambda: 12.5)
    summary = client.Summary("sizes", "S", ["x"], unit="bytes", registry=registry)
    summary.labels("1").observe(3)
    summary.labels("1").observe(4.5)
    histogram = client.Histogram("took", "T", ["a", "z"], unit="seconds", registry=registry)
    for amount in (0.001, 0.3, 7, 100):
        histogram.labels("1", "2").observe(amount, {"span_id": "s", "trace_id": "t"})
    signed = client.Histogram("signed", "S", buckets=[-1, 0, "1e7"], registry=registry)
    signed.observe(-3)
    info = client.Info("build", "B", ["part"], registry=registry)
    info.labels("a").info({"version": "1", "by": "x\ny"})
    states = client.Enum("state", "S", ["task"], states=["on", "off"], registry=registry)
    states.labels("t").state("off")
    dotted = client.Gauge("a.b c", "D", ["x.y", "z"], registry=registry)
    dotted.labels("1", "2").set(1)
    client.Counter("b.c", "D", registry=registry).inc()
    registry.register(Families(client))


class Families:
    """One of each family that a collector can make, with timestamps and exemplars."""

    def __init__(self, client):
        self.core = importlib.import_module(client.__name__ + ".core")

    def collect(self):
        core = self.core
        exemplar = core.Exemplar({"z": "1", "a": 'q"'}, 3, 12.25)
        family = core.CounterMetricFamily("f_counter", "C", labels=["x"], unit="seconds")
        family.add_metric(["1"], 3, created=5, timestamp=core.Timestamp(7, 5), exemplar=exemplar)
        yield family
        yield core.GaugeMetricFamily("f_gauge", "G", value=1e16)
        yield core.UnknownMetricFamily("f_unknown", "U", value=2)
        yield core.SummaryMetricFamily("f_summary", "S", count_value=2, sum_value=3.5)
        buckets = [("1.0", 1, exemplar), ("+Inf", 2, None)]
        family = core.HistogramMetricFamily("f_histogram", "H", labels=["b"])
        family.add_metric(["x"], buckets, 3, timestamp=9.5)
        yield family
        yield core.GaugeHistogramMetricFamily(
            "f_gh", "GH", buckets=[("1.0", 1), ("+Inf", 2)], gsum_value=-3
        )
        yield core.InfoMetricFamily("f_info", "I", value={"a": "b"})
        yield core.StateSetMetricFamily("f_states", "S", value={"b": True, "a": False})


class NativeHistograms(Families):
    """What OpenMetrics 2.0 alone can show."""

    def collect(self):
        core = self.core
        family = core.Metric("f_native", "N", "histogram")
        native = core.NativeHistogram(
            5, 6.5, 3, 0.01, 1, [core.BucketSpan(0, 2)], [core.BucketSpan(1, 1)], [1, 2], [-1]
        )
        family.add_sample("f_native", {"x": "1"}, None, native_histogram=native)
        yield family


ACCEPTS = [
    None,
    "text/plain",
    "text/plain; version=1.0.0; escaping=allow-utf-8",
    "text/plain;version=1.0.0;escaping=dots",
    "text/plain;version=1.0.0;escaping=values, */*",
    "application/openmetrics-text",
    "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8",
    "application/openmetrics-text; version=2.0.0",
    "application/openmetrics-text; version=0.0.1, text/plain",
]


def timeless(text):
    """Without the times that differ: those of series, and of exemplars."""
    lines = []
    for line in text.decode().splitlines():
        if "_created" in line and not line.startswith("#") and "f_counter" not in line:
            line = line.rsplit(" ", 1)[0]
        if " # {" in line and not line.startswith("f_"):
            line = line.rsplit(" ", 1)[0]
        lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize("accept", ACCEPTS, ids=str)
def test_text_is_equal(accept):
    texts = []
    for client in (upstream, ours):
        registry = client.CollectorRegistry()
        everything(client, registry)
        if "openmetrics" in str(accept) and "0.0.1" not in accept:
            registry.register(NativeHistograms(client))
        encoder, content_type = client.exposition.choose_encoder(accept)
        text = encoder(registry)
        assert (b"f_native{x=" in text) == ("2.0.0" in str(accept))
        texts.append((content_type, timeless(text)))
    assert texts[1][0] == texts[0][0]
    assert texts[1][1].splitlines() == texts[0][1].splitlines()


def test_collected_families_are_equal():
    collected = []
    for client in (upstream, ours):
        registry = client.CollectorRegistry()
        everything(client, registry)
        collected.append(
            [
                (f.name, f.documentation, f.type, f.unit, [(s.name, s.labels) for s in f.samples])
                for f in registry.collect()
            ]
        )
    assert collected[1] == collected[0]


def test_restricted_registries_are_equal():
    wanted = ["orders_total", "took_seconds_count", "target_info", "f_gauge", "none"]
    texts = []
    for client in (upstream, ours):
        registry = client.CollectorRegistry(auto_describe=True)
        everything(client, registry)
        text = client.generate_latest(registry.restricted_registry(wanted))
        texts.append(sorted(text.decode().splitlines()))
    assert texts[1] == texts[0]


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_written_alike(seed):
    import random
    import struct

    draw = random.Random(seed)
    for _ in range(500):
        value = struct.unpack("d", struct.pack("Q", draw.getrandbits(64)))[0]
        for number in (
            value,
            float(draw.randrange(-(10**8), 10**8)),
            draw.random() * 10 ** draw.randrange(20),
        ):
            expected = upstream.utils.floatToGoString(number)
            assert ours.utils.floatToGoString(number) == expected
