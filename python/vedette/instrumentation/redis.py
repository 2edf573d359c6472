"""Spans for redis-py 4.6 to 8, synchronous and asyncio, and whether reads found what they looked for.

``cache_requests_total{cache="redis", result="hit"|"miss"}`` counts each key of GET, GETEX, GETDEL, HGET, MGET and HMGET.
Arguments are never recorded. Semantic conventions: Redis client spans and ``db.client.operation.duration``, stable.
"""

from __future__ import annotations

import functools
from typing import Any

from vedette.instrumentation import steps_back
from vedette.instrumentation._patch import DB_DURATION
from vedette.instrumentation._statements import template

_MARK = "_vedette_original"
_CACHE = "_vedette_templates"
_READS = frozenset({"GET", "GETEX", "GETDEL", "HGET", "MGET", "HMGET"})


def instrument() -> bool:
    """Covers redis-py if it can be imported. Idempotent; says whether it is covered."""
    try:
        import redis.asyncio
    except ImportError:
        return False
    if steps_back("redis", "RedisInstrumentor"):
        return False
    for owner, name, awaits, pipeline in _places(redis):
        original = owner.__dict__.get(name)
        if original is None or hasattr(original, _MARK):
            continue
        wrapped = functools.wraps(original)(_wrapper(original, awaits, pipeline))
        setattr(wrapped, _MARK, original)
        setattr(owner, name, wrapped)
    return True


def uninstrument() -> None:
    import redis.asyncio

    for owner, name, _, _ in _places(redis):
        original = getattr(owner.__dict__.get(name), _MARK, None)
        if original is not None:
            setattr(owner, name, original)


def _places(redis: Any) -> list[tuple[type, str, bool, bool]]:
    return [
        (redis.Redis, "execute_command", False, False),
        (redis.client.Pipeline, "execute", False, True),
        (redis.asyncio.Redis, "execute_command", True, False),
        (redis.asyncio.client.Pipeline, "execute", True, True),
    ]


def _wrapper(original: Any, awaits: bool, pipeline: bool) -> Any:
    from vedette import _native

    helper = _Pipelines() if pipeline else _Commands()
    observed = _native.Observed("db.method", "redis", DB_DURATION, original, awaits, helper)
    if pipeline and awaits:

        async def execute_async(self: Any, *arguments: Any, **keywords: Any) -> Any:
            return await observed(self, *arguments, **keywords)

        return execute_async
    if pipeline:

        def execute(self: Any, *arguments: Any, **keywords: Any) -> Any:
            return observed(self, *arguments, **keywords)

        return execute
    count = _cache_counter()
    if awaits:

        async def command_async(self: Any, *arguments: Any, **keywords: Any) -> Any:
            result = await observed(self, *arguments, **keywords)
            if arguments and arguments[0] in _READS:
                _count(count, result)
            return result

        return command_async

    def command(self: Any, *arguments: Any, **keywords: Any) -> Any:
        result = observed(self, *arguments, **keywords)
        if arguments and arguments[0] in _READS:
            _count(count, result)
        return result

    return command


@functools.lru_cache(maxsize=1)
def _cache_counter() -> tuple[Any, Any]:
    """The series of hits and of misses."""
    from vedette.prometheus import Counter

    counter = Counter(
        "cache_requests_total",
        "Reads of a cache, by whether the key was there",
        ["cache", "result"],
    )
    return counter.labels("redis", "hit"), counter.labels("redis", "miss")


def _count(series: tuple[Any, Any], result: Any) -> None:
    values = result if isinstance(result, (list, tuple)) else (result,)
    hits = sum(value is not None for value in values)
    for one, count in zip(series, (hits, len(values) - hits), strict=True):
        if count:
            one.inc(count)


class _Commands:
    """Templates of commands, kept at the client's connection pool: one for each command and number of arguments."""

    def target(self, arguments: tuple[Any, ...], _keywords: Any) -> Any:
        # In a dict of its own, so that what a client is given cannot grow it: names of commands are few.
        key = (arguments[1] if len(arguments) > 1 else "COMMAND", min(len(arguments) - 2, 8))
        return _templates(arguments[0]), key, 0

    def describe(self, key: tuple[Any, int], cache: dict[Any, Any]) -> Any:
        name = _text(key[0]).upper()[:40]
        text = " ".join([name, *["?"] * key[1]])
        return template(name, {**cache[None], "db.operation.name": name, "db.query.text": text})


class _Pipelines:
    def target(self, arguments: tuple[Any, ...], _keywords: Any) -> Any:
        pipeline = arguments[0]
        commands = getattr(pipeline, "command_stack", None) or ()
        return _templates(pipeline), "PIPELINE", len(commands)

    def describe(self, key: str, cache: dict[Any, Any]) -> Any:
        return template(key, {**cache[None], "db.operation.name": key})


def _templates(client: Any) -> dict[Any, Any]:
    pool = client.connection_pool
    found = getattr(pool, _CACHE, None)
    if found is None:
        found = {None: _attributes_of(pool)}
        setattr(pool, _CACHE, found)
    return found


def _attributes_of(pool: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = {"db.system.name": "redis"}
    settings = getattr(pool, "connection_kwargs", None) or {}
    address = settings.get("host") or settings.get("path")
    if address:
        attributes["server.address"] = str(address)
    if settings.get("port"):
        attributes["server.port"] = int(settings["port"])
    attributes["db.namespace"] = str(settings.get("db") or 0)
    return attributes


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
