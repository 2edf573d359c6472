"""Requests as servers and frameworks really make them: routes, errors, streams, cancellation, contexts."""

import asyncio
import gc
import inspect

import anyio
import pytest
from app_client import ask, ask_async, http_scope, receive
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from opentelemetry import baggage, trace
from sink import attributes
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from vedette import _asgi

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def shop():
    app = FastAPI()
    router = APIRouter(prefix="/v1")

    @router.get("/items/{item}")
    async def item(item: int):
        return {
            "item": item,
            "trace": f"{trace.get_current_span().get_span_context().trace_id:032x}",
        }

    @router.get("/sync/{item}")
    def sync(item: str):
        return f"{trace.get_current_span().get_span_context().trace_id:032x}"

    @app.get("/boom")
    async def boom():
        raise ValueError("boom")

    @app.get("/teapot")
    async def teapot():
        raise HTTPException(418)

    @app.get("/unavailable")
    async def unavailable():
        raise HTTPException(503)

    app.include_router(router, prefix="/api")
    return app


def test_attributes_of_the_server_span(observed):
    app = observed(shop())
    response = ask(
        app, "/api/v1/items/3?q=secret", headers={"user-agent": "test/1", "traceparent": PARENT}
    )
    span = observed.spans()["GET /api/v1/items/{item}"]
    assert span.kind == 2 and span.status.code == 0
    assert attributes(span) == {
        "http.request.method": "GET",
        "url.path": "/api/v1/items/3",
        "url.scheme": "http",
        "server.address": "shop.example",
        "server.port": 8080,
        "client.address": "127.0.0.1",
        "user_agent.original": "test/1",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "http.route": "/api/v1/items/{item}",
    }
    assert span.trace_id.hex() == PARENT[3:35] == response.json()["trace"]
    assert span.parent_span_id.hex() == PARENT[36:52]
    assert span.flags & 0x300 == 0x300


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/api/v1/items/3", "/api/v1/items/{item}", 200),
        ("/api/v1/items/x", "/api/v1/items/{item}", 422),
        ("/api/v1/sync/a", "/api/v1/sync/{item}", 200),
        ("/teapot", "/teapot", 418),
        ("/boom", "/boom", 500),
        ("/unavailable", "/unavailable", 503),
        ("/wp-admin/7", "unmatched", 404),
    ],
)
def test_red_metrics_by_route(observed, path, route, status):
    app = observed(shop())
    assert ask(app, path).status_code == status
    assert observed.statuses() == {("GET", route, str(status)): 1}
    assert observed.in_progress(route) in (0, None)
    assert observed.seconds(route) > 0


def test_scanners_make_one_series(observed):
    app = observed(shop())
    for i in range(50):
        ask(app, f"/.env{i}")
    assert observed.statuses() == {("GET", "unmatched", "404"): 50}


def test_methods(observed):
    app = observed(shop())
    ask(app, "/boom", "POST")
    ask(app, "/boom", "BREW")
    assert observed.statuses() == {("POST", "/boom", "405"): 1, ("_OTHER", "/boom", "405"): 1}
    assert attributes(observed.spans()["HTTP /boom"])["http.request.method_original"] == "BREW"


def test_an_exception_is_recorded_and_passes(observed):
    app = observed(shop())
    assert ask(app, "/boom").status_code == 500
    span = observed.spans()["GET /boom"]
    assert span.status.code == 2 and "boom" in span.status.message
    assert attributes(span)["error.type"] == "ValueError"
    assert attributes(span.events[0])["exception.message"] == "boom"
    with pytest.raises(ValueError, match="boom"):
        TestClient(app).get("/boom")


def test_a_500_without_an_exception(observed):
    app = observed(shop())
    ask(app, "/unavailable")
    span = observed.spans()["GET /unavailable"]
    assert span.status.code == 2
    assert attributes(span)["error.type"] == "503"
    ask(app, "/teapot")
    assert observed.spans()["GET /teapot"].status.code == 0


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-0-0-0",
        PARENT[:-1],
        PARENT.upper(),
        PARENT.replace("00-", "ff-", 1),
        PARENT + "-x",
        "00-" + "0" * 32 + PARENT[35:],
    ],
)
def test_malformed_traceparent_is_ignored(observed, header):
    app = observed(shop())
    ask(app, "/api/v1/items/3", headers={"traceparent": header})
    span = observed.spans()["GET /api/v1/items/{item}"]
    assert span.parent_span_id == b"" and span.trace_id.hex() != PARENT[3:35]


def test_unsampled_parent_keeps_the_trace_but_sends_nothing(observed):
    app = observed(shop())
    response = ask(app, "/api/v1/items/3", headers={"traceparent": PARENT[:-2] + "00"})
    assert response.json()["trace"] == PARENT[3:35]
    assert observed.spans() == {}
    assert observed.count("/api/v1/items/{item}") == 1


def test_tracestate_and_baggage(observed):
    app = FastAPI()

    @app.get("/")
    async def home():
        return [
            baggage.get_baggage("k"),
            trace.get_current_span().get_span_context().trace_state.get("vendor"),
        ]

    headers = {"traceparent": PARENT, "tracestate": "vendor=x", "baggage": "k=v"}
    assert ask(observed(app), "/", headers=headers).json() == ["v", "x"]
    span = observed.spans()["GET /"]
    assert (span.trace_state, span.parent_span_id.hex()) == ("vendor=x", PARENT[36:52])


def test_mounts(observed):
    inner = FastAPI()

    @inner.get("/users/{user}")
    async def user(user: int):
        return user

    async def files(scope, receive, send):
        await PlainTextResponse("file")(scope, receive, send)

    app = FastAPI()
    app.mount("/sub", inner)
    app.mount("/static", files)
    app.mount("/tenants/{tenant}", inner)
    observed(app)
    for path in (
        "/sub/users/1",
        "/sub/users/2",
        "/static/a.js",
        "/static/b.js",
        "/tenants/acme/users/3",
        "/sub/nothing",
    ):
        ask(app, path)
    assert observed.statuses() == {
        ("GET", "/sub/users/{user}", "200"): 2,
        ("GET", "/static", "200"): 2,
        ("GET", "/tenants/{tenant}/users/{user}", "200"): 1,
        ("GET", "/sub", "404"): 1,
    }
    assert set(observed.spans()) == {
        "GET /sub/users/{user}", "GET /static", "GET /tenants/{tenant}/users/{user}", "GET /sub",
    }  # fmt: skip


def test_starlette(observed):
    async def page(request):
        return PlainTextResponse("x")

    app = Starlette(routes=[Route("/p/{x:int}", page), Mount("/m", routes=[Route("/q/{y}", page)])])
    observed(app)
    for path in ("/p/1", "/m/q/2", "/none"):
        ask(app, path)
    assert observed.statuses() == {
        ("GET", "/p/{x}", "200"): 1,
        ("GET", "/m/q/{y}", "200"): 1,
        ("GET", "unmatched", "404"): 1,
    }


def test_any_asgi_app_and_its_kind_is_still_seen(observed):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    around = observed(app)
    assert inspect.iscoroutinefunction(around)
    assert ask(around, "/x").status_code == 204
    assert observed.statuses() == {("GET", "/x", "204"): 1}


def test_behind_a_proxy_the_root_path_is_no_route(observed):
    app = observed(shop())
    messages = []

    async def send(message):
        messages.append(message)

    scope = http_scope(
        "/prefix/api/v1/items/1", root_path="/prefix", query_string=b"", server=("h", 1)
    )
    asyncio.run(app(scope, receive, send))
    assert messages[0]["status"] == 200
    assert observed.count("/api/v1/items/{item}") == 1


def test_user_middleware_sees_the_span_and_the_route_is_still_found(observed):
    seen = []

    class Plain:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            seen.append(trace.get_current_span().get_span_context().is_valid)
            await self.app(
                dict(scope), receive, send
            )  # hides what the router writes into the scope

    class Dispatching(BaseHTTPMiddleware):
        async def dispatch(self, request, call_next):
            seen.append(trace.get_current_span().get_span_context().is_valid)
            return await call_next(request)

    app = shop()
    app.add_middleware(Plain)
    app.add_middleware(Dispatching)
    observed(app)
    assert ask(app, "/api/v1/items/3").status_code == 200
    assert ask(app, "/teapot").status_code == 418
    assert seen == [True] * 4
    assert observed.statuses() == {
        ("GET", "/api/v1/items/{item}", "200"): 1,
        ("GET", "/teapot", "418"): 1,
    }


def test_streams_end_with_their_last_part_and_run_inside_the_span(observed):
    app = FastAPI()
    during = []

    @app.get("/stream")
    async def stream():
        async def parts():
            for _ in range(3):
                during.append(
                    (trace.get_current_span().is_recording(), observed.in_progress("/stream"))
                )
                yield b"x"

        return StreamingResponse(parts())

    assert ask(observed(app), "/stream").text == "xxx"
    assert during == [(True, 1)] * 3
    assert observed.count("/stream") == 1


def test_a_stream_that_fails_is_an_error(observed):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def parts():
            yield b"x"
            raise ValueError("half way")

        return StreamingResponse(parts())

    with pytest.raises(ValueError):
        TestClient(observed(app)).get("/stream")
    span = observed.spans()["GET /stream"]
    assert attributes(span)["error.type"] == "ValueError"
    assert attributes(span)["http.response.status_code"] == 200  # what the client was told
    assert span.status.code == 2
    assert observed.statuses() == {("GET", "/stream", "500"): 1}


def test_background_tasks_do_not_count(observed):
    app = FastAPI()
    after = []

    async def task():
        after.append(
            (observed.count("/task"), trace.get_current_span().get_span_context().is_valid)
        )
        with observed.tracer.start_as_current_span("in background"):
            pass

    @app.get("/task")
    async def with_task(tasks: BackgroundTasks):
        tasks.add_task(task)
        return 1

    ask(observed(app), "/task")
    assert after == [(1, True)]
    spans = observed.spans()
    assert spans["in background"].parent_span_id == spans["GET /task"].span_id
    assert spans["GET /task"].end_time_unix_nano <= spans["in background"].start_time_unix_nano


def test_cancellation_reaches_the_app_and_is_no_500(observed):
    app = FastAPI()
    seen = []

    @app.get("/slow")
    async def slow():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(observed.in_progress("/slow"))
            raise

    observed(app)

    async def run():
        task = asyncio.create_task(ask_async(app, "/slow"))
        while observed.in_progress("/slow") != 1:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert seen == [1]
    assert observed.in_progress("/slow") == 0
    assert observed.statuses() == {("GET", "/slow", "499"): 1}
    assert attributes(observed.spans()["GET /slow"])["error.type"].endswith("CancelledError")


def test_cancel_scopes_of_anyio_work_through_it(observed):
    async def app(scope, receive, send):
        with anyio.move_on_after(0):
            await anyio.sleep(60)
        await PlainTextResponse("in time")(scope, receive, send)

    assert ask(observed(app), "/").text == "in time"


def test_contexts_of_concurrent_requests_are_apart(observed):
    app = FastAPI()

    @app.get("/{n}")
    async def one(n: int):
        before = trace.get_current_span().get_span_context().span_id
        await asyncio.sleep(0.001 * (n % 3))
        with observed.tracer.start_as_current_span("inner") as span:
            await asyncio.sleep(0)
            assert span.parent.span_id == before
        assert trace.get_current_span().get_span_context().span_id == before
        return before

    observed(app)

    async def run():
        return await asyncio.gather(*(ask_async(app, f"/{n}") for n in range(50)))

    ids = {response.json() for response in asyncio.run(run())}
    assert len(ids) == 50
    assert observed.count("/{n}") == 50


def test_excluded_paths_are_neither_traced_nor_counted(observed):
    app = shop()
    _asgi.exclude(app, ["/teapot"])
    observed(app)
    assert ask(app, "/teapot").status_code == 418
    assert observed.spans() == {} and observed.statuses() == {}
    _asgi.exclude(app, ["/boom"])  # also later
    ask(app, "/boom")
    assert observed.statuses() == {}


def test_idempotent_and_nested(observed):
    inner = shop()
    app = FastAPI()
    app.mount("/inner", inner)
    observed(inner)
    observed(app)
    assert observed(app) is app
    ask(app, "/inner/teapot")
    assert observed.statuses() == {("GET", "/inner/teapot", "418"): 1}
    assert list(observed.spans()) == ["GET /inner/teapot"]


def test_an_app_that_serves_already(observed):
    app = shop()
    assert ask(app, "/teapot").status_code == 418
    observed(app)
    ask(app, "/teapot")
    assert observed.count("/teapot", 418) == 1


def test_fastapis_own_telemetry_is_off(observed, monkeypatch):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", observed.provider)
    app = FastAPI()
    app.mount("/sub", shop())
    observed(app)
    ask(app, "/sub/teapot")
    assert list(observed.spans()) == ["GET /sub/teapot"]


def test_lifespan_passes_and_flushes(observed, monkeypatch):
    events = []
    monkeypatch.setattr(_asgi, "flush", lambda: events.append("flush"))
    import contextlib

    @contextlib.asynccontextmanager
    async def lifespan(app):
        events.append("up")
        yield
        events.append("down")

    with TestClient(observed(FastAPI(lifespan=lifespan))):
        pass
    assert events == ["up", "down", "flush"]


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "http"},
        {"type": "http", "method": None, "path": 7, "headers": None, "client": 1, "server": "x"},
        http_scope(
            headers=[[b"HOST", b"h:99999999999"], (b"x",), None, ("traceparent", PARENT)],
            client=["1", 2],
        ),
        http_scope(headers=((b"user-agent", b"\xff\xfe"),), path="/\udcff", http_version=2),
    ],
)
def test_scopes_that_are_not_as_they_should_be(observed, scope):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        pass

    asyncio.run(observed(app)(dict(scope), receive, send))
    assert sum(observed.statuses().values()) == 1
    assert len(observed.spans()) == 1


def test_messages_that_are_not_as_they_should_be(observed):
    async def app(scope, receive, send):
        for message in (
            None,
            {},
            {"type": 1},
            {"type": "http.response.start", "status": "x"},
            {"type": "other"},
        ):
            await send(message)

    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(observed(app)(http_scope(), receive, send))
    assert len(sent) == 5
    assert observed.count("/", 500) == 1


def test_apps_that_do_not_even_start(observed):
    def raises(scope, receive, send):
        raise ValueError("no coroutine")

    middleware = _asgi._middleware(raises, observed.tracer, set(), None)
    with pytest.raises(ValueError):
        asyncio.run(_await(middleware(http_scope(), receive, None)))
    middleware = _asgi._middleware(lambda *_: 7, observed.tracer, set(), None)
    with pytest.raises(TypeError):
        asyncio.run(_await(middleware(http_scope(), receive, None)))
    assert observed.count("/", 500) == 2


async def _await(awaitable):
    return await awaitable


def test_the_request_is_a_coroutine_like_any_other(observed):
    async def app(scope, receive, send):
        await asyncio.sleep(0)
        return "result"

    def request():
        return _asgi._middleware(app, observed.tracer, set(), None)(http_scope(), receive, None)

    assert asyncio.run(_await(request())) == "result"
    assert list(inspect.signature(_await).parameters) == ["awaitable"]

    never = request()
    never.close()
    with pytest.raises(RuntimeError):
        never.send(None)

    thrown = request()
    with pytest.raises(KeyError):
        thrown.throw(KeyError("x"))

    half = request()
    half.send(None)
    assert half.cr_frame is not None and half.cr_await is not None
    with pytest.raises(KeyError):
        half.throw(KeyError("x"))
    assert half.cr_await is None

    dropped = request()
    dropped.send(None)
    del dropped
    gc.collect()
    request()  # not even begun
    assert observed.count("/", 499) == 1  # the dropped one
    assert observed.in_progress("unmatched") in (0, None)


def test_requests_leave_no_garbage(observed):
    app = observed(shop())
    ask(app, "/api/v1/items/1")
    gc.collect()
    gc.disable()
    try:
        before = sum(type(o).__name__ == "AsgiRequest" for o in gc.get_objects())
        for _ in range(20):
            ask(app, "/api/v1/items/1")
        after = sum(type(o).__name__ == "AsgiRequest" for o in gc.get_objects())
    finally:
        gc.enable()
    assert after == before
