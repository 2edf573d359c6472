"""OTel meters in the exposition of vedette.prometheus."""

import urllib.request

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from vedette import prometheus
from vedette.exporter.prometheus import PrometheusMetricReader
from vedette.prometheus.openmetrics.exposition import generate_latest as generate_openmetrics
from vedette.sdk.metrics import Counter, MeterProvider
from vedette.sdk.resources import Resource


@pytest.fixture
def registry():
    return prometheus.CollectorRegistry()


def meters(registry, **kwargs):
    reader = PrometheusMetricReader(registry=registry, **kwargs)
    return MeterProvider([reader], Resource({"service.name": "shop"}), shutdown_on_exit=False)


def lines(registry):
    return prometheus.generate_latest(registry).decode().splitlines()


def test_every_kind(registry):
    provider = meters(registry, scope_info_enabled=False)
    meter = provider.get_meter("m", "1")
    prometheus.Counter("mine", "beside them", registry=registry).inc()
    meter.create_counter("http.requests", "{request}", "how many").add(
        2, {"http.route": "/a", "ok": True}
    )
    meter.create_up_down_counter("active").add(-3)
    meter.create_gauge("load", "1").set(0.5)
    meter.create_histogram(
        "http.server.duration", "ms", explicit_bucket_boundaries_advisory=[5, 10]
    ).record(7)
    got = lines(registry)
    for line in (
        "# HELP http_requests_total how many",
        "# TYPE http_requests_total counter",
        'http_requests_total{http_route="/a",ok="true"} 2.0',
        "# TYPE active gauge",
        "active -3.0",
        "load_ratio 0.5",
        'http_server_duration_milliseconds_bucket{le="5.0"} 0.0',
        'http_server_duration_milliseconds_bucket{le="10.0"} 1.0',
        'http_server_duration_milliseconds_bucket{le="+Inf"} 1.0',
        "http_server_duration_milliseconds_count 1.0",
        "http_server_duration_milliseconds_sum 7.0",
        "mine_total 1.0",
        'target_info{service_name="shop"} 1.0',
    ):
        assert line in got
    provider.shutdown()
    assert not any("http_requests" in line for line in lines(registry))


def test_labels_of_scope_and_resource(registry):
    provider = meters(
        registry, prefix="app", disable_target_info=True, resource_attribute_filter=lambda key: True
    )
    counter = provider.get_meter("m", "1", "http://s", {"team": "x"}).create_counter("c")
    counter.add(1, {"a.b": "first", "a_b": "second"})
    (line,) = [line for line in lines(registry) if line.startswith("app_c_total{")]
    for label in (
        'a_b="first;second"', 'otel_scope_name="m"', 'otel_scope_version="1"',
        'otel_scope_schema_url="http://s"', 'otel_scope_team="x"', 'service_name="shop"',
    ):  # fmt: skip
        assert label in line
    assert "target_info" not in "".join(lines(registry))


def test_one_name_in_two_meters(registry, caplog):
    provider = meters(registry)
    provider.get_meter("a").create_counter("c").add(1)
    provider.get_meter("b").create_counter("c").add(2)
    provider.get_meter("c").create_histogram("c_total").record(1)
    got = lines(registry)
    assert [line for line in got if line.startswith("# TYPE c_total")] == ["# TYPE c_total counter"]
    assert sum(line.startswith("c_total{") for line in got) == 2
    assert "c_total is a counter already" in caplog.text


def test_a_name_that_the_registry_has_is_not_shown_twice(registry):
    provider = meters(registry, scope_info_enabled=False)
    meter = provider.get_meter("m")
    meter.create_counter("taken").add(7)
    meter.create_histogram("free", explicit_bucket_boundaries_advisory=[1]).record(3)
    prometheus.Counter("taken", "the registry's own", registry=registry).inc()
    got = lines(registry)
    assert [line for line in got if line.startswith("taken_total")] == ["taken_total 1.0"]
    assert "free_sum 3.0" in got


def test_histograms_of_one_name_with_other_buckets(registry):
    provider = meters(registry, scope_info_enabled=False)
    for name, bounds in (("a", [1]), ("b", [1, 2, 3, 4])):
        provider.get_meter(name).create_histogram(
            "h", explicit_bucket_boundaries_advisory=bounds
        ).record(9)
    got = lines(registry)
    assert got.count("# TYPE h histogram") == 1 and got.count("h_sum 9.0") == 2


def test_observed_values_go_with_their_observation(registry):
    provider = meters(registry, scope_info_enabled=False)
    seen = {"a": 1, "b": 2}
    provider.get_meter("m").create_observable_gauge(
        "seen", [lambda _: [Observation(value, {"by": by}) for by, value in seen.items()]]
    )
    assert 'seen{by="a"} 1.0' in lines(registry)
    del seen["a"]
    seen["b"] = 3
    got = lines(registry)
    assert 'seen{by="b"} 3.0' in got and not any('by="a"' in line for line in got)


def test_more_attribute_sets_than_the_limit(registry):
    provider = meters(registry, scope_info_enabled=False, cardinality_limits={Counter: 3})
    counter = provider.get_meter("m").create_counter("c")
    for number in range(10):
        counter.add(1, {"n": number})
    got = [line for line in lines(registry) if line.startswith("c_total")]
    assert 'c_total{otel_metric_overflow="true"} 7.0' in got and len(got) == 4


def test_exemplars_in_openmetrics(registry):
    provider = meters(registry)
    counter = provider.get_meter("m").create_counter("c")
    with trace.use_span(NonRecordingSpan(SpanContext(0xAB, 0xCD, False, TraceFlags(1)))):
        counter.add(1)
    text = generate_openmetrics(registry).decode()
    assert f'# {{span_id="{0xCD:016x}",trace_id="{0xAB:032x}"}} 1.0' in text


def test_the_reader_of_the_environment(monkeypatch):
    from vedette import _components

    monkeypatch.setenv("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
    served = []
    monkeypatch.setattr(
        "vedette.exporter.prometheus.start_http_server",
        lambda port, addr: served.append(prometheus.start_http_server(port, addr)),
    )
    reader = _components.exporter("metrics", "prometheus")()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("from.meter").add(3)
    ((server, thread),) = served
    try:
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert "from_meter_total" in answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        provider.shutdown()
