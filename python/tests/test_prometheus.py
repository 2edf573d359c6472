"""Our metrics next to prometheus_client's: the same calls, the same samples."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import prometheus_client as upstream
import pytest
from prometheus_client.parser import text_string_to_metric_families
from vedette import _native
from vedette import prometheus as ours
from vedette.prometheus.core import CounterMetricFamily, GaugeMetricFamily

# Where tools/peers.py puts it.
PROMTOOL = Path(__file__).parents[2] / ".cache/peers/promtool/usr/bin/promtool"


def samples(text):
    """{(name, labels): value}, without what only one side has."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def types(text):
    return {
        family.name: (family.type, family.documentation)
        for family in text_string_to_metric_families(text)
        if not family.name.endswith("_created")
    }


def counters(client, registry):
    plain = client.Counter("plain_total", "Plain", registry=registry)
    plain.inc()
    plain.inc(2.5)
    labelled = client.Counter("orders", "With \\ and \n", ["method", "zone"], registry=registry)
    labelled.labels(method="card", zone="eu").inc()
    labelled.labels(zone="eu", method="card").inc()
    labelled.labels("cash", 7).inc(4)
    labelled.labels('q"\\\n', "wörld").inc()


def gauges(client, registry):
    gauge = client.Gauge("temperature", "T", registry=registry)
    gauge.set(20)
    gauge.inc()
    gauge.dec(0.5)
    labelled = client.Gauge(
        "level", "L", ["x"], namespace="app", subsystem="tank", unit="litres", registry=registry
    )
    labelled.labels("a").set(float("inf"))
    labelled.labels("b").set(float("nan"))
    labelled.labels("c").set(1e300)


def histograms(client, registry):
    usual = client.Histogram("usual_seconds", "U", registry=registry)
    for amount in (0.001, 0.005, 0.0051, 3, 100):
        usual.observe(amount)
    own = client.Histogram("own", "O", ["path", "a"], buckets=[1, 2.5, 5], registry=registry)
    own.labels("/x", "1").observe(2)
    own.labels(path="/x", a="1").observe(2.5)
    own.labels(path="/y", a="1").observe(-1)


def removed(client, registry):
    counter = client.Counter("c", "C", ["x"], registry=registry)
    counter.labels("a").inc()
    counter.labels("b").inc()
    counter.remove("a")
    gauge = client.Gauge("g", "G", ["x"], registry=registry)
    gauge.labels("a").set(1)
    gauge.clear()
    gauge.labels("b").set(2)


def helpers(client, registry):
    failures = client.Counter("failures", "F", registry=registry)

    @failures.count_exceptions(ValueError)
    def fail(error):
        raise error

    for error in (ValueError("x"), KeyError("x"), ValueError("y")):
        with pytest.raises(type(error)):
            fail(error)
    running = client.Gauge("running", "R", registry=registry)
    with running.track_inprogress():
        assert samples(client.generate_latest(registry).decode())["running", ()] == 1
    timed = client.Histogram("timed", "T", registry=registry, buckets=[1000])

    @timed.time()
    def work():
        return 3

    assert work() == 3
    with timed.time():
        pass


SNIPPETS = [counters, gauges, histograms, removed, helpers]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda f: f.__name__)
def test_equal(snippet):
    theirs, mine = upstream.CollectorRegistry(), ours.CollectorRegistry()
    snippet(upstream, theirs)
    snippet(ours, mine)
    expected = upstream.generate_latest(theirs).decode()
    found = ours.generate_latest(mine).decode()
    assert types(found) == types(expected)
    a, b = samples(found), samples(expected)
    for table in (a, b):  # how long things took
        table.pop(("timed_sum", ()), None)
    assert str(a) == str(b)  # as text: NaN is not equal to itself


@pytest.mark.parametrize(
    "misuse",
    [
        lambda c, r: c.Counter("c", "", registry=r).inc(-1),
        lambda c, r: c.Counter("c", "", ["x"], registry=r).inc(),
        lambda c, r: c.Counter("c", "", ["x"], registry=r).labels(),
        lambda c, r: c.Counter("c", "", ["x"], registry=r).labels(y=1),
        lambda c, r: c.Counter("c", "", ["x"], registry=r).labels("a", x=1),
        lambda c, r: c.Counter("c", "", registry=r).labels("a"),
        lambda c, r: c.Counter("c", "", ["__x"], registry=r),
        lambda c, r: c.Histogram("h", "", ["le"], registry=r),
        lambda c, r: c.Histogram("h", "", buckets=[2, 1], registry=r),
        lambda c, r: [c.Gauge("g", "", registry=r), c.Counter("g", "", registry=r)],
    ],
)
def test_misuse_is_a_value_error_on_both(misuse):
    for client in (upstream, ours):
        with pytest.raises(ValueError):
            misuse(client, client.CollectorRegistry())


def test_an_empty_name_is_refused():
    with pytest.raises(ValueError):
        ours.Counter("", "", registry=ours.CollectorRegistry())


def test_default_registry_reports_process_and_python():
    found = samples(ours.generate_latest().decode())
    expected = samples(upstream.generate_latest().decode())
    assert {name for name, _ in expected} <= {name for name, _ in found}
    assert found["process_resident_memory_bytes", ()] > 1e6
    started = ("process_start_time_seconds", ())
    assert abs(found[started] - expected[started]) < 1


@pytest.mark.parametrize("value", ["\ud800", "x" * 100_000, object(), None, 1 << 90, b"\xff"])
def test_hostile_label_values_cost_nothing_but_themselves(value):
    class Raises:
        def __str__(self):
            raise RuntimeError

    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", ["x"], registry=registry)
    counter.labels("good").inc()
    counter.labels(value).inc()
    counter.labels(Raises()).inc()
    found = samples(ours.generate_latest(registry).decode())
    assert found["c_total", (("x", "good"),)] == 1
    assert len(found) == 3


def test_series_are_bounded_and_the_guilty_label_is_named(capfd):
    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", ["user", "kind"], registry=registry, series_limit=100)
    for i in range(100_000):
        counter.labels(str(i), "k").inc()
    found = samples(ours.generate_latest(registry).decode())
    assert len(found) == 101
    assert found["c_total", (("kind", "__overflow__"), ("user", "__overflow__"))] == 99_900
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and "is user" in said


def test_infos_are_bounded_too(caplog):
    registry = ours.CollectorRegistry()
    info = ours.Info("i", "", ["kind", "user"], registry=registry)
    for i in range(5000):
        info.labels("k", str(i)).info({"a": "b"})
    assert sum(1 for family in registry.collect() for _ in family.samples) == 2001
    assert caplog.text.count("is user") == 1


def test_a_child_survives_its_removal():
    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", ["x"], registry=registry)
    child = counter.labels("a")
    counter.remove("a")
    child.inc()
    assert samples(ours.generate_latest(registry).decode()) == {}
    counter.labels("a").inc()
    assert samples(ours.generate_latest(registry).decode()) == {("c_total", (("x", "a"),)): 1}


def test_threads_lose_nothing():
    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", ["t"], registry=registry)

    def work():
        for _ in range(10_000):
            counter.labels(t="x").inc()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        ours.generate_latest(registry)
    for thread in threads:
        thread.join()
    assert registry.get_sample_value("c_total", {"t": "x"}) == 40_000


def test_collectors_functions_and_unregistering():
    from prometheus_client.core import GaugeMetricFamily

    class Collector:
        def collect(self):
            family = GaugeMetricFamily("collected", "C", labels=["x"])
            family.add_metric(["1"], 2)
            yield family

    class Broken:
        def collect(self):
            raise RuntimeError

    registry = ours.CollectorRegistry()
    collector = Collector()
    registry.register(collector)
    broken = Broken()
    registry.register(broken)
    assert b'collected{x="1"} 2.0' in ours.generate_latest(registry)
    registry.unregister(broken)
    gauge = ours.Gauge("f", "", registry=registry)
    gauge.set_function(lambda: 7)
    assert registry.get_sample_value("collected", {"x": "1"}) == 2
    assert registry.get_sample_value("f") == 7
    registry.unregister(collector)
    registry.unregister(gauge)
    assert registry.get_sample_value("collected", {"x": "1"}) is None
    assert registry.get_sample_value("f") is None
    ours.Gauge("f", "", registry=registry)


def test_asgi_app():
    registry = ours.CollectorRegistry()
    ours.Counter("c", "", registry=registry).inc()
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    asyncio.run(ours.make_asgi_app(registry)({"type": "http", "headers": []}, receive, send))
    assert sent[0]["status"] == 200
    assert (b"Content-Type", ours.CONTENT_TYPE_PLAIN_0_0_4.encode()) in sent[0]["headers"]
    assert b"c_total 1.0" in sent[1]["body"]


def test_subclasses_work():
    class Mine(ours.Counter):
        def twice(self):
            self.inc(2)

    registry = ours.CollectorRegistry()
    Mine("c", "", registry=registry).twice()
    assert registry.get_sample_value("c_total") == 2


def test_what_cannot_be_written_costs_only_its_field(caplog):
    class Hostile:
        def collect(self):
            family = CounterMetricFamily("theirs", "\ud800", labels=["x"])
            family.add_metric(["\ud800\x00"], 1)
            yield family

    class Broken:
        def collect(self):
            yield GaugeMetricFamily("before", "B", value=1)
            yield GaugeMetricFamily("broken", "B", value="no number")

    registry = ours.CollectorRegistry()
    registry.register(Hostile())
    registry.register(Broken())
    counter = ours.Counter("mine", "\ud800\n", ["x"], registry=registry)
    for value in ("\ud800", "a\x00b", "\n", "é" * 10_000_000):
        counter.labels(value).inc()
    gauge = ours.Gauge("failing", "F", registry=registry)
    gauge.set_function(lambda: 1 / 0)
    for _ in range(2):
        text = ours.generate_latest(registry).decode()
    assert 'theirs_total{x="?\x00"} 1.0' in text
    assert "before 1.0" in text and "broken" not in text
    assert caplog.text.count("cannot be shown") == 1
    values = [line for line in text.splitlines() if line.startswith("mine_total")]
    assert values[:3] == [f'mine_total{{x="{x}"}} 1.0' for x in ("?", "a\x00b", "\\n")]
    assert values[3] == 'mine_total{x="' + "é" * 512 + '"} 1.0'
    assert "failing NaN" in text
    openmetrics = ours.exposition.openmetrics.generate_latest(registry)
    assert openmetrics.endswith(b"# EOF\n") and b"mine_total" in openmetrics


def test_the_current_span_becomes_the_exemplar(monkeypatch):
    from vedette.sdk.trace import TracerProvider

    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", registry=registry)
    histogram = ours.Histogram("h", "", buckets=[1, 2], registry=registry)
    counter.inc()  # outside of any span
    with TracerProvider().get_tracer("t").start_as_current_span("s") as span:
        histogram.observe(1.5)
        histogram.observe(5, {"own": "1"})
    context = span.get_span_context()
    expected = {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    exemplars = {
        (sample.name, sample.labels.get("le")): (sample.exemplar.labels, sample.exemplar.value)
        for family in registry.collect()
        for sample in family.samples
        if sample.exemplar
    }
    assert exemplars == {
        ("h_bucket", "2.0"): (expected, 1.5),
        ("h_bucket", "+Inf"): ({"own": "1"}, 5),
    }
    with pytest.raises(ValueError):
        counter.inc(1, {"x": "y" * 200})


def test_created_series_can_be_left_out():
    registry = ours.CollectorRegistry()
    ours.Counter("c", "", registry=registry).inc()
    try:
        assert b"c_created" in ours.generate_latest(registry)
        ours.disable_created_metrics()
        assert b"c_created" not in ours.generate_latest(registry)
    finally:
        ours.enable_created_metrics()


def test_decorated_coroutines_are_timed_to_their_end():
    registry = ours.CollectorRegistry()
    running = ours.Gauge("running", "", registry=registry)
    timed = ours.Summary("timed", "", registry=registry)
    failed = ours.Counter("failed", "", registry=registry)

    @running.track_inprogress()
    @timed.time()
    @failed.count_exceptions(KeyError)
    async def work():
        await asyncio.sleep(0.01)
        assert registry.get_sample_value("running") == 1
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(work())
    assert registry.get_sample_value("timed_sum") >= 0.01
    assert registry.get_sample_value("running") == 0
    assert registry.get_sample_value("failed_total") == 1


def test_numbers_inside_can_be_read():
    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", ["x"], registry=registry)
    counter.labels("1").inc(3)
    assert counter.labels("1")._value.get() == 3
    assert list(counter._metrics) == [("1",)]
    counter.labels("1").reset()
    assert counter.labels(x="1")._value.get() == 0
    histogram = ours.Histogram("h", "", buckets=[1], registry=registry)
    histogram.observe(0.5)
    assert histogram._sum.get() == 0.5 and histogram._buckets[0].get() == 1
    assert histogram._upper_bounds == [1.0, float("inf")]


@pytest.mark.skipif(not PROMTOOL.exists(), reason="promtool is not in .cache; see tools/peers.py")
def test_promtool_is_content():
    registry = ours.CollectorRegistry()
    for snippet in (counters, histograms):
        snippet(ours, registry)
    text = ours.generate_latest(registry)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True)
    assert b"error while linting" not in done.stderr, done.stderr


def test_rendering_leaves_the_interpreter_to_others():
    registry = ours.CollectorRegistry()
    counter = ours.Counter("c", "", ["x"], registry=registry, series_limit=20_000)
    for i in range(20_000):
        counter.labels(str(i)).inc(i + 0.5)
    turns, done = [0], threading.Event()

    def turn():
        while not done.is_set():
            turns[0] += 1
            time.sleep(0)  # gives the interpreter back, which nothing here takes by force

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    other = threading.Thread(target=turn)
    other.start()
    try:
        deadline = time.monotonic() + 60
        while True:
            before = turns[0]
            _native.metrics_render([[counter]], False, 0, False)
            if turns[0] > before:
                break
            assert time.monotonic() < deadline
    finally:
        done.set()
        sys.setswitchinterval(interval)
        other.join()
