"""Calls to others: httpx, requests, SQLAlchemy, redis, and what the observing callable does with any function."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import redis
import requests
import sqlalchemy
from counting import operation
from hostile import HOSTILE, bad_calls
from opentelemetry import metrics, trace
from vedette import _native
from vedette.instrumentation import redis as redis_instrumentation
from vedette.instrumentation import requests as requests_instrumentation
from vedette.instrumentation import suppress
from vedette.instrumentation._statements import describe_statement
from vedette.instrumentation.httpx import observe_transport
from vedette.instrumentation.sqlalchemy import instrument_engine
from vedette.sdk.metrics import MeterProvider
from vedette.sdk.metrics.export import InMemoryMetricReader
from vedette.sdk.trace import TracerProvider

trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False))
tracer = trace.get_tracer("t")


def answer(request):
    if request.url.path == "/raise":
        raise httpx.ConnectError("no")
    return httpx.Response(int(request.url.path.strip("/")))


class SyncTransport(httpx.BaseTransport):
    def handle_request(self, request):
        return answer(request)


class AsyncTransport(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        await asyncio.sleep(0)
        return answer(request)


PATHS = ("/200", "/404", "/503", "/raise", "/200?token=x")


@operation
def httpx_calls():
    client = httpx.Client(transport=observe_transport(SyncTransport()), base_url="http://u:p@shop")

    def call():
        for path in PATHS:
            with contextlib.suppress(httpx.ConnectError):
                client.get(path, headers={"a": "b"})
        with tracer.start_as_current_span("a"):
            client.post("/200", content=b"x")

    yield call
    client.close()


@operation
def httpx_transport_alone():
    """Without a client around, whose own costs would hide ours."""
    transport = observe_transport(SyncTransport())

    def call():
        transport.handle_request(httpx.Request("GET", "http://shop:81/200"))
        for odd in (None, 7, object()):
            with contextlib.suppress(AttributeError):
                transport.handle_request(odd)

    return call


@operation
def httpx_awaited():
    transport = observe_transport(AsyncTransport())
    loop = asyncio.new_event_loop()

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            for path in PATHS:
                with contextlib.suppress(httpx.ConnectError):
                    await client.get(path)

    yield lambda: loop.run_until_complete(ask())
    loop.close()


@operation
def httpx_abandoned():
    transport = observe_transport(AsyncTransport())

    def call():
        request = httpx.Request("GET", "http://shop/200")
        running = transport.handle_async_request(request)
        running.send(None)
        with contextlib.suppress(asyncio.CancelledError):
            running.throw(asyncio.CancelledError)
        running = transport.handle_async_request(request)
        running.send(None)
        running.close()
        iterator = transport.handle_async_request(request).__await__()
        next(iterator)
        del iterator
        transport.handle_async_request(request).close()

    return call


class Adapter(requests.adapters.BaseAdapter):
    def send(self, request, **options):
        if "raise" in request.url:
            raise requests.ConnectionError("no")
        made = requests.Response()
        made.status_code = 503 if "503" in request.url else 200
        made.request, made.url = request, request.url
        return made

    def close(self):
        pass


@operation
def requests_calls():
    requests_instrumentation.instrument()
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Adapter())

    def call():
        for path in PATHS:
            with contextlib.suppress(requests.ConnectionError):
                session.get("http://shop" + path)

    yield call
    requests_instrumentation.uninstrument()


@operation
def sqlalchemy_statements():
    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    instrument_engine(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table t (a int, b text)"))
    select = sqlalchemy.text("select * from t where a = :a")

    def call():
        with engine.connect() as connection:
            connection.execute(select, {"a": 1}).all()
            connection.exec_driver_sql("select 'x'").all()
            insert = sqlalchemy.text("insert into t values (:a, 'x')")
            connection.execute(insert, [{"a": 1}, {"a": 2}])
            with contextlib.suppress(sqlalchemy.exc.OperationalError):
                connection.execute(sqlalchemy.text("select nothing from nowhere"))
            connection.rollback()

    yield call
    engine.dispose()


@operation
def sqlalchemy_engines():
    def call():
        engine = sqlalchemy.create_engine("sqlite://")
        instrument_engine(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1").all()
        engine.dispose()

    return call


@operation
def statements_described():
    target = {"db.system.name": "sqlite", "db.namespace": "shop"}
    return lambda: describe_statement("SELECT 'x' FROM t WHERE a = 1", False, target)


@operation
def redis_commands():
    redis_instrumentation.instrument()

    class Connection(redis.connection.AbstractConnection):
        def _connect(self):
            raise redis.ConnectionError("no")

        def repr_pieces(self):
            return []

        _host_error = repr_pieces

    client = redis.Redis(connection_pool=redis.ConnectionPool(Connection, retry=None))

    def call():
        for command in (lambda: client.get("a"), lambda: client.set("a", 1)):
            with contextlib.suppress(redis.ConnectionError, TypeError):
                command()

    yield call
    redis_instrumentation.uninstrument()


@operation
def suppressed():
    from opentelemetry import context

    transport = observe_transport(SyncTransport())

    def call():
        token = suppress()
        transport.handle_request(httpx.Request("GET", "http://shop/200"))
        context.detach(token)

    return call


@operation
def observed_by_any_kind():
    """Functions that return, raise, or are given what they do not expect, below each kind of observation."""
    kinds = [
        "db.dialect",
        "db.dialect.many",
        "db.dialect.plain",
        "db.driver",
        "db.method",
        "http.httpx",
        "http.requests",
    ]

    class Helper:
        def target(self, arguments, keywords):
            return arguments[0]

        def __call__(self, *arguments):
            return arguments[0]

    def returns(*arguments, **keywords):
        return arguments

    def raises(*arguments, **keywords):
        raise KeyError

    observers = [
        _native.Observed(kind, "x", "db.client.operation.duration", function, False, helper)
        for kind in kinds
        for function in (returns, raises)
        for helper in (Helper(), None)
    ]

    def call():
        for observed in observers:
            for value in HOSTILE.values():
                for arguments, keywords in (
                    ((value,), {}),
                    ((value, value), {}),
                    ((), {"a": value}),
                ):
                    with contextlib.suppress(KeyError, TypeError):
                        observed(*arguments, **keywords)
            observed.__get__(7)

    return call


@operation
def observed_refused():
    return bad_calls(
        lambda: _native.Observed(),
        lambda: _native.Observed("wrong", "x", "y", len, False, None),
        lambda: _native.Observed(1, 2, 3, 4, 5, 6),
        lambda: _native.SpanTemplate(),
        lambda: _native.SpanTemplate(1, 2),
        lambda: _native.describe_sql(),
        lambda: _native.describe_sql(7),
    )
