"""Process models of real servers: every span is sent once, by the process that recorded it, and the end flushes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

PROVIDER = """
import os
from opentelemetry import trace
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["URL"])))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("workers")
with tracer.start_as_current_span("imported"):
    pass
"""

WSGI = (
    PROVIDER
    + """
def app(environ, start_response):
    with tracer.start_as_current_span("request") as span:
        span.set_attribute("pid", os.getpid())
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]
"""
)

ASGI = (
    PROVIDER
    + """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    with tracer.start_as_current_span("request") as span:
        span.set_attribute("pid", os.getpid())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""
)

GUNICORN = {
    "sync": (WSGI, ["-k", "sync"]),
    "sync, preloaded": (WSGI, ["-k", "sync", "--preload"]),
    "gthread": (WSGI, ["-k", "gthread", "--threads", "4"]),
    "uvicorn's worker": (ASGI, ["-k", "uvicorn_worker.UvicornWorker"]),
    "uvicorn's worker, preloaded": (ASGI, ["-k", "uvicorn_worker.UvicornWorker", "--preload"]),
}


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
            return response.status == 200
    except OSError:
        return False


def until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def names_of(sink) -> list[str]:
    return [span.name for _, span in sink.spans()]


def serve(http_sink, tmp_path, command, ready=lambda: True, **environment: str) -> list[str]:
    """Names of the spans of a server that answered until it was ready, then a hundred times, and was told to end.
    ``command``: of the descriptor that it serves."""
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "log").open("w") as log:
        os.set_inheritable(listener.fileno(), True)
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            command(f"fd://{listener.fileno()}"),
            cwd=tmp_path,
            env={**os.environ, "URL": http_sink.url, **environment},
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        try:
            until(lambda: answers(port))
            until(ready)
            with ThreadPoolExecutor(8) as pool:
                assert all(pool.map(lambda _: answers(port), range(100)))
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            process.kill()
            process.wait()
    names = names_of(http_sink)
    assert names.count("request") == 101, (tmp_path / "log").read_text()
    assert len({span.span_id for _, span in http_sink.spans()}) == len(names)
    return names


@pytest.mark.parametrize(("program", "arguments"), GUNICORN.values(), ids=GUNICORN.keys())
def test_gunicorn(http_sink, tmp_path, program, arguments):
    (tmp_path / "served.py").write_text(program)
    gunicorn = [sys.executable, "-m", "gunicorn", "served:app", "--workers", "2", *arguments]
    names = serve(http_sink, tmp_path, lambda bind: [*gunicorn, "--bind", bind])
    # Once for each process that imported the app; the second worker may be told to stop before it has.
    assert 1 <= names.count("imported") <= (1 if "--preload" in arguments else 2)


def uwsgi_python() -> str:
    """The Python that is linked into uWSGI's plugin: empty without one."""
    if not shutil.which("uwsgi"):
        return ""
    asked = ["uwsgi", "--plugin", "python3", "--python-version"]
    done = subprocess.run(asked, capture_output=True, text=True)
    return ".".join(done.stdout.split(".")[:2])


VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
UWSGI = ["uwsgi", "--plugin", "python3", "--virtualenv", sys.prefix, "--pythonpath", "."]
UWSGI += ["--module", "served", "--need-app", "--master", "--processes", "2", "--die-on-term"]
UWSGI_WAYS = {
    "forked after the import": [],
    "with threads and fork hooks": ["--enable-threads", "--threads", "2", "--py-call-osafterfork"],
    "imported by each": ["--lazy-apps"],
}


@pytest.mark.skipif(
    uwsgi_python() != VERSION, reason="uWSGI with a plugin for this Python is not installed"
)
@pytest.mark.parametrize("arguments", UWSGI_WAYS.values(), ids=UWSGI_WAYS.keys())
def test_uwsgi(http_sink, tmp_path, arguments):
    """Without --enable-threads no thread of Python's but the first ever runs, and without --py-call-osafterfork Python
    does not know that it was forked: what sends, and what notices the fork, is native."""
    imports = 2 if "--lazy-apps" in arguments else 1
    (tmp_path / "served.py").write_text(WSGI.replace("def app(", "def application("))
    names = serve(
        http_sink,
        tmp_path,
        lambda bind: [*UWSGI, "--http-socket", bind, *arguments],
        # The master ends without Python's atexit; what it recorded is sent in time.
        ready=lambda: names_of(http_sink).count("imported") == imports,
        OTEL_BSP_SCHEDULE_DELAY="1000",
    )
    assert names.count("imported") == imports


def test_celery_prefork(http_sink, tmp_path):
    """Workers that are replaced after every task: nothing they recorded is lost with them."""
    (tmp_path / "queue").mkdir()
    (tmp_path / "tasks.py").write_text(
        PROVIDER
        + """
import celery
app = celery.Celery("tasks", broker="filesystem://")
folder = os.environ["QUEUE"]
app.conf.broker_transport_options = {
    "data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "/control"
}
app.conf.worker_max_tasks_per_child = 1

@app.task
def work():
    with tracer.start_as_current_span("task"):
        pass
"""
    )
    environment = {**os.environ, "URL": http_sink.url, "QUEUE": str(tmp_path / "queue")}
    subprocess.run(
        [sys.executable, "-c", "import tasks; [tasks.work.delay() for _ in range(6)]"],
        cwd=tmp_path,
        env=environment,
        check=True,
        timeout=120,
    )
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "tasks",
                "worker",
                "--pool",
                "prefork",
                "--concurrency",
                "2",
                "--without-gossip",
                "--without-mingle",
            ],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            until(lambda: names_of(http_sink).count("task") >= 6)
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                process.kill()
                process.wait()
    assert names_of(http_sink).count("task") == 6, (tmp_path / "log").read_text()
