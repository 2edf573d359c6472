"""The ways in: import redirection, `vedette run`, opentelemetry-instrument, plain Python. Whole processes."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import vedette
from sink import attributes
from test_instrument import free_port, get

BIN = Path(sys.executable).parent
RUN = [sys.executable, "-m", "vedette", "run"]


def environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    package = str(Path(vedette.__file__).parents[1])
    return {**kept, "VEDETTE_TEST_PACKAGE": package, "OTEL_METRICS_EXPORTER": "none", **more}


def run(words, code=None, cwd=None, check=True, **more):
    """Runs a command; `code` becomes the program of Python, with a JSON value as its last line."""
    if code is not None:
        words = [*words, sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(
        words, env=environment(**more), cwd=cwd, capture_output=True, text=True, timeout=120
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def answer(done):
    return json.loads(done.stdout.strip().splitlines()[-1])


# Redirection


SAME = """
    import json, sys
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
    from prometheus_client import Counter, Histogram, Gauge, generate_latest
    import opentelemetry.sdk.trace, vedette.sdk.trace, prometheus_client, vedette.prometheus
    print(json.dumps([
        *{k.__module__.partition(".")[0] for k in
          (TracerProvider, BatchSpanProcessor, Resource, OTLPSpanExporter, Http, Counter, Gauge)},
        opentelemetry.sdk.trace is vedette.sdk.trace,
        prometheus_client is vedette.prometheus,
        vedette.sdk.trace.__spec__.name,
    ]))
"""


@pytest.mark.parametrize("way", ["auto", "run"])
def test_upstream_names_are_ours(way):
    if way == "auto":
        done = run([], "\n    import vedette.auto" + SAME)
    else:
        done = run(RUN, SAME, OTEL_TRACES_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    assert answer(done) == ["vedette", True, True, "vedette.sdk.trace"]
    assert done.stderr == ""


def test_redirection_works_without_the_real_packages():
    blocked = """
    import sys, importlib.machinery
    find = importlib.machinery.PathFinder.find_spec
    def without(name, path=None, target=None):
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client")):
            return None
        return find(name, path, target)
    importlib.machinery.PathFinder.find_spec = without
    import vedette.auto"""
    assert answer(run([], blocked + SAME))[0] == "vedette"
    done = run([], blocked + "\n    import opentelemetry.sdk.nothing_of_this_name", check=False)
    assert "ModuleNotFoundError" in done.stderr
    assert "Vedette" in done.stderr
    assert "nothing_of_this_name" in done.stderr


def test_what_is_not_mirrored_is_the_real_module():
    done = run(
        [],
        """
        import json, vedette.auto
        import prometheus_client.mmap_dict as module
        print(json.dumps(module.__file__))
        """,
        check=False,
    )
    assert "prometheus_client/mmap_dict" in done.stdout


def test_steps_back_beside_the_real_packages():
    done = run(
        [],
        """
        import json, opentelemetry.sdk.trace, prometheus_client
        import vedette.auto, vedette.auto
        from vedette import _redirect
        _redirect.install()
        import opentelemetry.sdk.trace.export as export
        print(json.dumps([list(vedette.auto.redirected), export.SpanExporter.__module__]))
        """,
    )
    assert answer(done) == [[], "opentelemetry.sdk.trace.export"]
    assert len(done.stderr.strip().splitlines()) == 2, "one message for each package"
    assert "opentelemetry.sdk" in done.stderr
    assert "prometheus_client" in done.stderr


# vedette run

APP = """
from fastapi import FastAPI, APIRouter
from opentelemetry import trace
{setup}
app = FastAPI()
below = FastAPI()
tracer = trace.get_tracer("orders")

@app.get("/orders/{{order}}")
async def order(order: int):
    with tracer.start_as_current_span("work"):
        return {{"order": order}}

@below.get("/deep")
async def deep():
    return {{}}

app.mount("/below", below)
"""


@pytest.fixture
def serve(tmp_path):
    """Serves APP under a command; gives its base URL."""
    started = []

    def start(words, setup="", **more):
        (tmp_path / "shop.py").write_text(APP.format(setup=textwrap.dedent(setup)))
        port = free_port()
        words = [*words, "shop:app", "--port", str(port), "--log-level", "warning"]
        process = subprocess.Popen(
            words, env=environment(PYTHONDONTWRITEBYTECODE="1", **more), cwd=tmp_path
        )
        started.append(process)
        return process, f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.terminate()
        process.wait(30)


def end(process):
    process.terminate()
    process.wait(30)


def test_run_observes_an_unedited_app(serve, http_sink):
    process, base = serve(
        [*RUN, "--service-name", "shop", f"--endpoint={http_sink.base}", "uvicorn"],
        OTEL_LOGS_EXPORTER="none",
    )
    assert get(f"{base}/orders/7")[0] == 200
    assert get(f"{base}/below/deep")[0] == 200
    assert (
        'http_requests_total{method="GET",path="/orders/{order}",status="200"} 1'
        in get(f"{base}/metrics")[1]
    )
    end(process)
    spans = http_sink.by_name()
    assert spans["work"].parent_span_id == spans["GET /orders/{order}"].span_id
    assert len(http_sink.spans()) == 3, "the app below is not observed twice"
    resource = attributes(http_sink.requests[0].resource_spans[0].resource)
    assert resource["service.name"] == "shop"


def test_run_reaches_workers(serve, http_sink):
    process, base = serve([*RUN, "uvicorn", "--workers", "2"], OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
                          OTEL_LOGS_EXPORTER="none")  # fmt: skip
    for _ in range(4):
        assert get(f"{base}/orders/7")[0] == 200
    end(process)
    assert [span.name for _, span in http_sink.spans()].count("GET /orders/{order}") == 4


def test_the_apps_own_providers_take_over(serve, http_sink):
    """An app under `vedette run` that sets up telemetry itself, after its tracers were made."""
    process, base = serve(
        [*RUN, "uvicorn"],
        setup=f"""
        early = trace.get_tracer("early")
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        provider = TracerProvider(resource=Resource.create({{"service.name": "its own"}}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("{http_sink.url}")))
        trace.set_tracer_provider(provider)
        assert trace.get_tracer_provider() is provider
        early.start_span("early").end()
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_LOGS_EXPORTER="none",
    )
    assert get(f"{base}/orders/7")[0] == 200
    end(process)
    assert set(http_sink.by_name()) == {"early", "work", "GET /orders/{order}"}
    names = {
        attributes(r.resource)["service.name"] for q in http_sink.requests for r in q.resource_spans
    }
    assert names == {"its own"}


def test_run_keeps_another_sitecustomize(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.was_here = __name__\n")
    code = """
        import json, os, sys
        print(json.dumps([was_here, sys.modules["sitecustomize"].__file__, "vedette._boot" in sys.modules]))
    """
    done = run([*RUN, *RUN], code, PYTHONPATH=str(tmp_path), OTEL_SDK_DISABLED="true")
    assert answer(done) == ["sitecustomize", str(tmp_path / "sitecustomize.py"), True]


def test_run_is_inherited_and_harmless(http_sink):
    """Child processes have it, exit statuses are the program's, nothing is printed."""
    child = "from opentelemetry import trace; trace.get_tracer('c').start_span('child').end()"
    done = run(
        RUN,
        f"""
        import subprocess, sys
        subprocess.run([sys.executable, "-c", {child!r}], check=True)
        sys.exit(7)
        """,
        check=False,
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_LOGS_EXPORTER="none",
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    assert set(http_sink.by_name()) == {"child"}


def test_run_says_what_the_app_asks_for_in_vain(http_sink):
    done = run(
        RUN,
        """
        import vedette
        from vedette.sampling import ErrorAware
        sampler = ErrorAware(0.5)
        vedette.instrument(None, service_name="run's", endpoint=sys.argv[1] + "/")
        for _ in range(2):
            vedette.instrument(None, service_name="mine", sampling=sampler,
                               endpoint="http://elsewhere:1", logs_shipping=False)
        """.replace("sys.argv[1]", repr(http_sink.base)),
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_SERVICE_NAME="run's",
    )
    said = [line for line in done.stderr.splitlines() if "is not used" in line]
    expected = [
        ("sampling=ErrorAware", "OTEL_TRACES_SAMPLER"),
        ("service_name=mine", "OTEL_SERVICE_NAME"),
        ("endpoint=http://elsewhere:1", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("logs_shipping=False", "OTEL_LOGS_EXPORTER"),
    ]
    assert len(said) == len(expected), done.stderr
    for line, (argument, variable) in zip(said, expected, strict=True):
        assert argument in line and variable in line and "vedette run" in line


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "vedette run ["),
        (["--help"], 0, "vedette run ["),
        (["--wrong"], 2, "--wrong"),
        (["--endpoint"], 2, "--endpoint"),
        (["no-program-of-this-name"], 127, "no-program-of-this-name"),
    ],
)
def test_run_says_what_is_wrong(words, status, said):
    done = run([*RUN, *words], check=False)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_wrong_environment_never_stops_the_program():
    done = run(
        RUN,
        """
        import json
        from opentelemetry import propagate, trace
        trace.get_tracer("t").start_span("s").end()
        print(json.dumps(sorted(propagate.get_global_textmap().fields)))
        """,
        OTEL_TRACES_EXPORTER="nosuch,none2",
        OTEL_LOGS_EXPORTER="none",
        OTEL_PROPAGATORS="tracecontext,nosuch",
        OTEL_TRACES_SAMPLER="nosuch",
        OTEL_PYTHON_ID_GENERATOR="nosuch",
        OTEL_BSP_SCHEDULE_DELAY="soon",
    )
    assert answer(done) == ["traceparent", "tracestate"]
    for word in (
        "OTEL_TRACES_EXPORTER",
        "OTEL_PROPAGATORS",
        "OTEL_TRACES_SAMPLER",
        "OTEL_PYTHON_ID_GENERATOR",
    ):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_plain_python_by_entry_point(http_sink):
    done = run(
        [],
        """
        import json
        from opentelemetry import trace
        trace.get_tracer("t").start_span("s").end()
        print(json.dumps(type(trace.get_tracer_provider()).__module__))
        """,
        OTEL_PYTHON_TRACER_PROVIDER="vedette",
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
    )
    assert answer(done) == "vedette.sdk.trace"
    assert set(http_sink.by_name()) == {"s"}


def test_opentelemetry_instrument(serve, http_sink):
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    process, base = serve(
        [str(BIN / "opentelemetry-instrument"), str(BIN / "uvicorn")],
        OTEL_PYTHON_DISTRO="vedette",
        OTEL_PYTHON_CONFIGURATOR="vedette",
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_LOGS_EXPORTER="none",
    )
    assert get(f"{base}/orders/7")[0] == 200
    end(process)
    assert set(http_sink.by_name()) == {"work", "GET /orders/{order}"}
    resource = attributes(http_sink.requests[0].resource_spans[0].resource)
    assert resource["telemetry.auto.version"]


def test_sdk_disabled_leaves_the_program_alone():
    done = run(
        RUN,
        """
        import json
        from opentelemetry import trace
        print(json.dumps(type(trace.get_tracer_provider()).__name__))
        """,
        OTEL_SDK_DISABLED="true",
    )
    assert answer(done) == "ProxyTracerProvider"
