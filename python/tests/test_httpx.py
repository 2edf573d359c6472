import asyncio

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from recorded import spans  # noqa: F401
from vedette.instrumentation import httpx as instrumentation
from web_server import server, traceparent, url  # noqa: F401


@pytest.fixture(autouse=True)
def instrumented():
    assert instrumentation.instrument()
    yield
    instrumentation.uninstrument()


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
        "network.protocol.version": "1.1",
    }
    context = span.get_span_context()
    assert server.headers_seen[0]["traceparent"] == traceparent(context)


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
    assert span.attributes["url.full"].startswith("http://REDACTED:REDACTED@127.0.0.1")


def test_instrumenting_twice_records_once(server, spans):  # noqa: F811
    instrumentation.instrument()
    get("sync", url(server))
    assert len(spans()) == 1


def test_both_sets_of_names_when_asked_for(server, spans, monkeypatch):  # noqa: F811
    instrumentation.uninstrument()
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "database, http/dup")
    instrumentation.instrument()
    get("async", url(server))
    (span,) = spans()
    pairs = {
        "http.request.method": "http.method",
        "url.full": "http.url",
        "server.address": "net.peer.name",
        "server.port": "net.peer.port",
        "http.response.status_code": "http.status_code",
    }
    assert all(span.attributes[new] == span.attributes[old] for new, old in pairs.items())


def test_uninstrumented_it_is_httpx_again(server, spans):  # noqa: F811
    instrumentation.uninstrument()
    instrumentation.uninstrument()
    get("sync", url(server))
    get("async", url(server))
    assert not spans()
    assert "traceparent" not in server.headers_seen[0]


def test_what_is_suppressed_is_neither_recorded_nor_marked(server, spans):  # noqa: F811
    from opentelemetry import context
    from vedette.instrumentation import suppress

    token = suppress()
    get("sync", url(server))
    context.detach(token)
    assert not spans()
    assert "traceparent" not in server.headers_seen[0]


def test_baggage_goes_along(server, spans):  # noqa: F811
    from opentelemetry import baggage, context

    token = context.attach(baggage.set_baggage("tenant", "acme"))
    get("sync", url(server))
    context.detach(token)
    assert server.headers_seen[0]["baggage"] == "tenant=acme"
    assert server.headers_seen[0]["traceparent"] == traceparent(spans()[0].get_span_context())


def test_a_transport_of_ones_own_can_be_observed(spans):  # noqa: F811
    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.sleep(0)
            return httpx.Response(204, request=request)

    transport = instrumentation.observe_transport(Transport())
    assert instrumentation.observe_transport(transport) is transport

    async def ask():
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get("https://shop.example/x")

    assert asyncio.run(ask()).status_code == 204
    (span,) = spans()
    assert span.attributes["server.port"] == 443


def test_a_cancelled_request_ends_its_span_once(spans):  # noqa: F811
    class Never(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.Event().wait()

    async def ask():
        transport = instrumentation.observe_transport(Never())
        async with httpx.AsyncClient(transport=transport) as client:
            task = asyncio.create_task(client.get("http://a/"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert not trace.get_current_span().get_span_context().is_valid

    asyncio.run(ask())
    (span,) = spans()
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert span.status.status_code is StatusCode.UNSET
