"""Section "Environment Variables": that what a variable says happens. How each is read: test_env.py."""

import logging

import pytest
from opentelemetry import trace
from rows import row
from sink import attributes
from vedette import _components, _configuration, _env
from vedette.sdk.resources import Resource
from vedette.sdk.trace import SpanLimits, TracerProvider

SECTION = "Environment Variables"


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in _env.every_name():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def env(monkeypatch):
    def set_all(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_all


@row(SECTION, "OTEL_SDK_DISABLED")
def test_disabled(env):
    env(OTEL_SDK_DISABLED="true")
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
    assert not span.is_recording()


@row(SECTION, "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME")
def test_resource(env):
    env(OTEL_RESOURCE_ATTRIBUTES="service.name=no,team=a%20b", OTEL_SERVICE_NAME="shop")
    made = Resource.create().attributes
    assert (made["service.name"], made["team"]) == ("shop", "a b")


@row(SECTION, "OTEL_LOG_LEVEL")
def test_log_level(env):
    before = _env.logger.level
    try:
        env(OTEL_LOG_LEVEL="error")
        _env.set_log_level()
        assert _env.logger.level == logging.ERROR
    finally:
        _env.logger.setLevel(before)


@row(SECTION, "OTEL_PROPAGATORS")
@pytest.mark.parametrize("name", ["tracecontext", "baggage", "b3", "b3multi", "jaeger", "ottrace"])
def test_propagators(env, caplog, name):
    env(OTEL_PROPAGATORS=f"{name},nosuch")
    _configuration.mend_propagators()
    assert "nosuch" in caplog.text
    assert _env.read("OTEL_PROPAGATORS") == (name,)
    assert _components.find(_components.PROPAGATOR, name)().fields


@row(SECTION, "OTEL_BSP_*", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_*")
def test_traces(env, http_sink):
    env(
        OTEL_BSP_SCHEDULE_DELAY="20",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2",
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="key=for%20traces",
        OTEL_EXPORTER_OTLP_HEADERS="key=for-all",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
    )
    provider = _configuration.tracer_provider(Resource.create({"a": "b"}))
    try:
        for i in range(4):
            provider.get_tracer("t").start_span(f"s{i}").end()
        http_sink.arrived.get(timeout=30)  # nobody flushes: the delay is over
        provider.force_flush()
        assert set(http_sink.by_name()) == {"s0", "s1", "s2", "s3"}
        assert http_sink.headers[0]["key"] == "for traces"
        assert http_sink.headers[0]["Content-Encoding"] == "gzip"
        assert attributes(http_sink.requests[0].resource_spans[0].resource)["a"] == "b"
    finally:
        provider.shutdown()


@row(SECTION, "OTEL_BLRP_*", "OTEL_LOGS_EXPORTER")
def test_logs(env, http_sink):
    from opentelemetry._logs import LogRecord

    env(OTEL_BLRP_SCHEDULE_DELAY="20", OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base)
    provider = _configuration.logger_provider()
    try:
        provider.get_logger("l").emit(LogRecord(body="said"))
        http_sink.arrived.get(timeout=30)
        assert http_sink.logs
    finally:
        provider.shutdown()


@row(
    SECTION,
    "OTEL_METRICS_EXPORTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
)
def test_metrics(env, http_sink):
    env(
        OTEL_METRIC_EXPORT_INTERVAL="50",
        OTEL_METRIC_EXPORT_TIMEOUT="20000",
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
        OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION="base2_exponential_bucket_histogram",
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
    )
    provider = _configuration.meter_provider()
    try:
        provider.get_meter("m").create_histogram("h").record(3)
        http_sink.arrived.get(timeout=30)
        made = http_sink.metrics_by_name()["h"]
        assert made.exponential_histogram.data_points[0].count == 1
        assert made.exponential_histogram.aggregation_temporality == 1
    finally:
        provider.shutdown()


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_no_exporter(env, signal):
    env(**{f"OTEL_{signal.upper()}_EXPORTER": "none"})
    assert list(_configuration._exporters(signal)) == []


LIMITS = {
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "max_span_attributes",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "max_span_attribute_length",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "max_events",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "max_links",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "max_event_attributes",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "max_link_attributes",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "max_attributes",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "max_attribute_length",
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=row(SECTION, n)) for n in LIMITS])
def test_span_limits(env, name):
    env(**{name: "3"})
    assert getattr(SpanLimits(), LIMITS[name]) == 3


@row(SECTION, "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT")
def test_log_record_limits(env):
    from vedette.sdk._logs import LogRecordLimits

    env(OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT="3", OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT="4")
    limits = LogRecordLimits()
    assert (limits.max_log_record_attributes, limits.max_log_record_attribute_length) == (3, 4)


@row(SECTION, "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")
@pytest.mark.parametrize(
    ("name", "argument", "sampled"),
    [
        ("always_on", "", True),
        ("always_off", "", False),
        ("traceidratio", "0", False),
        ("parentbased_traceidratio", "1", True),
        ("parentbased_always_off", "", False),
        ("nosuch", "", True),
    ],
)
def test_sampler(env, name, argument, sampled):
    env(OTEL_TRACES_SAMPLER=name, OTEL_TRACES_SAMPLER_ARG=argument, OTEL_TRACES_EXPORTER="none")
    provider = _configuration.tracer_provider()
    span = provider.get_tracer("t").start_span("s", trace.set_span_in_context(trace.INVALID_SPAN))
    assert span.get_span_context().trace_flags.sampled is sampled
    provider.shutdown()


@row(SECTION, "OTEL_METRICS_EXEMPLAR_FILTER")
def test_exemplar_filter(env):
    from vedette.sdk.metrics import MeterProvider
    from vedette.sdk.metrics.export import InMemoryMetricReader

    env(OTEL_METRICS_EXEMPLAR_FILTER="always_on")
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("c").add(1)
    metric = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0]
    assert len(metric.data.data_points[0].exemplars) == 1
    provider.shutdown()


@row(SECTION, "OTEL_CONFIG_FILE")
def test_config_file(tmp_path):
    from test_ways import RUN, answer, run

    (tmp_path / "t.yaml").write_text(
        'file_format: "1.0"\nresource: {attributes: [{name: service.name, value: from file}]}\n'
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}]}\n"
    )
    done = run(
        RUN,
        """
        import json
        from opentelemetry import trace
        print(json.dumps(trace.get_tracer_provider().resource.attributes["service.name"]))
        """,
        OTEL_CONFIG_FILE=str(tmp_path / "t.yaml"),
    )
    assert answer(done) == "from file"


@row(SECTION, "OTEL_EXPORTER_ZIPKIN_*")
def test_zipkin(env):
    from vedette.exporter.zipkin.json import ZipkinExporter

    env(OTEL_EXPORTER_ZIPKIN_ENDPOINT="http://zipkin:1/spans", OTEL_EXPORTER_ZIPKIN_TIMEOUT="3")
    exporter = ZipkinExporter()
    assert (exporter.endpoint, exporter.timeout) == ("http://zipkin:1/spans", 3)
