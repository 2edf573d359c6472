import pytest

requests = pytest.importorskip("requests")

from opentelemetry import trace  # noqa: E402
from opentelemetry.trace import SpanKind, StatusCode  # noqa: E402
from recorded import spans  # noqa: E402, F401
from vedette.instrumentation import requests as instrumentation  # noqa: E402
from web_server import server, traceparent, url  # noqa: E402, F401


@pytest.fixture(autouse=True)
def instrumented():
    assert instrumentation.instrument()
    yield
    instrumentation.uninstrument()


def test_a_request_is_a_client_span_and_carries_its_context(server, spans):  # noqa: F811
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        requests.get(url(server, "404?sig=abc"))
    span = next(s for s in spans() if s.name == "GET")
    assert span.kind is SpanKind.CLIENT
    assert span.parent.span_id == outer.get_span_context().span_id
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "url.full": url(server, "404?sig=REDACTED"),
        "server.address": "127.0.0.1",
        "server.port": server.server_port,
        "http.response.status_code": 404,
        "network.protocol.version": "1.1",
        "error.type": "404",
    }
    assert server.headers_seen[0]["traceparent"] == traceparent(span.get_span_context())


def test_each_redirect_is_a_span_of_its_own(server, spans):  # noqa: F811
    requests.get(url(server, "302"))
    assert [s.attributes["http.response.status_code"] for s in spans()] == [302, 200]
    assert len({seen["traceparent"] for seen in server.headers_seen}) == 2


def test_a_connection_that_fails_marks_the_span_and_raises_as_before(spans):  # noqa: F811
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:1/")
    (span,) = spans()
    assert span.attributes["error.type"] == "requests.exceptions.ConnectionError"


def test_uninstrumented_it_is_requests_again(server, spans):  # noqa: F811
    instrumentation.uninstrument()
    requests.get(url(server))
    assert not spans()
