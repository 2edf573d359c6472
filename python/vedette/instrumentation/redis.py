"""Spans for redis-py, synchronous and asyncio, and whether reads found what they looked for.

``cache_requests_total{cache="redis", result="hit"|"miss"}`` counts each key of GET, GETEX, GETDEL, HGET, MGET and HMGET.
Arguments are never recorded. Semantic conventions: Redis client spans.
"""

from __future__ import annotations

import functools
from typing import Any, Optional

from opentelemetry.trace import SpanKind

from vedette.instrumentation import error_type, suppressed, tracer

_MARK = "_vedette_original"
_READS = frozenset({"GET", "GETEX", "GETDEL", "HGET", "MGET", "HMGET"})


def instrument() -> bool:
    """Covers redis-py if it can be imported. Idempotent; says whether it is covered."""
    try:
        import redis
        import redis.asyncio
    except ImportError:
        return False
    counter = _cache_counter()
    _wrap(redis.Redis, "execute_command", _sync_wrapper, _command, counter)
    _wrap(redis.client.Pipeline, "execute", _sync_wrapper, _pipeline, None)
    _wrap(redis.asyncio.Redis, "execute_command", _async_wrapper, _command, counter)
    _wrap(redis.asyncio.client.Pipeline, "execute", _async_wrapper, _pipeline, None)
    return True


@functools.lru_cache(maxsize=1)
def _cache_counter() -> Any:
    from vedette.prometheus import Counter

    return Counter(
        "cache_requests_total",
        "Reads of a cache, by whether the key was there",
        ["cache", "result"],
    )


def _wrap(owner: type, name: str, wrapper: Any, describe: Any, counter: Any) -> None:
    original = getattr(owner, name)
    if hasattr(original, _MARK):
        return
    wrapped = functools.wraps(original)(wrapper(original, describe, counter))
    setattr(wrapped, _MARK, original)
    setattr(owner, name, wrapped)


def _sync_wrapper(original: Any, describe: Any, counter: Any) -> Any:
    def execute(self: Any, *arguments: Any, **keywords: Any) -> Any:
        # A pipeline's commands come here too, only to be queued; its execute() has the span.
        if suppressed() or (counter is not None and hasattr(self, "command_stack")):
            return original(self, *arguments, **keywords)
        name, attributes = describe(self, arguments)
        with tracer("redis").start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            try:
                result = original(self, *arguments, **keywords)
            except BaseException as error:
                span.set_attribute("error.type", error_type(error))
                raise
            _count(counter, name, result)
            return result

    return execute


def _async_wrapper(original: Any, describe: Any, counter: Any) -> Any:
    def queue_or_execute(self: Any, *arguments: Any, **keywords: Any) -> Any:
        # asyncio's pipeline queues without a coroutine: what it returns must be passed on as it is.
        if suppressed() or (counter is not None and hasattr(self, "command_stack")):
            return original(self, *arguments, **keywords)
        return execute(self, *arguments, **keywords)

    async def execute(self: Any, *arguments: Any, **keywords: Any) -> Any:
        name, attributes = describe(self, arguments)
        with tracer("redis").start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            try:
                result = await original(self, *arguments, **keywords)
            except BaseException as error:
                span.set_attribute("error.type", error_type(error))
                raise
            _count(counter, name, result)
            return result

    return queue_or_execute


def _command(client: Any, arguments: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    name = _text(arguments[0]).upper() if arguments else "COMMAND"
    attributes = _attributes_of(client)
    attributes["db.operation.name"] = name
    attributes["db.query.text"] = " ".join([name, *["?"] * min(len(arguments) - 1, 8)])
    return name, attributes


def _pipeline(pipeline: Any, _: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    attributes = _attributes_of(pipeline)
    attributes["db.operation.name"] = "PIPELINE"
    commands = getattr(pipeline, "command_stack", None)
    if commands:
        attributes["db.operation.batch.size"] = len(commands)
    return "PIPELINE", attributes


def _attributes_of(client: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = {"db.system.name": "redis"}
    settings = getattr(getattr(client, "connection_pool", None), "connection_kwargs", None) or {}
    address = settings.get("host") or settings.get("path")
    if address:
        attributes["server.address"] = str(address)
    if settings.get("port"):
        attributes["server.port"] = int(settings["port"])
    attributes["db.namespace"] = str(settings.get("db") or 0)
    return attributes


def _count(counter: Any, command: str, result: Any) -> None:
    if counter is None or command not in _READS:
        return
    values = result if isinstance(result, (list, tuple)) else [result]
    hits = sum(value is not None for value in values)
    for outcome, count in (("hit", hits), ("miss", len(values) - hits)):
        if count:
            counter.labels(cache="redis", result=outcome).inc(count)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def uninstrument() -> None:
    import redis
    import redis.asyncio

    owners: list[tuple[type, str]] = [
        (redis.Redis, "execute_command"),
        (redis.client.Pipeline, "execute"),
        (redis.asyncio.Redis, "execute_command"),
        (redis.asyncio.client.Pipeline, "execute"),
    ]
    for owner, name in owners:
        original: Optional[Any] = getattr(getattr(owner, name), _MARK, None)
        if original is not None:
            setattr(owner, name, original)
