"""Instrumentations of others, and ours beside them."""

import json
import subprocess
import sys
import textwrap

import pytest
from releases import release, with_path

OTHERS = (
    "opentelemetry-instrumentation==0.66b1",
    "opentelemetry-instrumentation-dbapi==0.66b1",
    "opentelemetry-instrumentation-httpx==0.66b1",
    "opentelemetry-instrumentation-jinja2==0.66b1",
    "opentelemetry-instrumentation-requests==0.66b1",
    "opentelemetry-instrumentation-sqlite3==0.66b1",
    "opentelemetry-instrumentation-threading==0.66b1",
    "opentelemetry-instrumentation-urllib==0.66b1",
    "opentelemetry-instrumentation-urllib3==0.66b1",
    "opentelemetry-util-http==0.66b1",
    "wrapt==1.17.3",
    "jinja2==3.1.6",
    "markupsafe==3.0.3",
    "requests==2.32.5",
    "urllib3==2.5.0",
    "charset-normalizer==3.4.3",
)

SETUP = """
import http.server, json, sqlite3, sys, threading
from opentelemetry import trace
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import SimpleSpanProcessor
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.append(self.headers["traceparent"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass

seen = []
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
"""

END = """
server.shutdown()
print(json.dumps([[s.instrumentation_scope.name, s.name, seen] for s in exporter.get_finished_spans()]))
"""


@pytest.fixture(scope="module")
def run():
    folder = release(*OTHERS)

    def run(program):
        done = subprocess.run(
            [sys.executable, "-c", SETUP + textwrap.dedent(program) + END],
            env=with_path(folder), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    return run


def test_five_of_them_record_through_our_provider(run):
    spans, _ = run("""
        from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor
        from opentelemetry.instrumentation.requests import RequestsInstrumentor
        from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
        from opentelemetry.instrumentation.threading import ThreadingInstrumentor
        from opentelemetry.instrumentation.urllib import URLLibInstrumentor

        for one in (Jinja2Instrumentor, RequestsInstrumentor, SQLite3Instrumentor, ThreadingInstrumentor, URLLibInstrumentor):
            one().instrument()
        import jinja2, requests, urllib.request

        with trace.get_tracer("test").start_as_current_span("outer") as outer:
            trace_id = outer.get_span_context().trace_id
            requests.get(url)
            urllib.request.urlopen(url).close()
            sqlite3.connect(":memory:").cursor().execute("SELECT 1")
            jinja2.Template("{{ a }}").render(a=1)
            def work():
                with trace.get_tracer("test").start_as_current_span("in a thread"): pass
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert {s.context.trace_id for s in exporter.get_finished_spans()} == {trace_id}
        assert all(f"{trace_id:032x}" in header for header in seen) and len(seen) == 2
    """)
    scopes = {scope.rpartition(".")[2] for scope, _, _ in spans}
    assert scopes == {"requests", "urllib", "sqlite3", "jinja2", "test"}
    assert "in a thread" in [name for _, name, _ in spans]


@pytest.mark.parametrize("order", ["theirs, ours", "ours, theirs"])
def test_a_call_is_told_once_beside_upstreams_instrumentor(run, order):
    spans, said = run(f"""
        import logging
        logging.basicConfig(format="%(message)s")
        import httpx, requests
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        from opentelemetry.instrumentation.requests import RequestsInstrumentor
        from vedette.instrumentation import httpx as ours_httpx, requests as ours_requests

        def theirs():
            HTTPXClientInstrumentor().instrument()
            RequestsInstrumentor().instrument()
        def ours():
            for _ in range(2):
                ours_httpx.instrument()
                ours_requests.instrument()
        for one in ({order}):
            one()
        for _ in range(2):
            httpx.get(url)
            requests.get(url)
    """)
    assert [scope.rpartition(".")[2] for scope, _, _ in spans] == ["httpx", "requests"] * 2
    assert {scope.partition(".")[0] for scope, _, _ in spans} == {"opentelemetry"}
    # Put around ours later, requests' instrumentor suppresses what is below it, and there is nothing to say.
    for library in ("httpx", "requests") if order == "theirs, ours" else ("httpx",):
        line = f"{library} is instrumented by opentelemetry-instrumentation-{library}; Vedette leaves it alone"
        assert said.count(line) == 1, said


def test_what_requests_sends_through_urllib3_is_told_once(run):
    spans, _ = run("""
        import requests
        from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
        from vedette.instrumentation import requests as ours
        URLLib3Instrumentor().instrument()
        ours.instrument()
        requests.get(url)
    """)
    assert [scope for scope, _, _ in spans] == ["vedette.requests"]


def test_httpx2_is_left_to_upstreams_instrumentor():
    """Under redirection its module is ours, which has nothing for httpx2."""
    folders = release(*OTHERS), release("httpx2==2.16.2", "httpcore2==2.16.2", "truststore==0.10.4")
    program = """
        from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
        HTTPX2ClientInstrumentor().instrument()
        import httpx2
        with httpx2.Client() as client:
            client.get(url)
        assert HTTPXClientInstrumentor.__module__ == "vedette.instrumentors.httpx"
    """
    done = subprocess.run(
        [sys.executable, "-c", "import vedette.auto\n" + SETUP + textwrap.dedent(program) + END],
        env=with_path(*folders), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [scope for scope, _, _ in json.loads(done.stdout)] == [
        "opentelemetry.instrumentation.httpx"
    ]
