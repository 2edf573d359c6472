"""vedette.instrument as an application uses it: whole processes, real servers."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request

import pytest
from sink import attributes

APP = """
import httpx, structlog, vedette, vedette.logs
from fastapi import FastAPI
from opentelemetry import trace
from sqlalchemy import create_engine, text
from vedette.prometheus import Counter

structlog.configure(processors=[
    structlog.stdlib.add_log_level, vedette.logs.add_trace_context, vedette.logs.ship,
    structlog.processors.JSONRenderer(),
])
engine = create_engine("sqlite://")
app = FastAPI()
vedette.instrument(app, service_name="shop", engine=engine)
vedette.instrument(app)
vedette.health(app, checks={"database": engine, "broken": lambda: 1 / 0})
orders = Counter("orders_created_total", "Orders", ["method"])
tracer = trace.get_tracer("orders")

@app.get("/orders/{order}")
async def order(order: int):
    with tracer.start_as_current_span("work"), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    orders.labels(method="card").inc()
    structlog.get_logger().info("done", order=order)
    return {"order": order}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, attempts=200):
    for _ in range(attempts):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def serve(tmp_path, http_sink):
    """Starts uvicorn with the app; sends SIGTERM at the end and says what it printed."""
    started = []

    def start(program=APP, *arguments):
        (tmp_path / "shop_app.py").write_text(program)
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "shop_app:app", "--port", str(port), *arguments],
            cwd=tmp_path,
            env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": http_sink.base},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return f"http://127.0.0.1:{port}", process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def test_one_call_gives_everything(serve, http_sink):
    base, process = serve()
    assert get(base + "/orders/7") == (200, '{"order":7}')
    assert get(base + "/health/live") == (200, '{"status":"alive"}')
    status, ready = get(base + "/health/ready")
    assert status == 503 and '"database":"ok"' in ready and '"broken":"failed"' in ready
    status, metrics = get(base + "/metrics")
    assert 'http_requests_total{method="GET",path="/orders/{order}",status="200"} 1.0' in metrics
    assert 'orders_created_total{method="card"} 1.0' in metrics
    assert "/health" not in metrics and 'path="/metrics"' not in metrics

    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert time.monotonic() - began < 10
    spans = http_sink.by_name()
    assert set(spans) == {"GET /orders/{order}", "work", "SELECT"}
    server, work, select = (spans[name] for name in ("GET /orders/{order}", "work", "SELECT"))
    assert work.parent_span_id == server.span_id and select.parent_span_id == work.span_id
    assert attributes(select)["db.system.name"] == "sqlite"
    resource = attributes(http_sink.requests[0].resource_spans[0].resource)
    assert resource["service.name"] == "shop"
    record = http_sink.logs[0].resource_logs[0].scope_logs[0].log_records[0]
    assert record.span_id == server.span_id
    assert process.stdout.read().count("Traceback") == 0


def test_several_workers_send_everything(serve, http_sink):
    base, process = serve(APP, "--workers", "2")
    for i in range(50):
        get(f"{base}/orders/{i}")
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    names = [span.name for _, span in http_sink.spans()]
    assert names.count("GET /orders/{order}") == 50


def test_the_application_runs_and_ends_with_nobody_listening(serve, http_sink):
    http_sink.close()
    base, process = serve()
    assert get(base + "/orders/7")[0] == 200
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert time.monotonic() - began < 8


def run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_metric_of_the_application_with_our_name_wins():
    run(
        """
        import vedette
        from fastapi import FastAPI
        from vedette.prometheus import Counter, generate_latest
        app = vedette.instrument(FastAPI())
        own = Counter("http_requests_total", "Mine", ["path"])
        own.labels("/").inc()
        text = generate_latest().decode()
        assert text.count("# TYPE http_requests_total ") == 1 and 'http_requests_total{path="/"} 1.0' in text
        """
    )


def test_the_disabled_sdk_does_nothing():
    run(
        """
        import vedette
        from fastapi import FastAPI
        app = FastAPI()
        assert vedette.instrument(app) is app
        assert not any(route.path == "/metrics" for route in app.routes)
        """,
        OTEL_SDK_DISABLED="true",
    )


def test_a_foreign_provider_is_left_alone():
    done = run(
        """
        import logging; logging.basicConfig()
        import vedette
        from fastapi import FastAPI
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        vedette.instrument(FastAPI())
        """
    )
    assert "tracer provider" in done.stderr


def test_import_is_light():
    done = run(
        """
        import sys
        from opentelemetry import trace
        before = set(sys.modules)
        import vedette.sdk.trace.export, vedette.exporter.otlp.proto.grpc.trace_exporter, vedette.prometheus
        heavy = {"grpc", "requests", "google.protobuf", "opentelemetry.sdk", "sqlalchemy", "httpx", "redis", "fastapi",
                 "multiprocessing", "asyncio", "ssl"}
        print(sorted(heavy & (set(sys.modules) - before)))
        """
    )
    assert done.stdout.strip() == "[]"


def test_what_an_application_does_not_use_is_not_loaded():
    done = run(
        """
        import sys
        from fastapi import FastAPI
        import vedette
        vedette.instrument(FastAPI())
        unused = {"sdk._logs", "sdk.metrics", "sdk._self_observation", "sdk.trace._readable", "exporter.otlp._senders",
                  "instrumentation.sqlalchemy", "instrumentation.redis", "prometheus.exposition", "prometheus.samples",
                  "prometheus._plain_metrics", "_health", "_configuration", "_doctor", "_handover", "configuration"}
        print(sorted(unused & {name.removeprefix("vedette.") for name in sys.modules}))
        """
    )
    assert done.stdout.strip() == "[]"
