"""ASGI: requests, streams and websockets, however they end; health probes."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from counting import operation, variants
from hostile import bad_calls
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from vedette import _asgi, _health, _native
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.prometheus import CollectorRegistry
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
from vedette.sdk.trace.sampling import ErrorAware

logging.getLogger("vedette").setLevel(logging.CRITICAL)


def tracer_of(*sampler):
    provider = TracerProvider(*sampler, shutdown_on_exit=False)
    exporter = OTLPSpanExporter("http://127.0.0.1:9/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=50))
    return provider.get_tracer("t")


_asgi._http_metrics = _native.HttpMetrics(CollectorRegistry())
tracer = tracer_of()


def scope(path="/", method="GET", headers=(), **more):
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "scheme": "http", "headers": list(headers), "query_string": b"a=b&token=c", "client": ["127.0.0.1", 5],
        "server": ("shop.example", 80), **more,
    }  # fmt: skip


class Wait:
    def __await__(self):
        yield


async def receive():
    await Wait()
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message):
    pass


def drive(coroutine):
    """To its end, with no event loop: what it awaits is answered with None."""
    try:
        while True:
            coroutine.send(None)
    except (StopIteration, Exception):
        return


async def answers(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await Wait()
    await send({"type": "http.response.body", "body": b"ok"})


async def streams(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    for _ in range(3):
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await send({"type": "http.response.body"})


async def fails(scope, receive, send):
    raise ValueError("no")


async def fails_late(scope, receive, send):
    await send({"type": "http.response.start", "status": 503, "headers": []})
    raise ValueError("no")


async def says_nothing(scope, receive, send):
    return None


async def writes_nonsense(scope, receive, send):
    await send({"type": 7, "status": object()})
    await send({})
    await send(None)


async def cancelled(scope, receive, send):
    raise asyncio.CancelledError


def no_coroutine(scope, receive, send):
    return 7


def raises_at_once(scope, receive, send):
    raise KeyError


def _served(app):
    observed = _asgi.observe(app, tracer)
    headers = [
        (b"traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"),
        (b"user-agent", b"x"),
    ]

    def call():
        for given in (
            scope(),
            scope("/a", "POST", headers),
            scope("/b", "ODD", [], root_path="/r"),
        ):
            with contextlib.suppress(KeyError, TypeError, AttributeError):
                drive(observed(given, receive, send))

    return call  # fmt: skip


variants(
    {
        function.__name__: function
        for function in (
            answers, streams, fails, fails_late, says_nothing, writes_nonsense, no_coroutine, raises_at_once,
        )
    },
    _served,
    "request that",
)  # fmt: skip


def _pushed(pusher):
    former, _asgi._http_metrics = _asgi._http_metrics, _native.HttpMetrics(CollectorRegistry())
    metrics, observed = _asgi._http_metrics, _asgi.observe(answers, tracer)
    _asgi._http_metrics = former

    def call():
        metrics.push_to(pusher)
        for _ in range(2):
            drive(observed(scope(), receive, send))
        metrics.active()

    return call


variants(
    {
        "is pushed": lambda *outcome: float,
        "has no place": lambda *outcome: outcome[9],
        "is refused": lambda *outcome: outcome.index,
    },
    _pushed,
    "duration that",
)


@operation
def requests_abandoned():
    """Cancelled at every await, closed, or never awaited."""
    observed = _asgi.observe(answers, tracer)

    async def waits(*_):
        await Wait()
        return {"type": "http.request"}

    def call():
        for steps in range(5):
            running = observed(scope(), waits, waits)
            try:
                for _ in range(steps):
                    running.send(None)
                running.throw(asyncio.CancelledError)
            except BaseException:
                pass
            running = observed(scope(), waits, waits)
            try:
                for _ in range(steps):
                    running.send(None)
            except StopIteration:
                pass
            running.close()
        iterator = observed(scope(), waits, waits).__await__()
        next(iterator)
        del iterator
        try:
            running = observed(scope(), waits, waits)
            running.throw(ValueError("first"))
        except ValueError:
            pass

    return call


@operation
def requests_with_odd_scopes():
    observed = _asgi.observe(answers, tracer)
    odd = [
        scope(headers=[(b"a",), 7, (b"traceparent", 5), ("traceparent", "x")]), scope(7),
        scope("\ud800"), scope(method=7), scope(query_string="text"), scope(client=7), scope(server=(1, 2, 3)),
        scope(http_version=None), {**scope(), "headers": None}, {"type": "http"}, {"type": 7}, {}, scope(scheme=None), scope(route=object()),
    ]  # fmt: skip

    def call():
        for one in odd:
            with contextlib.suppress(KeyError, TypeError, AttributeError):
                drive(observed(dict(one), receive, send))

    return call


@operation
def requests_refused():
    observed = _asgi.observe(answers, tracer)
    return bad_calls(
        lambda: observed(),
        lambda: observed(scope()),
        lambda: observed(None, receive, send),
        lambda: observed(scope(), receive, send, 7),
        lambda: observed(scope(), receive, wrong=1),
        lambda: _native.AsgiMiddleware(),
        lambda: _native.AsgiMiddleware(1, 2),
        lambda: _native.HttpMetrics(),
        lambda: _native.HttpMetrics(7),
    )


async def websocket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    await send({"type": "websocket.close", "code": 1011})


async def failing_websocket(scope, receive, send):
    await send({"type": "websocket.accept"})
    raise ValueError("no")


@operation
def websockets():
    apps = [_asgi.observe(app, tracer) for app in (websocket, failing_websocket)]

    def call():
        for app in apps:
            drive(app({**scope(), "type": "websocket", "scheme": "ws"}, receive, send))

    return call


@operation
def lifespans():
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.startup.failed"})

    observed = _asgi.observe(app, tracer)
    return lambda: drive(observed({"type": "lifespan"}, receive, send))


def starlette(*sampler):
    async def item(request):
        if request.path_params["item"] == "boom":
            raise ValueError("no")
        return PlainTextResponse("ok")

    async def stream(request):
        async def parts():
            for _ in range(3):
                yield b"x"

        return StreamingResponse(parts())

    async def ws(connection):
        await connection.accept()
        await connection.close()

    inner = Starlette(routes=[Route("/{item}", item)])
    app = Starlette(
        routes=[
            Route("/items/{item}", item), Route("/stream", stream), WebSocketRoute("/ws", ws), Mount("/inner", inner),
        ]
    )  # fmt: skip
    _health.health(app, {"good": fine, "bad": failing, "slow": slow}, timeout=0.001, cache=0)
    _asgi.add_metrics_route(app, "/metrics")
    _asgi.exclude(app, [*_health.PATHS, "/metrics"])
    return _asgi.observe(app, tracer_of(*sampler))


async def fine():
    return True


async def failing():
    raise ValueError("password=x")


async def slow():
    await asyncio.sleep(30)


def _asked(paths, *sampler):
    app = starlette(*sampler)
    loop = asyncio.new_event_loop()

    async def one(path):
        with contextlib.suppress(ValueError):
            await app(scope(path), receive, send)

    def call():
        for path in paths:
            loop.run_until_complete(one(path))

    yield call
    loop.close()


@operation
def starlette_requests():
    yield from _asked(["/items/7", "/inner/8", "/nothing", "/items/boom", "/stream"])


@operation
def starlette_with_errors_kept():
    yield from _asked(["/items/7", "/items/boom"], ErrorAware(0.1))


@operation
def starlette_metrics():
    yield from _asked(["/metrics"])


@operation
def health_probes():
    yield from _asked(_health.PATHS)


@operation
def starlette_cancelled():
    app = starlette()
    loop = asyncio.new_event_loop()

    async def never():
        await asyncio.Event().wait()

    async def cancel():
        task = asyncio.ensure_future(app(scope("/stream"), never, send))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    yield lambda: loop.run_until_complete(cancel())
    loop.close()
