"""Section "Declarative configuration": from YAML to providers."""

import textwrap

import pytest
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from rows import row
from vedette.configuration import (
    Component,
    ConfigurationError,
    create,
    load_config_file,
    parse,
    register_component_provider,
)
from vedette.prometheus import generate_latest

SECTION = "Declarative configuration"

FILE = """\
file_format: "1.0"
resource:
  schema_url: https://opentelemetry.io/schemas/1.40.0
  attributes_list: team=shop,service.name=overridden
  attributes:
    - name: service.name
      value: ${SERVICE:-shop}
    - {name: ports, value: ["80", 443], type: int_array}
propagator:
  composite: [{tracecontext: }, {baggage: null}]
  composite_list: b3
tracer_provider:
  processors:
    - batch:
        schedule_delay: 50
        exporter:
          otlp_http:
            endpoint: ${ENDPOINT}/v1/traces
            headers: [{name: api-key, value: secret}]
            compression: gzip
    - simple: {exporter: {console: {}}}
  limits: {attribute_count_limit: 2}
  sampler:
    parent_based:
      root: {trace_id_ratio_based: {ratio: 1.0}}
meter_provider:
  readers:
    - periodic:
        exporter:
          otlp_http:
            endpoint: ${ENDPOINT}/v1/metrics
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
  views:
    - selector: {instrument_name: orders}
      stream: {name: orders.made, attribute_keys: {included: [method]}}
    - selector: {instrument_type: gauge}
      stream: {aggregation: {drop: }}
    - selector: {instrument_name: sizes}
      stream: {aggregation: {explicit_bucket_histogram: {boundaries: [1, 2]}}}
  exemplar_filter: always_off
logger_provider:
  limits: {attribute_count_limit: 1}
  processors:
    - batch: {exporter: {otlp_http: {endpoint: "${ENDPOINT}/v1/logs"}}}
"""


@pytest.fixture
def sdk(http_sink, monkeypatch):
    monkeypatch.setenv("ENDPOINT", http_sink.base)
    made = create(parse(FILE))
    yield made
    made.tracer_provider.shutdown()
    made.meter_provider.shutdown()
    made.logger_provider.shutdown()


@row(
    SECTION,
    "`Parse` a configuration file",
    "The `Parse` operation accepts the configuration YAML file format",
)
def test_parse_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("ENDPOINT", "http://x")
    (tmp_path / "telemetry.yaml").write_text(FILE)
    model = load_config_file(tmp_path / "telemetry.yaml")
    assert model["tracer_provider"]["limits"] == {"attribute_count_limit": 2}


@row(SECTION, "The `Parse` operation returns configuration model")
def test_model():
    model = parse(
        'file_format: "1.0"\ntracer_provider: {processors: [{simple: {exporter: {console: }}}]}'
    )
    processor = model["tracer_provider"]["processors"][0]
    assert isinstance(processor, Component)
    assert (processor.group, processor.name) == ("SpanProcessor", "simple")
    assert processor.properties["exporter"][:3] == ("SpanExporter", "console", {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "a"),
        ("${env:A}-${A}", "a-a"),
        ("$${A} $$", "${A} $"),
        ("${NO}", None),
        ("${NO:-default}", "default"),
        ("${NO:-}", None),
        ("${EMPTY:-default}", "default"),
        ("${SEVEN}", 7),
        ('"${SEVEN}"', "7"),
        ("${TRUE}", True),
        ("${HALF}", 0.5),
        ("${HEX}", 255),
        ("${LINES}", "a: b\nc: d"),
        ("${NO:-${A}}", "${A}"),
        ("no", "no"),
        ("~", None),
        ("1.0", 1.0),
    ],
)
@row(SECTION, "The `Parse` operation performs environment variable substitution")
def test_substitution(text, value, monkeypatch):
    for name, content in {"A": "a", "EMPTY": "", "SEVEN": "7", "TRUE": "true", "HALF": "0.5", "HEX": "0xff",
                          "LINES": "a: b\nc: d"}.items():  # fmt: skip
        monkeypatch.setenv(name, content)
    monkeypatch.delenv("NO", raising=False)
    model = parse(f'file_format: "1.0"\ndistribution:\n  ours: {text}')
    assert model["distribution"]["ours"] == value


@row(SECTION, "The `Parse` operation resolves plugin component configuration to `properties`")
def test_plugin_properties():
    model = parse(
        'file_format: "1.0"\ntracer_provider: {processors: [{mine: {deep: [1, {a: b}]}}]}'
    )
    component = model["tracer_provider"]["processors"][0]
    assert (component.name, component.properties) == ("mine", {"deep": [1, {"a": "b"}]})


@row(
    SECTION,
    "`Create` SDK components",
    "The `Create` operation accepts configuration model",
    "The `Create` operation returns `TracerProvider`",
)
def test_tracer_provider(sdk, http_sink):
    with sdk.tracer_provider.get_tracer("t").start_as_current_span("s") as span:
        span.set_attributes({"a": 1, "b": 2, "c": 3})
    sdk.tracer_provider.force_flush()
    sent = http_sink.by_name()["s"]
    assert len(sent.attributes) == 2
    assert http_sink.headers[0]["api-key"] == "secret"
    assert http_sink.headers[0]["Content-Encoding"] == "gzip"
    attributes = sdk.resource.attributes
    assert (attributes["service.name"], attributes["team"]) == ("shop", "shop")
    assert list(attributes["ports"]) == [80, 443]
    assert sdk.resource.schema_url.endswith("1.40.0")


@row(SECTION, "The `Create` operation returns `MeterProvider`")
def test_meter_provider(sdk, http_sink):
    meter = sdk.meter_provider.get_meter("m")
    meter.create_counter("orders").add(2, {"method": "card", "user": 7})
    meter.create_gauge("dropped").set(1)
    meter.create_histogram("sizes").record(1.5)
    meter.create_histogram("others").record(1.5)
    assert sdk.meter_provider.force_flush()
    metrics = http_sink.metrics_by_name()
    assert set(metrics) == {"orders.made", "sizes", "others"}
    made = metrics["orders.made"].sum
    assert made.aggregation_temporality == 1, "delta"
    assert [a.key for a in made.data_points[0].attributes] == ["method"]
    assert list(metrics["sizes"].histogram.data_points[0].explicit_bounds) == [1, 2]
    assert metrics["others"].exponential_histogram.data_points[0].count == 1


def test_view_matching_mode(http_sink):
    text = f"""{{file_format: "1.0", meter_provider: {{view_matching_mode/development: composable,
        readers: [{{periodic: {{exporter: {{otlp_http: {{endpoint: "{http_sink.base}/v1/metrics"}}}}}}}}],
        views: [{{selector: {{instrument_name: c}}, stream: {{name: d}}}},
                {{selector: {{instrument_name: c}}, stream: {{description: said}}}}]}}}}"""
    made = create(parse(text))
    made.meter_provider.get_meter("m").create_counter("c").add(1)
    assert made.meter_provider.force_flush()
    made.meter_provider.shutdown()
    (metric,) = http_sink.metrics_by_name().values()
    assert (metric.name, metric.description) == ("d", "said")


def test_prometheus_reader():
    text = """{file_format: "1.0", resource: {attributes: [{name: team.name, value: a}]},
        meter_provider: {readers: [{pull: {cardinality_limits: {default: 2}, exporter: {
          prometheus/development: {port: 0, scope_info_enabled: false, without_target_info/development: true,
            resource_constant_labels: {included: ["team.*"]},
            translation_strategy: underscore_escaping_without_suffixes/development}}}}]}}"""
    made = create(parse(text))
    counter = made.meter_provider.get_meter("m").create_counter("declared.orders", "s")
    for user in range(5):
        counter.add(1, {"user": user})
    shown = generate_latest().decode().splitlines()
    made.meter_provider.shutdown()
    assert 'declared_orders{team_name="a",user="0"} 1.0' in shown
    assert 'declared_orders{otel_metric_overflow="true",team_name="a"} 3.0' in shown
    assert not [line for line in shown if line.startswith("target_info")]


@row(SECTION, "The `Create` operation returns `LoggerProvider`")
def test_logger_provider(sdk, http_sink):
    from opentelemetry._logs import LogRecord

    sdk.logger_provider.get_logger("l").emit(LogRecord(body="said", attributes={"a": 1, "b": 2}))
    assert sdk.logger_provider.force_flush()
    records = [
        r
        for q in http_sink.logs
        for s in q.resource_logs
        for p in s.scope_logs
        for r in p.log_records
    ]
    assert [record.body.string_value for record in records] == ["said"]
    assert [len(record.attributes) for record in records] == [1]


@row(SECTION, "The `Create` operation returns `Propagators`")
def test_propagators(sdk):
    assert sdk.propagator.fields == {"traceparent", "tracestate", "baggage", "b3"}


@row(
    SECTION,
    "Register a `PluginComponentProvider`",
    "The `Create` operation calls `CreateComponent` of corresponding `PluginComponentProvider` when encountering plugin components",
)
def test_component_provider():
    given = []

    class Generator(RandomIdGenerator):
        def generate_trace_id(self):
            return 0xABC

    def make(properties):
        given.append(properties)
        return Generator()

    register_component_provider("IdGenerator", "fixed", make)
    made = create(
        parse("""{file_format: "1.0", tracer_provider: {id_generator: {fixed: {start: 7}},
        processors: [{simple: {exporter: {console: }}}]}}""")
    )
    assert given == [{"start": 7}]
    assert made.tracer_provider.get_tracer("t").start_span("s").get_span_context().trace_id == 0xABC


MISTAKES = [
    ("file_format: [", "<configuration>:1:15"),
    ("", "the file is empty"),
    ("- a", "<configuration>:1:1: a mapping is expected"),
    ("disabled: true", "file_format is missing"),
    ('file_format: "0.3"', "'0.3' is not known"),
    ('file_format: "1.0"\ndisabled: maybe', "2:11: disabled: a boolean is expected, not 'maybe'"),
    ('file_format: "1.0"\ntracer_provder: {}', "2:1: tracer_provder: is not known here"),
    ('file_format: "1.0"\ntracer_provider: {}', "2:18: tracer_provider: processors is missing"),
    (
        'file_format: "1.0"\ntracer_provider:\n  processors:\n    - batch: {exporter: {console: }, schedule_delay: -1}',
        "4:54: tracer_provider.processors[0].batch.schedule_delay: -1 is out of range: 0 or more",
    ),
    (
        'file_format: "1.0"\ntracer_provider: {processors: [{simple: {exporter: {}}}]}',
        "tracer_provider.processors[0].simple.exporter: exactly one of otlp_http, otlp_grpc, otlp_file/development, console is expected",
    ),
    ('file_format: "1.0"\nlog_level: loud', "2:12: log_level: 'loud' is none of trace"),
    ('file_format: "1.0"\nlog_level: ${1}', "'${1}' is not ${NAME}"),
    ('file_format: "1.0"\nfile_format: "1.0"', "2:1: file_format: is there twice"),
    ("a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*{'a' if not i else f'b{i - 1}'}, 1]\n" for i in range(3)), "a: is not known"),
    ("[" * 5000, "nested"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_are_said_with_their_place(text, said):
    with pytest.raises(ConfigurationError) as raised:
        parse(text)
    assert said in str(raised.value)


def test_all_mistakes_at_once():
    with pytest.raises(ConfigurationError) as raised:
        parse(
            textwrap.dedent("""\
            file_format: "1.0"
            disabled: 3
            log_level: loud
            nonsense: {}
        """)
        )
    assert len(raised.value.mistakes) == 3


def test_what_cannot_be_made_says_where():
    model = parse('file_format: "1.0"\ntracer_provider:\n  processors:\n    - nosuch: {}')
    with pytest.raises(
        ConfigurationError, match=r"4:7: tracer_provider.processors\[0\].nosuch: .*nosuch"
    ):
        create(model)
