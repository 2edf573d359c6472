"""``vedette.health(app, checks=…)``: is the process alive, is it ready?

``GET /health/live`` never asks a dependency. ``GET /health/ready`` runs every check side by side, each with a deadline, and
answers 200 or 503 with the outcome of each in JSON. Kubernetes waits one second for a probe unless told otherwise.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import time
from collections.abc import Mapping
from typing import Any, Callable, Optional

from opentelemetry import context

from vedette.instrumentation import suppress

logger = logging.getLogger("vedette")

Check = Any
"""A function or coroutine function that raises (or returns False) when something is wrong; or a SQLAlchemy engine; or a
redis client."""

_CACHE_SECONDS = 1.0


def health(app: Any, checks: Optional[Mapping[str, Check]] = None, *, timeout: float = 0.9) -> None:
    """Adds ``/health/live`` and ``/health/ready`` to a FastAPI or Starlette application.

    ``timeout``: seconds each check may take. A check that is over its time counts as failed and is not started again
    before it has ended. Answers are kept for a second, so that many probes do not become many queries.
    """
    readiness = Readiness(checks or {}, timeout)

    from starlette.responses import JSONResponse

    async def live(_request: Any) -> Any:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Any) -> Any:
        outcome = await readiness.outcome()
        good = all(value == "ok" for value in outcome.values())
        body = {"status": "ready" if good else "degraded", "checks": outcome}
        return JSONResponse(body, status_code=200 if good else 503)

    app.router.add_route("/health/live", live, methods=["GET"], include_in_schema=False)
    app.router.add_route("/health/ready", ready, methods=["GET"], include_in_schema=False)


class Readiness:
    """The checks of one application and what they last said. Used from one event loop."""

    def __init__(self, checks: Mapping[str, Check], timeout: float) -> None:
        self._checks = {name: _runnable(name, check) for name, check in checks.items()}
        self._timeout = timeout
        self._running: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, str] = {}
        self._last_at = -_CACHE_SECONDS
        self._round: Optional[asyncio.Task[dict[str, str]]] = None

    async def outcome(self) -> dict[str, str]:
        """ "ok", "failed" or "timeout" for each check."""
        if time.monotonic() - self._last_at < _CACHE_SECONDS:
            return self._last
        if self._round is None or self._round.done():
            self._round = asyncio.ensure_future(self._run_all())
        return await asyncio.shield(self._round)

    async def _run_all(self) -> dict[str, str]:
        outcomes = await asyncio.gather(*(self._run(name) for name in self._checks))
        self._last = dict(zip(self._checks, outcomes))
        self._last_at = time.monotonic()
        return self._last

    async def _run(self, name: str) -> str:
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.ensure_future(_unrecorded(self._checks[name]))
        await asyncio.wait({task}, timeout=self._timeout)
        if not task.done():
            logger.warning("health check %r took longer than %s s", name, self._timeout)
            task.cancel()
            # A check in a thread can't be stopped: it stays the running one until it ends.
            task.add_done_callback(lambda done: self._forget(name, done))
            return "timeout"
        self._running.pop(name, None)
        error = task.exception() if not task.cancelled() else asyncio.CancelledError()
        if error is None:
            return "ok"
        logger.warning("health check %r failed: %s: %s", name, type(error).__name__, error)
        return "failed"

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        self._running.pop(name, None)
        if not done.cancelled():
            done.exception()  # seen, so that asyncio does not complain that nobody asked


async def _unrecorded(check: Callable[[], Any]) -> None:
    """Probes come every few seconds for ever: their queries are no telemetry."""
    token = suppress()
    try:
        await check()
    finally:
        context.detach(token)


def _runnable(name: str, check: Check) -> Callable[[], Any]:
    if hasattr(check, "sync_engine"):
        return lambda: _ask_async_engine(check)
    if hasattr(check, "dialect") and hasattr(check, "connect"):
        return lambda: _in_thread(lambda: _ask_engine(check))
    if hasattr(check, "ping"):
        return lambda: _call(check.ping)
    if callable(check):
        return lambda: _call(check)
    raise TypeError(
        f"health check {name!r} is no function, SQLAlchemy engine or redis client: {check!r}"
    )


async def _ask_async_engine(engine: Any) -> None:
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")


def _ask_engine(engine: Any) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


async def _call(function: Callable[[], Any]) -> None:
    """Coroutine functions run here, others in a thread, since they may block."""
    if inspect.iscoroutinefunction(function):
        result = await function()
    else:
        result = await _in_thread(function)
        if inspect.isawaitable(result):
            result = await result
    if result is False:
        raise RuntimeError("the check returned False")


async def _in_thread(function: Callable[[], Any]) -> Any:
    """Waits for the thread even when cancelled: it is then still busy, and must not be started again."""
    future = asyncio.get_running_loop().run_in_executor(None, _context_bound(function))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait({future})
        raise


def _context_bound(function: Callable[[], Any]) -> Callable[[], Any]:
    """The function under a copy of the current context, which run_in_executor does not pass on."""
    copied = contextvars.copy_context()
    return lambda: copied.run(function)
