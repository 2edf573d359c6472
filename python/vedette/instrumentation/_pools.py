"""Metrics of SQLAlchemy's connection pools: in use, idle, limit, overflow, waiting time and timeouts.

Semantic conventions: ``db.client.connection.*``. Counts are read when they are asked for; a checkout costs one clock
reading more. No engine event is registered.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from vedette.instrumentation._metrics import Observed, Recorded, register

_engines: weakref.WeakSet[Any] = weakref.WeakSet()
_registered = False
_WAIT_BOUNDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30)


def observe_pool(engine: Any) -> None:
    """Covers the engine's pool, and those that follow it when the engine is disposed of. Idempotent."""
    global _registered
    if engine in _engines:
        return
    _engines.add(engine)
    if not _registered:
        _registered = True
        register(_METRICS)
    wait = Recorded(
        "db.client.connection.wait_time",
        "s",
        "The time it took to obtain an open connection from the pool.",
        ["db.client.connection.pool.name"],
        _WAIT_BOUNDS,
    )
    timeouts = Recorded(
        "db.client.connection.timeouts",
        "{timeout}",
        "The number of connection timeouts that have occurred trying to obtain a connection.",
        ["db.client.connection.pool.name"],
    )
    _cover(engine.pool, pool_name(engine), wait, timeouts)


def pool_name(engine: Any) -> str:
    """``pool_logging_name`` if there is one, else where the engine connects to: never a password."""
    pool = engine.pool
    if getattr(pool, "logging_name", None):
        return str(pool.logging_name)
    url = engine.url
    host = url.host or ""
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{host}{port}/{url.database or ''}"


def _cover(pool: Any, name: str, wait: Recorded, timeouts: Recorded) -> None:
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    connect, recreate, waited = pool.connect, pool.recreate, wait.series(name)

    def timed_connect() -> Any:
        started = time.perf_counter()
        try:
            connection = connect()
        except PoolTimeout:
            timeouts(1, name)
            raise
        waited(time.perf_counter() - started)
        return connection

    def covered_recreate() -> Any:
        made = recreate()
        _cover(made, name, wait, timeouts)
        return made

    pool.connect, pool.recreate = timed_connect, covered_recreate


def _pools() -> Iterator[tuple[Any, str]]:
    for engine in list(_engines):
        yield engine.pool, pool_name(engine)


def _count(pool: Any, method: str) -> float | None:
    function: Callable[[], Any] | None = getattr(pool, method, None)
    return float(function()) if callable(function) else None


def _connections() -> Iterator[tuple[dict[str, str], float]]:
    for pool, name in _pools():
        for state, method in (("used", "checkedout"), ("idle", "checkedin")):
            value = _count(pool, method)
            if value is not None:
                yield (
                    {
                        "db.client.connection.pool.name": name,
                        "db.client.connection.state": state,
                    },
                    value,
                )


def _limits() -> Iterator[tuple[dict[str, str], float]]:
    for pool, name in _pools():
        overflow = getattr(pool, "_max_overflow", None)
        size = _count(pool, "size")
        if size and overflow is not None and overflow >= 0:
            yield {"db.client.connection.pool.name": name}, size + overflow


_METRICS = [
    Observed(
        "db.client.connection.count",
        "updown",
        "{connection}",
        "The number of connections that are currently in the state described by the state attribute.",
        _connections,
    ),
    Observed(
        "db.client.connection.max",
        "updown",
        "{connection}",
        "The maximum number of open connections allowed.",
        _limits,
    ),
]
