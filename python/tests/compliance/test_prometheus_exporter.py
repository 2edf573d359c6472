"""The rows of the Prometheus exporter: what a meter counts, as the exposition has it."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from rows import row
from vedette import prometheus
from vedette.exporter.prometheus import PrometheusMetricReader, TranslationStrategy
from vedette.prometheus.exposition import choose_encoder
from vedette.prometheus.openmetrics.exposition import generate_latest as generate_openmetrics
from vedette.prometheus.openmetrics.parser import text_string_to_metric_families
from vedette.sdk.metrics import MeterProvider
from vedette.sdk.resources import Resource


class Exposed:
    def __init__(self, **options):
        self.registry = prometheus.CollectorRegistry()
        reader = PrometheusMetricReader(registry=self.registry, **options)
        resource = Resource({"service.name": "shop", "deployment.environment.name": "test"})
        self.provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self.meter = self.provider.get_meter("orders", "1.2", attributes={"team.name": "blue"})

    def lines(self):
        return prometheus.generate_latest(self.registry).decode().splitlines()

    def sample(self, name, **labels):
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def exposed():
    return Exposed(scope_info_enabled=False)


@row("Exporters", "Name Sanitization", "Attributes Keys are Sanitized")
def test_names(exposed):
    exposed.meter.create_gauge("queue.depth-now").set(3, {"queue.name": "a", "1st": "x"})
    (line,) = [line for line in exposed.lines() if line.startswith("queue_depth_now{")]
    assert 'queue_name="a"' in line and '_1st="x"' in line


@row("Exporters", "Unit Suffixes", "Unit Full Words")
@pytest.mark.parametrize(
    ("unit", "suffix"),
    [("s", "seconds"), ("ms", "milliseconds"), ("By", "bytes"), ("By/s", "bytes_per_second")],
)
def test_units(exposed, unit, suffix):
    exposed.meter.create_gauge("measure", unit).set(1)
    assert exposed.sample(f"measure_{suffix}") == 1


@row("Exporters", "HELP Metadata", "TYPE Metadata")
def test_metadata(exposed):
    exposed.meter.create_counter("sold", description="what was sold").add(1)
    lines = exposed.lines()
    assert "# HELP sold_total what was sold" in lines and "# TYPE sold_total counter" in lines


@row("Exporters", "UNIT Metadata")
def test_unit_metadata(exposed):
    exposed.meter.create_counter("waited", "s").add(1)
    exposed.meter.create_gauge("size", "By").set(1)
    exposed.meter.create_gauge("load").set(1)
    text = generate_openmetrics(exposed.registry).decode().splitlines()
    assert [line for line in text if line.startswith("# UNIT")] == [
        "# UNIT waited_seconds seconds",
        "# UNIT size_bytes bytes",
    ]


@row("Exporters", "Metadata Deduplication")
def test_metadata_once(exposed):
    for name in ("a", "b"):
        exposed.provider.get_meter(name).create_counter("sold", description=name).add(
            1, {"by": name}
        )
    lines = exposed.lines()
    assert sum(line.startswith("# TYPE sold_total") for line in lines) == 1
    assert sum(line.startswith("# HELP sold_total") for line in lines) == 1
    assert exposed.sample("sold_total", by="a") == exposed.sample("sold_total", by="b") == 1


@row(
    "Exporters",
    "otel_scope_name and otel_scope_version labels on all Metrics",
    "otel_scope_[attribute] labels on all Metrics",
)
def test_scope_labels():
    exposed = Exposed()
    exposed.meter.create_counter("c").add(1)
    exposed.meter.create_histogram("h").record(1)
    lines = [line for line in exposed.lines() if line.startswith(("c_total{", "h_"))]
    assert lines
    for line in lines:
        assert 'otel_scope_name="orders"' in line and 'otel_scope_version="1.2"' in line
        assert 'otel_scope_team_name="blue"' in line


@row("Exporters", "otel_scope labels can be disabled")
def test_no_scope_labels(exposed):
    exposed.meter.create_counter("c").add(1)
    assert "otel_scope" not in "".join(exposed.lines())


@row("Exporters", "Gauges become Prometheus Gauges")
def test_gauge(exposed):
    exposed.meter.create_gauge("load").set(0.25)
    assert "# TYPE load gauge" in exposed.lines() and exposed.sample("load") == 0.25


@row(
    "Exporters",
    "Cumulative Monotonic Sums become Prometheus Counters",
    "Prometheus Counters have _total suffix by default",
)
def test_monotonic_sum(exposed):
    counter = exposed.meter.create_counter("sold")
    counter.add(2)
    assert exposed.sample("sold_total") == 2
    counter.add(3)
    assert exposed.sample("sold_total") == 5
    assert "# TYPE sold_total counter" in exposed.lines()


@row("Exporters", "Prometheus Counters _total suffixing can be disabled")
def test_no_suffixes():
    exposed = Exposed(translation_strategy=TranslationStrategy.UNDERSCORE_ESCAPING_WITHOUT_SUFFIXES)
    exposed.meter.create_counter("sold.units", "By").add(2)
    exposed.meter.create_counter("sent_total").add(3)
    exposed.meter.create_gauge("load", "1").set(0.5)
    lines = exposed.lines()
    assert "# TYPE sold_units counter" in lines and "# TYPE sent_total counter" in lines
    samples = {line.split("{")[0]: line.split()[-1] for line in lines if line.startswith("s")}
    assert samples == {"sold_units": "2.0", "sent_total": "3.0"}
    assert any(line.startswith("load{") for line in lines)
    text = generate_openmetrics(exposed.registry).decode()
    assert "# TYPE sold_units unknown" in text, "OpenMetrics has no counter without _total"
    families = {f.name: f for f in text_string_to_metric_families(text)}
    assert [sample.value for sample in families["sold_units"].samples] == [2]
    assert not families["sold_units"].unit


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        ("underscore_escaping_with_suffixes", "http_took_seconds_total"),
        ("underscore_escaping_without_suffixes", "http_took"),
        ("no_utf8_escaping_with_suffixes", "http.took_seconds_total"),
        ("no_translation", "http.took"),
    ],
)
def test_translation_strategies(strategy, name):
    exposed = Exposed(translation_strategy=TranslationStrategy(strategy))
    exposed.meter.create_counter("http.took", "s").add(2, {"http.route": "/"})
    text, _ = choose_encoder("text/plain; version=1.0.0; escaping=allow-utf-8")
    (line,) = [
        x
        for x in text(exposed.registry).decode().splitlines()
        if "http.route" in x or "http_route" in x
    ]
    shown = f'{{"{name}",' if "." in name else name + "{"
    assert line.startswith(shown) and line.endswith("} 2.0")
    assert ('"http.route"="/"' in line) == (not strategy.startswith("underscore"))
    escaped = prometheus.generate_latest(exposed.registry).decode()
    assert f"\n{name.replace('.', '_')}{{" in escaped, "as whoever asks for no escaping gets it"


@row("Exporters", "Cumulative Non-Monotonic Sums become Prometheus Gauges")
def test_non_monotonic_sum(exposed):
    active = exposed.meter.create_up_down_counter("active")
    active.add(5)
    active.add(-7)
    assert "# TYPE active gauge" in exposed.lines() and exposed.sample("active") == -2


@row("Exporters", "Cumulative Histograms become Prometheus Histograms")
def test_histogram(exposed):
    histogram = exposed.meter.create_histogram(
        "took", "s", explicit_bucket_boundaries_advisory=[0.1, 1]
    )
    for value in (0.05, 0.5, 5):
        histogram.record(value)
    assert "# TYPE took_seconds histogram" in exposed.lines()
    buckets = [exposed.sample("took_seconds_bucket", le=le) for le in ("0.1", "1.0", "+Inf")]
    assert buckets == [1, 2, 3]
    assert exposed.sample("took_seconds_count") == 3
    assert exposed.sample("took_seconds_sum") == pytest.approx(5.55)


@row("Exporters", "Colliding sanitized attribute keys are merged")
def test_colliding_keys(exposed):
    exposed.meter.create_counter("c").add(1, {"a.b": "x", "a_b": "y"})
    assert exposed.sample("c_total", a_b="x;y") == 1


@row("Exporters", "Exemplars for Histograms and Monotonic sums")
def test_exemplars(exposed):
    counter, histogram = (
        exposed.meter.create_counter("c"),
        exposed.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[10]),
    )
    with trace.use_span(NonRecordingSpan(SpanContext(0xAB, 0xCD, False, TraceFlags(1)))):
        counter.add(1)
        histogram.record(3)
    text = generate_openmetrics(exposed.registry).decode().splitlines()
    exemplar = f'# {{span_id="{0xCD:016x}",trace_id="{0xAB:032x}"}}'
    assert any(line.startswith("c_total 1.0 " + exemplar) for line in text)
    assert any(line.startswith('h_bucket{le="10.0"} 1.0 ' + exemplar) for line in text)


@row("Exporters", "`target_info` metric from Resource")
def test_target_info(exposed):
    exposed.meter.create_counter("c").add(1)
    labels = {"service_name": "shop", "deployment_environment_name": "test"}
    assert exposed.sample("target_info", **labels) == 1
