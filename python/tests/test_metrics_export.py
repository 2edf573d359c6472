"""Metrics on their way: native encoding and sending, periodic reading, exporters and readers in Python."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Observation
from sink import attributes
from vedette.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from vedette.sdk.metrics import (
    AlwaysOnExemplarFilter,
    Counter,
    ExemplarReservoir,
    Histogram,
    MeterProvider,
    MetricsTimeoutError,
)
from vedette.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricReader,
    PeriodicExportingMetricReader,
)
from vedette.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider

RESOURCE = Resource({"service.name": "shop", "n": 7})


def provider(reader, **kwargs):
    return MeterProvider([reader], RESOURCE, shutdown_on_exit=False, **kwargs)


def record_all(meter):
    """One point of each kind."""
    meter.create_counter("c", "By", "how much").add(
        3, {"route": "/a", "ok": True, "n": 1, "f": 0.5}
    )
    meter.create_up_down_counter("u").add(-2.5)
    meter.create_gauge("g").set(7)
    meter.create_histogram("h").record(30, {"k": "ü"})
    exponential = meter.create_histogram("e")
    for value in (1, 2, 1000, 0):
        exponential.record(value)
    meter.create_observable_counter("oc", [lambda options: [Observation(11, {"cb": "x"})]])
    meter.create_observable_gauge("og", [lambda options: [Observation(1.5)]])


EXPONENTIAL = View(instrument_name="e", aggregation=ExponentialBucketHistogramAggregation(8, 3))


def check_all(got):
    point = got["c"].sum.data_points[0]
    assert (got["c"].unit, got["c"].description) == ("By", "how much")
    assert (got["c"].sum.is_monotonic, got["c"].sum.aggregation_temporality) == (True, 2)
    assert attributes(point) == {"route": "/a", "ok": True, "n": 1, "f": 0.5}
    assert point.as_int == 3
    assert 0 < point.start_time_unix_nano < point.time_unix_nano
    assert got["u"].sum.data_points[0].as_double == -2.5
    assert not got["u"].sum.is_monotonic
    assert got["g"].gauge.data_points[0].as_int == 7
    histogram = got["h"].histogram.data_points[0]
    assert attributes(histogram) == {"k": "ü"}
    assert (histogram.count, histogram.sum, histogram.min, histogram.max) == (1, 30, 30, 30)
    assert list(histogram.bucket_counts).index(1) == 4
    assert len(histogram.explicit_bounds) == 15
    exponential = got["e"].exponential_histogram.data_points[0]
    assert (exponential.count, exponential.zero_count, exponential.scale) == (4, 1, -1)
    assert sum(exponential.positive.bucket_counts) == 3
    assert (exponential.min, exponential.max) == (0, 1000)
    assert got["oc"].sum.data_points[0].as_int == 11
    assert got["og"].gauge.data_points[0].as_double == 1.5


def check_origin(sink):
    group = sink.metrics[0].resource_metrics[0]
    assert attributes(group.resource) == {"service.name": "shop", "n": 7}
    scope = group.scope_metrics[0]
    assert (scope.scope.name, scope.scope.version, scope.schema_url) == ("lib", "1.2", "http://s")
    assert attributes(scope.scope) == {"a": 1}


@pytest.mark.parametrize("gzip", [False, True])
def test_http(http_sink, gzip):
    exporter = HttpExporter(http_sink.base + "/v1/metrics", compression="gzip" if gzip else None)
    reader = PeriodicExportingMetricReader(exporter, float("inf"))
    meters = provider(reader, views=[EXPONENTIAL])
    record_all(meters.get_meter("lib", "1.2", "http://s", {"a": 1}))
    assert meters.force_flush()
    check_all(http_sink.metrics_by_name())
    check_origin(http_sink)
    assert len(http_sink.metrics) == 1
    meters.shutdown()


def test_grpc(grpc_sink):
    reader = PeriodicExportingMetricReader(GrpcExporter(grpc_sink.url), float("inf"))
    meters = provider(reader, views=[EXPONENTIAL])
    record_all(meters.get_meter("lib", "1.2", "http://s", {"a": 1}))
    assert meters.force_flush()
    check_all(grpc_sink.metrics_by_name())
    check_origin(grpc_sink)
    meters.shutdown()


def test_metrics_data_is_encoded_like_the_cells(http_sink):
    memory = InMemoryMetricReader()
    meters = provider(memory, views=[EXPONENTIAL])
    record_all(meters.get_meter("lib", "1.2", "http://s", {"a": 1}))
    exporter = HttpExporter(http_sink.base + "/v1/metrics")
    assert exporter.export(memory.get_metrics_data()) is MetricExportResult.SUCCESS
    check_all(http_sink.metrics_by_name())
    check_origin(http_sink)
    exporter.shutdown()
    assert exporter.export(memory.get_metrics_data()) is MetricExportResult.FAILURE


@pytest.mark.parametrize("batch", [None, 2])
def test_a_session_of_the_application(http_sink, batch):
    import requests

    exporter = HttpExporter(
        http_sink.base + "/v1/metrics", session=requests.Session(), max_export_batch_size=batch
    )
    reader = PeriodicExportingMetricReader(exporter, 60_000)
    meters = provider(reader, views=[EXPONENTIAL])
    record_all(meters.get_meter("lib", "1.2", "http://s", {"a": 1}))
    assert meters.force_flush()
    check_all(http_sink.metrics_by_name())
    check_origin(http_sink)
    assert len(http_sink.metrics) == (4 if batch else 1)
    meters.shutdown()


def test_a_channel_of_the_application(grpc_sink):
    exporter = GrpcExporter(grpc_sink.url, channel_options=(("grpc.enable_retries", 0),))
    meters = provider(PeriodicExportingMetricReader(exporter, 60_000), views=[EXPONENTIAL])
    record_all(meters.get_meter("lib", "1.2", "http://s", {"a": 1}))
    assert meters.force_flush()
    check_all(grpc_sink.metrics_by_name())
    meters.shutdown()


def test_a_native_thread_sends_while_the_interpreter_is_held(http_sink):
    """The main thread of a child never lets go of the interpreter's lock, and metrics arrive all the same."""
    program = """
import sys
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from vedette.sdk.metrics import MeterProvider
from vedette.sdk.metrics.export import PeriodicExportingMetricReader
sys.setswitchinterval(1e6)
reader = PeriodicExportingMetricReader(OTLPMetricExporter(sys.argv[1]), 50)
counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_counter("c")
while True:
    counter.add(1, {"k": "v"})
"""
    child = subprocess.Popen([sys.executable, "-c", program, http_sink.base + "/v1/metrics"])
    try:
        for _ in range(3):
            http_sink.arrived.get(timeout=60)
    finally:
        child.kill()
        child.wait()
    values = [
        r.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].as_int
        for r in http_sink.metrics
    ]
    assert values == sorted(values) and values[0] < values[-1]


def test_periodic_with_callbacks(http_sink):
    reader = PeriodicExportingMetricReader(HttpExporter(http_sink.base + "/v1/metrics"), 20)
    meters = provider(reader)
    meter = meters.get_meter("m")
    seen = []

    def callback(options):
        seen.append(threading.current_thread())
        return [Observation(len(seen))]

    meter.create_observable_gauge("g", [callback])
    for _ in range(3):
        http_sink.arrived.get(timeout=60)
    meters.shutdown()
    assert threading.main_thread() not in seen[:-1]
    got = http_sink.metrics_by_name()["g"].gauge.data_points[0]
    assert got.as_int == len(seen)


def test_delta_from_the_environment(http_sink, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "base2_exponential_bucket_histogram",
    )
    reader = PeriodicExportingMetricReader(HttpExporter(http_sink.base + "/v1/metrics"), 60_000)
    meters = provider(reader)
    meter = meters.get_meter("m")
    counter, updown = meter.create_counter("c"), meter.create_up_down_counter("u")
    histogram = meter.create_histogram("h")
    for amount in (5, 3):
        counter.add(amount)
        updown.add(amount)
        histogram.record(amount)
        assert meters.force_flush()
    got = http_sink.metrics_by_name()
    assert (got["c"].sum.aggregation_temporality, got["c"].sum.data_points[0].as_int) == (1, 3)
    assert (got["u"].sum.aggregation_temporality, got["u"].sum.data_points[0].as_int) == (2, 8)
    assert got["h"].exponential_histogram.aggregation_temporality == 1
    assert got["h"].exponential_histogram.data_points[0].count == 1
    meters.shutdown()


@pytest.mark.parametrize("where", ["exporter", "reader"])
def test_batches(http_sink, where):
    size = {"max_export_batch_size": 4}
    exporter = HttpExporter(http_sink.base + "/v1/metrics", **(size if where == "exporter" else {}))
    reader = PeriodicExportingMetricReader(exporter, 60_000, **(size if where == "reader" else {}))
    meters = provider(reader)
    counter = meters.get_meter("m").create_counter("c")
    for i in range(10):
        counter.add(1, {"i": i})
    assert meters.force_flush()
    sizes = [
        sum(
            len(m.sum.data_points)
            for g in r.resource_metrics
            for s in g.scope_metrics
            for m in s.metrics
        )
        for r in http_sink.metrics
    ]
    assert (sum(sizes), max(sizes)) == (10, 4)
    meters.shutdown()


def test_an_exporter_in_python():
    class Keep(MetricExporter):
        def __init__(self):
            super().__init__({Counter: AggregationTemporality.DELTA})
            self.got, self.flushed, self.stopped = [], 0, 0

        def export(self, metrics_data, timeout_millis=10_000, **kwargs):
            self.got.append(metrics_data)
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis=10_000):
            self.flushed += 1
            return True

        def shutdown(self, timeout_millis=30_000, **kwargs):
            self.stopped += 1

    exporter = Keep()
    reader = PeriodicExportingMetricReader(exporter, 60_000, max_export_batch_size=2)
    meters = provider(reader)
    counter = meters.get_meter("m").create_counter("c")
    for i in range(3):
        counter.add(1, {"i": i})
    meters.force_flush()
    assert [len(d.resource_metrics) for d in exporter.got] == [1, 1]
    counter.add(5)
    meters.shutdown()
    assert (
        exporter.got[-1].resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].value
        == 5
    )
    assert (exporter.flushed, exporter.stopped) == (1, 1)


def test_a_reader_in_python():
    class Own(MetricReader):
        def _receive_metrics(self, metrics_data, timeout_millis=10_000, **kwargs):
            self.got = metrics_data

        def shutdown(self, timeout_millis=30_000, **kwargs):
            self.over = True

    reader = Own(preferred_temporality={Histogram: AggregationTemporality.DELTA})
    meters = provider(reader)
    meters.get_meter("m").create_histogram("h").record(1)
    reader.collect()
    data = reader.got.resource_metrics[0].scope_metrics[0].metrics[0].data
    assert data.aggregation_temporality is AggregationTemporality.DELTA
    assert json.loads(reader.got.to_json())["resource_metrics"][0]["scope_metrics"]
    meters.shutdown()
    assert reader.over


def test_several_readers():
    first, second, late = InMemoryMetricReader(), InMemoryMetricReader(), InMemoryMetricReader()
    meters = MeterProvider([first, second], shutdown_on_exit=False)
    meter = meters.get_meter("m")
    counter = meter.create_counter("c")
    calls = []
    meter.create_observable_gauge("g", [lambda o: calls.append(1) or [Observation(len(calls))]])

    def values(reader):
        data = reader.get_metrics_data()
        return {
            m.name: m.data.data_points[0].value
            for m in data.resource_metrics[0].scope_metrics[0].metrics
        }

    counter.add(1, {"k": 1})
    assert values(first) == {"c": 1, "g": 1}
    assert values(second) == {"c": 1, "g": 2}
    meters.add_metric_reader(late)
    counter.add(2, {"k": 1})
    assert values(late) == {"c": 2, "g": 3}
    assert values(first)["c"] == 3
    meters.remove_metric_reader(second)
    counter.add(4, {"k": 1})
    assert values(first)["c"] == 7
    assert second.get_metrics_data() is None
    with pytest.raises(Exception, match="registered already"):
        MeterProvider([first], shutdown_on_exit=False)


def test_a_reservoir_in_python(http_sink):
    class Last(ExemplarReservoir):
        def __init__(self, **kwargs):
            self.made_with, self.kept = kwargs, []

        def offer(self, value, time_unix_nano, attributes, context):
            span = trace.get_current_span(context).get_span_context()
            self.kept = [(value, time_unix_nano, attributes, span)]

        def collect(self, point_attributes):
            from vedette.sdk.metrics import Exemplar

            kept, self.kept = self.kept, []
            return [Exemplar(dict(a), v, t, s.span_id, s.trace_id) for v, t, a, s in kept]

    view = View(instrument_name="h", exemplar_reservoir_factory=lambda kind: Last)
    reader = PeriodicExportingMetricReader(HttpExporter(http_sink.base + "/v1/metrics"), 60_000)
    meters = provider(reader, views=[view], exemplar_filter=AlwaysOnExemplarFilter())
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    with tracer.start_as_current_span("s") as span:
        histogram = meters.get_meter("m").create_histogram("h")
        histogram.record(1, {"k": 1})
        histogram.record(2, {"k": 1})
    assert meters.force_flush()
    (exemplar,) = http_sink.metrics_by_name()["h"].histogram.data_points[0].exemplars
    assert exemplar.as_int == 2
    assert exemplar.span_id == span.get_span_context().span_id.to_bytes(8, "big")
    assert exemplar.trace_id == span.get_span_context().trace_id.to_bytes(16, "big")
    meters.shutdown()


def test_exemplars_by_otlp(http_sink):
    reader = PeriodicExportingMetricReader(HttpExporter(http_sink.base + "/v1/metrics"), 60_000)
    meters = provider(reader, views=[View(instrument_name="c", attribute_keys={"keep"})])
    counter = meters.get_meter("m").create_counter("c")
    before = time.time_ns()
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        counter.add(2.5, {"keep": 1, "left": "out"})
    assert meters.force_flush()
    point = http_sink.metrics_by_name()["c"].sum.data_points[0]
    assert attributes(point) == {"keep": 1}
    (exemplar,) = point.exemplars
    assert exemplar.as_double == 2.5
    assert {a.key: a.value.string_value for a in exemplar.filtered_attributes} == {"left": "out"}
    assert before <= exemplar.time_unix_nano <= point.time_unix_nano
    assert exemplar.trace_id == span.get_span_context().trace_id.to_bytes(16, "big")
    meters.shutdown()


def test_console(capsys):
    reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stdout), 60_000)
    meters = provider(reader)
    meters.get_meter("m").create_counter("c").add(1, {"k": "v"})
    meters.shutdown()
    (scope,) = json.loads(capsys.readouterr().out)["resource_metrics"][0]["scope_metrics"]
    assert scope["metrics"][0]["data"]["data_points"][0]["value"] == 1


def test_callbacks_that_take_too_long():
    reader = InMemoryMetricReader()
    meters = provider(reader)
    released = threading.Event()

    def slow(options):
        released.wait(timeout=options.timeout_millis / 1e3 + 0.01)
        return []

    meters.get_meter("m").create_observable_gauge("g", [slow])
    with pytest.raises(MetricsTimeoutError):
        reader.collect(timeout_millis=1)


def test_hostile_values(caplog):
    class Raises:
        def __str__(self):
            raise RuntimeError

        __repr__ = __hash__ = __eq__ = __index__ = __float__ = __str__

    class Mapping(dict):
        def items(self):
            raise RuntimeError

    cyclic = {}
    cyclic["self"] = cyclic
    reader = InMemoryMetricReader()
    counter = provider(reader).get_meter("m").create_counter("c")
    for attrs in ({"k": Raises()}, {"k": "\udc80"}, {"\udc80": 1}, {Raises: 1}, {1: 2}, {"": 1}, cyclic,
                  {"k": cyclic}, "text", 7, [1], Mapping(a=1), {"k": float("nan")}, {"k": 10**30},
                  {"k": "x" * 10_000_000}, {"k": object()}, Raises()):  # fmt: skip
        assert counter.add(1, attrs) is None
        assert counter.add(1, attrs) is None
    for amount in (Raises(), None, "1", b"1", [], 10**400, float("-inf"), 1j):
        assert counter.add(amount) is None
    points = (
        reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    )
    assert sum(p.value for p in points) == 34
    nan = [p for p in points if p.attributes.get("k") != p.attributes.get("k")]
    assert [p.value for p in nan] == [2]


def test_threads_lose_nothing(http_sink):
    reader = PeriodicExportingMetricReader(
        HttpExporter(
            http_sink.base + "/v1/metrics",
            preferred_temporality={Counter: AggregationTemporality.DELTA},
        ),
        5,
    )
    meters = provider(reader)
    counter = meters.get_meter("m").create_counter("c")
    adds, kinds = 20_000, 50

    def work():
        for i in range(adds):
            counter.add(1, {"kind": i % kinds})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    meters.shutdown()
    total = sum(
        p.as_int
        for r in http_sink.metrics
        for g in r.resource_metrics
        for s in g.scope_metrics
        for m in s.metrics
        for p in m.sum.data_points
    )
    assert total == 4 * adds


def test_a_forked_child_sends_its_own(http_sink):
    reader = PeriodicExportingMetricReader(HttpExporter(http_sink.base + "/v1/metrics"), 20)
    meters = provider(reader)
    counter = meters.get_meter("m").create_counter("c")
    counter.add(1)
    assert meters.force_flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            counter.add(100)
            code = 0 if meters.force_flush() else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    counter.add(10)
    assert meters.force_flush()
    meters.shutdown()
    values = {  # a tick and a flush may share a request
        p.as_int
        for r in http_sink.metrics
        for m in r.resource_metrics[0].scope_metrics[0].metrics
        for p in m.sum.data_points
    }
    assert values == {1, 101, 11}


def test_the_end_of_the_process_flushes(http_sink):
    program = """
import sys
from vedette.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from vedette.sdk.metrics import MeterProvider
from vedette.sdk.metrics.export import PeriodicExportingMetricReader
reader = PeriodicExportingMetricReader(OTLPMetricExporter(sys.argv[1]))
MeterProvider([reader]).get_meter("m").create_counter("c").add(42)
"""
    subprocess.run([sys.executable, "-c", program, http_sink.base + "/v1/metrics"], check=True)
    assert http_sink.metrics_by_name()["c"].sum.data_points[0].as_int == 42


def test_a_server_that_is_away():
    exporter = HttpExporter("http://127.0.0.1:1/v1/metrics")
    meters = provider(PeriodicExportingMetricReader(exporter, 60_000))
    meters.get_meter("m").create_counter("c").add(1)
    with pytest.raises(Exception, match="did not get everything through"):
        meters.force_flush(timeout_millis=50)
    meters.shutdown(timeout_millis=100)
