"""How requests and connections end: clients that go away, websockets, what others observe, what is left out."""

import asyncio
import logging

import pytest
from app_client import ask, ask_async, http_scope, receive
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider as UpstreamProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from sink import attributes
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect
from vedette import _asgi
from vedette.prometheus import generate_latest


async def ignore(message):
    pass


def server_durations(observed):
    """{(method, status, route, scheme, error type): count} of http.server.request.duration"""
    return {
        tuple(
            sample.labels[name]
            for name in (
                "http_request_method", "http_response_status_code", "http_route", "url_scheme", "error_type",
            )
        ): sample.value
        for family in text_string_to_metric_families(generate_latest(observed.registry).decode())
        for sample in family.samples
        if sample.name == "http_server_request_duration_seconds_count"
    }  # fmt: skip


def test_opentelemetrys_metrics_stand_beside(observed):
    app = FastAPI()
    during = []

    @app.get("/items/{item}")
    async def item(item: int):
        labels = {"http_request_method": "GET", "url_scheme": "http"}
        during.append(observed.registry.get_sample_value("http_server_active_requests", labels))
        if item == 0:
            raise ValueError("none")

    observed(app)
    for path in ("/items/1", "/items/2", "/items/0", "/nothing"):
        ask(app, path)
    assert during == [1, 1, 1]
    assert server_durations(observed) == {
        ("GET", "200", "/items/{item}", "http", ""): 2,
        ("GET", "500", "/items/{item}", "http", "500"): 1,
        ("GET", "404", "", "http", ""): 1,
    }
    labels = {"http_request_method": "GET", "url_scheme": "http"}
    assert observed.registry.get_sample_value("http_server_active_requests", labels) == 0
    text = generate_latest(observed.registry).decode()
    bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
    for bound in bounds:
        assert "http_server_request_duration_seconds_bucket" in text and f'le="{bound}"' in text


def test_the_buckets_are_exact(observed):
    ask(observed(FastAPI()), "/x")
    found = [
        sample.labels["le"]
        for family in text_string_to_metric_families(generate_latest(observed.registry).decode())
        for sample in family.samples
        if sample.name == "http_request_duration_seconds_bucket"
    ]
    assert found == [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf",
    ]  # fmt: skip


# ---- clients that go away


def test_a_client_that_leaves_a_stream_is_no_server_error(observed):
    app = FastAPI()
    left = asyncio.Event()

    @app.get("/stream")
    async def stream():
        async def parts():
            while True:
                yield b"x"
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    observed(app)

    async def leaving():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.body":
            left.set()

    scope = http_scope("/stream", query_string=b"", server=("h", 1))
    asyncio.run(app(scope, leaving, send))
    span = observed.spans()["GET /stream"]
    assert attributes(span)["error.type"] == "client_disconnect"
    assert attributes(span)["http.response.status_code"] == 200 and span.status.code == 0
    assert observed.statuses() == {("GET", "/stream", "200"): 1}
    assert observed.in_progress("/stream") in (0, None)


@pytest.mark.parametrize("started", [False, True])
def test_client_disconnect_is_the_clients(observed, started):
    async def app(scope, receive, send):
        if started:
            await send({"type": "http.response.start", "status": 200})
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        asyncio.run(observed(app)(http_scope("/upload"), receive, ignore))
    span = observed.spans()["GET /upload"]
    assert span.status.code == 0 and not span.events
    assert observed.statuses() == {("GET", "/upload", "200" if started else "499"): 1}


@pytest.mark.parametrize("await_point", range(4))
def test_cancelled_at_any_await_it_ends_once(observed, await_point):
    """Before the answer, between its head and its body, between the parts, and in the background."""
    reached = asyncio.Event()

    async def app(scope, receive, send):
        async def here(number):
            if number == await_point:
                reached.set()
                await asyncio.Event().wait()

        await here(0)
        await send({"type": "http.response.start", "status": 200})
        await here(1)
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await here(2)
        await send({"type": "http.response.body", "body": b"x"})
        await here(3)

    async def run():
        before = trace.get_current_span()
        task = asyncio.create_task(observed(app)(http_scope("/w"), receive, ignore))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert trace.get_current_span() is before

    asyncio.run(run())
    assert observed.statuses() == {("GET", "/w", "499" if await_point == 0 else "200"): 1}
    assert observed.in_progress("/w") in (0, None)
    observed.spans()
    (span,) = [span for _, span in observed.sink.spans()]
    cancelled = attributes(span).get("error.type", "").endswith("CancelledError")
    assert cancelled == (await_point < 3) and span.status.code == 0


def test_a_background_task_that_fails_does_not_change_the_answer(observed):
    app = FastAPI()

    async def task():
        raise ValueError("later")

    @app.get("/task")
    async def with_task(tasks: BackgroundTasks):
        tasks.add_task(task)

    ask(observed(app), "/task")
    assert observed.statuses() == {("GET", "/task", "200"): 1}
    assert observed.spans()["GET /task"].status.code == 0


@pytest.mark.skipif(not hasattr(asyncio, "TaskGroup"), reason="TaskGroup is new in Python 3.11")
def test_task_groups_and_generators_keep_the_context(observed):
    app = FastAPI()
    found = []

    async def parts():
        with observed.tracer.start_as_current_span("part"):
            yield b"1"
            yield b"2"

    @app.get("/group")
    async def group():
        async with asyncio.TaskGroup() as tasks:
            for name in "ab":
                tasks.create_task(child(name))
        return StreamingResponse(parts())

    async def child(name):
        with observed.tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            found.append(trace.get_current_span().name)

    logger = logging.getLogger("opentelemetry.context")
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    try:
        ask(observed(app), "/group")
    finally:
        logger.removeHandler(handler)
    spans = observed.spans()
    assert {spans[name].parent_span_id for name in ("a", "b", "part")} == {
        spans["GET /group"].span_id
    }
    assert sorted(found) == ["a", "b"] and records == []


# ---- websockets


def echo_app():
    app = FastAPI()

    @app.websocket("/rooms/{room}")
    async def room(socket: WebSocket, room: str):
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        if room == "boom":
            raise ValueError(room)
        if room == "wait":
            await socket.receive_text()
        await socket.close()

    @app.websocket("/closed")
    async def closed(socket: WebSocket):
        await socket.close()

    return app


def talk(app, path):
    with TestClient(app).websocket_connect(path) as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_a_websocket_has_a_span_and_no_request_metrics(observed):
    app = observed(echo_app())
    talk(app, "/rooms/7")
    span = observed.spans()["WEBSOCKET /rooms/{room}"]
    found = attributes(span)
    assert span.kind == 2 and span.status.code == 0 and "error.type" not in found
    assert found["http.route"] == "/rooms/{room}"
    assert found["http.response.status_code"] == 101
    assert (found["url.scheme"], found["network.protocol.name"]) == ("ws", "websocket")
    assert observed.statuses() == {} and server_durations(observed) == {}


def test_a_websocket_that_fails_one_that_is_left_and_one_that_is_refused(observed):
    app = observed(echo_app())
    with pytest.raises(ValueError):
        talk(app, "/rooms/boom")
    span = observed.spans()["WEBSOCKET /rooms/{room}"]
    assert span.status.code == 2 and attributes(span)["error.type"] == "ValueError"
    with pytest.raises(WebSocketDisconnect):
        talk(app, "/rooms/wait")  # the client goes
    span = observed.spans()["WEBSOCKET /rooms/{room}"]
    assert span.status.code == 0 and "error.type" not in attributes(span)
    with pytest.raises(Exception):  # noqa: B017 (the test client's own)
        talk(app, "/closed")
    assert attributes(observed.spans()["WEBSOCKET /closed"])["http.response.status_code"] == 403


# ---- paths without routes


def test_paths_of_an_app_without_routes_are_normalized(observed):
    async def app(scope, receive, send):
        await PlainTextResponse("x", 404 if "nothing" in scope["path"] else 200)(
            scope, receive, send
        )

    around = observed(app)
    for path in (
        "/orders/550e8400-e29b-41d4-a716-446655440000",
        "/orders/17",
        "/2fa/setup",
        "/nothing/here",
        "/nothing/there",
    ):
        ask(around, path)
    for number in range(60):
        ask(around, f"/people/{chr(97 + number % 26)}name{chr(97 + number // 26)}")
    paths = {path: count for (_, path, _), count in observed.statuses().items()}
    assert paths["/orders/{uuid}"] == paths["/orders/{number}"] == paths["/2fa/setup"] == 1
    assert paths["unmatched"] == 2
    assert paths["/people/{value}"] >= 30 and len(paths) < 35
    spans = observed.spans()
    assert "GET /orders/{uuid}" in spans and "http.route" not in attributes(
        spans["GET /orders/{uuid}"]
    )


# ---- what others observe


def test_fastapis_telemetry_that_was_set_up_stays_and_we_make_no_second_span(observed):
    exporter = InMemorySpanExporter()
    theirs = UpstreamProvider()
    theirs.add_span_processor(SimpleSpanProcessor(exporter))
    app = FastAPI(telemetry={"tracer_provider": theirs, "operation_spans": False})

    @app.get("/x")
    async def x():
        return 1

    ask(observed(app), "/x")
    assert [span.name for span in exporter.get_finished_spans()] == ["GET /x"]
    assert observed.spans() == {}
    assert observed.statuses() == {("GET", "/x", "200"): 1}


def test_the_upstream_middleware_stays_and_we_make_no_second_span(observed):
    class OpenTelemetryMiddleware:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)

    OpenTelemetryMiddleware.__module__ = "opentelemetry.instrumentation.asgi"
    app = FastAPI()
    app.add_middleware(OpenTelemetryMiddleware)
    ask(observed(app), "/x")
    assert observed.spans() == {}
    assert observed.statuses() == {("GET", "unmatched", "404"): 1}


# ---- settings


def test_excluded_urls(observed, monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_EXCLUDED_URLS", "health, shop.example/internal/.*,(")
    monkeypatch.setenv("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "^http://shop.example:8080/only$")
    app = observed(FastAPI())
    for path in ("/healthz", "/internal/x", "/only", "/only/not", "/seen"):
        ask(app, path)
    # The second pattern leaves the port out, so it does not fit.
    assert observed.statuses() == {("GET", "unmatched", "404"): 3}


def test_captured_headers(observed, monkeypatch):
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
    monkeypatch.setenv(prefix + "SERVER_REQUEST", "X-Tenant,accept.*,Authorization,x-secret")
    monkeypatch.setenv(prefix + "SERVER_RESPONSE", "x-.*,set-cookie")
    monkeypatch.setenv(prefix + "SANITIZE_FIELDS", ".*secret.*")
    app = FastAPI()

    @app.get("/x")
    async def x():
        response = PlainTextResponse("x", headers={"x-cache": "hit"})
        response.set_cookie("session", "s3cret")
        return response

    headers = {"X-Tenant": "acme", "X-Secret": "s", "Authorization": "Bearer s3cret", "other": "o"}
    ask(observed(app), "/x", headers=headers)
    found = attributes(observed.spans()["GET /x"])
    assert found["http.request.header.x-tenant"] == ["acme"]
    assert found["http.request.header.x-secret"] == ["[REDACTED]"]
    assert found["http.response.header.x-cache"] == ["hit"]
    assert "http.request.header.accept" in found
    assert "http.request.header.other" not in found
    assert "s3cret" not in str(found)


def test_observed_twice_at_once(observed):
    app = FastAPI()

    @app.get("/x")
    async def x():
        return 1

    observed(app)
    _asgi.observe(app, observed.tracer)

    async def run():
        await asyncio.gather(*(ask_async(app, "/x") for _ in range(20)))

    asyncio.run(run())
    assert observed.statuses() == {("GET", "/x", "200"): 20}
