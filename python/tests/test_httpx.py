import asyncio
import http.server
import threading

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from recorded import spans  # noqa: F401
from vedette.instrumentation import httpx as instrumentation


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.headers_seen.append(dict(self.headers))
        self.send_response(int(self.path.strip("/") or 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_SPOON = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.headers_seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def instrumented():
    assert instrumentation.instrument()
    yield
    instrumentation.uninstrument()


def url(server, path=""):
    return f"http://127.0.0.1:{server.server_port}/{path}"


def get(kind, address, method="GET"):
    if kind == "sync":
        with httpx.Client() as client:
            return client.request(method, address)

    async def ask():
        async with httpx.AsyncClient() as client:
            return await client.request(method, address)

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_request_is_a_client_span_and_carries_its_context(kind, server, spans):  # noqa: F811
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        get(kind, url(server))
    span = next(s for s in spans() if s.name == "GET")
    assert span.kind is SpanKind.CLIENT
    assert span.parent.span_id == outer.get_span_context().span_id
    assert span.status.status_code is StatusCode.UNSET
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.full": url(server),
        "server.address": "127.0.0.1",
        "server.port": server.server_port,
        "http.response.status_code": 200,
        "network.protocol.version": "1.0",
    }
    context = span.get_span_context()
    sent = {k.lower(): v for k, v in server.headers_seen[0].items()}["traceparent"]
    assert sent == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@pytest.mark.parametrize("status", [404, 503])
def test_an_error_status_marks_the_span(status, server, spans):  # noqa: F811
    get("sync", url(server, str(status)))
    (span,) = spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == str(status)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_connection_that_fails_marks_the_span_and_raises_as_before(kind, spans):  # noqa: F811
    with pytest.raises(httpx.ConnectError):
        get(kind, "http://127.0.0.1:1/")
    (span,) = spans()
    assert span.attributes["error.type"] == "httpx.ConnectError"
    assert span.status.status_code is StatusCode.ERROR


def test_neither_passwords_nor_odd_methods_are_recorded(server, spans):  # noqa: F811
    get("sync", f"http://user:secret@127.0.0.1:{server.server_port}/", method="SPOON")
    (span,) = spans()
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert "secret" not in str(dict(span.attributes))


def test_instrumenting_twice_records_once(server, spans):  # noqa: F811
    instrumentation.instrument()
    get("sync", url(server))
    assert len(spans()) == 1
