"""What the environment names is made alike by `vedette run` and by `vedette.instrument`; what the code says wins. Whole processes."""

import json

import pytest
from sink import attributes
from test_doctor import installed
from test_plugins import ENTRY_POINTS, PLUGINS
from test_ways import RUN, answer, run

PROGRAM = """
import json, logging, sys
import vedette
from opentelemetry import metrics, trace
from vedette.sampling import ALWAYS_OFF
vedette.instrument(None{arguments})
import vedette.logs
logging.getLogger("l").addHandler(vedette.logs.handler())
with trace.get_tracer("on").start_as_current_span("s") as span:
    logging.getLogger("l").error("logged")
trace.get_tracer("off").start_span("never").end()
metrics.get_meter("m").create_counter("counted").add(1)
print(json.dumps(span.get_span_context().trace_id))
"""
ALL = "TRACES", "METRICS", "LOGS"


def each(value, name="OTEL_{}_EXPORTER", signals=ALL):
    return {name.format(signal): value for signal in signals}


def program(way, arguments="", **environment):
    words = RUN if way == "run" else []
    return run(words, PROGRAM.format(arguments=arguments), OTEL_METRICS_EXPORTER=environment.pop("OTEL_METRICS_EXPORTER", "otlp"), **environment)  # fmt: skip


def arrived(done, sinks):
    """Where each signal has come out."""
    found = {signal: [] for signal in ALL}
    for name, sink in sinks.items():
        for signal, requests in zip(ALL, (sink.requests, sink.metrics, sink.logs), strict=True):
            found[signal] += [name] if requests else []
    for signal, sign in zip(ALL, ('"name": "s"', '"counted"', '"body": "logged"'), strict=True):
        found[signal] += ["stdout"] if sign in done.stdout else []
    return {signal: " ".join(places) for signal, places in found.items()}


# The environment, and where traces, metrics and logs are found.
ENVIRONMENTS = {
    "http": ({}, "http http http"),
    "console": (each("console"), "stdout stdout stdout"),
    "none": (each("none"), "- - -"),
    "grpc": ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc grpc grpc"),
    "each its own": (
        {
            "OTEL_TRACES_EXPORTER": "otlp_proto_grpc",
            "OTEL_METRICS_EXPORTER": "console",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
        },
        "grpc stdout http",
    ),
    "several": ({"OTEL_TRACES_EXPORTER": "console,otlp", "OTEL_LOGS_EXPORTER": "none"},
                "http,stdout http -"),
    "disabled": ({"OTEL_SDK_DISABLED": "true"}, "- - -"),
}  # fmt: skip


@pytest.mark.parametrize("way", ["instrument", "run"])
@pytest.mark.parametrize("named", ENVIRONMENTS)
def test_exporters(named, way, http_sink, grpc_sink):
    variables, expected = ENVIRONMENTS[named]
    signals = dict(zip(ALL, expected.split(), strict=True))
    endpoints = {
        f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT": grpc_sink.url
        if place == "grpc"
        else f"{http_sink.base}/v1/{signal.lower()}"
        for signal, place in signals.items()
    }
    done = program(way, **endpoints, **variables)
    found = arrived(done, {"http": http_sink, "grpc": grpc_sink})
    assert found == {s: "" if p == "-" else p.replace(",", " ") for s, p in signals.items()}
    assert done.stderr == ""


@pytest.mark.parametrize("way", ["instrument", "run"])
def test_plugins(way, http_sink, tmp_path):
    installed(tmp_path, "mine", "1.0", ENTRY_POINTS)
    (tmp_path / "mine.py").write_text(PLUGINS.replace("opentelemetry.sdk", "vedette.sdk"))
    done = program(
        way,
        PYTHONPATH=str(tmp_path),
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_PYTHON_ID_GENERATOR="mine",
        OTEL_PYTHON_TRACER_CONFIGURATOR="mine",
        OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="mine",
        OTEL_TRACES_SAMPLER="chooser",
        OTEL_TRACES_SAMPLER_ARG="by me",
    )
    assert answer(done) == 4711
    assert set(http_sink.by_name()) == {"s"}
    assert attributes(http_sink.by_name()["s"])["chosen"] == "by me"
    assert attributes(http_sink.requests[0].resource_spans[0].resource)["found"] == "here"


FILE = """
file_format: "1.0"
resource: {{attributes: [{{name: service.name, value: file's}}, {{name: kept, value: yes}}]}}
tracer_provider:
  processors: [{{simple: {{exporter: {{otlp_http: {{endpoint: "{base}/v1/traces"}}}}}}}}]
logger_provider:
  processors: [{{simple: {{exporter: {{otlp_http: {{endpoint: "{base}/v1/logs"}}}}}}}}]
"""


@pytest.mark.parametrize("variable", ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"])
@pytest.mark.parametrize("way", ["instrument", "run"])
def test_configuration_file(variable, way, http_sink, tmp_path):
    (tmp_path / "telemetry.yaml").write_text(FILE.format(base=http_sink.base))
    said = ', service_name="mine", endpoint="http://127.0.0.1:1"' if way == "instrument" else ""
    done = program(way, said, **{variable: str(tmp_path / "telemetry.yaml")})
    # There is no meter provider in it: none is made.
    assert arrived(done, {"http": http_sink}) == {"TRACES": "http", "METRICS": "", "LOGS": "http"}
    resource = attributes(http_sink.requests[0].resource_spans[0].resource)
    assert resource["service.name"] == ("mine" if said else "file's")
    assert resource["kept"]
    assert ("endpoint=http://127.0.0.1:1 is not used" in done.stderr) == bool(said)


def test_what_the_code_says_wins(http_sink, grpc_sink, tmp_path):
    elsewhere = "http://127.0.0.1:1"
    done = program(
        "instrument",
        f', service_name="mine", endpoint="{grpc_sink.url}"',
        OTEL_SERVICE_NAME="theirs",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        OTEL_EXPORTER_OTLP_ENDPOINT=elsewhere,
        **each(elsewhere, "OTEL_EXPORTER_OTLP_{}_ENDPOINT"),
    )
    assert set(arrived(done, {"grpc": grpc_sink}).values()) == {"grpc"}
    for requests, kind in ((grpc_sink.requests, "resource_spans"), (grpc_sink.metrics, "resource_metrics"),
                           (grpc_sink.logs, "resource_logs")):  # fmt: skip
        resource = getattr(requests[0], kind)[0].resource
        assert attributes(resource)["service.name"] == "mine"
    (tmp_path / "telemetry.yaml").write_text(FILE.format(base=http_sink.base))
    for variables in ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "always_on"},
                      {"OTEL_CONFIG_FILE": str(tmp_path / "telemetry.yaml")}):  # fmt: skip
        program("instrument", f', sampling=ALWAYS_OFF, endpoint="{http_sink.base}", logs_shipping=False', **variables)  # fmt: skip
        assert not http_sink.requests and not http_sink.logs


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_CONFIG_FILE": "/nowhere.yaml"}, "/nowhere.yaml"),
        ({"OTEL_TRACES_EXPORTER": "nosuch"}, "OTEL_TRACES_EXPORTER: 'nosuch'"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}, "OTEL_EXPORTER_OTLP_PROTOCOL='smoke'"),
        ({"OTEL_PYTHON_ID_GENERATOR": "nosuch"}, "OTEL_PYTHON_ID_GENERATOR: 'nosuch'"),
        ({"OTEL_PROPAGATORS": "nosuch,baggage"}, "OTEL_PROPAGATORS: nosuch"),
    ],
)
def test_what_is_wrong_is_said_and_harmless(variables, said, http_sink):
    done = program("instrument", OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base, **variables)
    lines = [line for line in done.stderr.splitlines() if said in line]
    assert len(lines) == 1, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) or "CONFIG_FILE" in str(variables)
