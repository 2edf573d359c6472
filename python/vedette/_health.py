"""``vedette.health(app, checks=…)``: is the process alive, has it started, is it ready?

``GET /health/live`` never asks a dependency. ``GET /health/ready`` runs every check side by side, each with a deadline, and
answers 200 or 503 with the outcome of each in JSON, and what is wrong in words. ``GET /health/startup`` is 503 until all
checks have been well once. Kubernetes waits one second for a probe unless told otherwise.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import context

from vedette.checks import Check
from vedette.instrumentation import suppress

logger = logging.getLogger("vedette")

PATHS = ("/health/live", "/health/ready", "/health/startup")

_WORDS_MAX = 200
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@|\b(password|passwd|pwd|secret|token)=\S+", re.I)


def health(
    app: Any,
    checks: Mapping[str, Check] | None = None,
    *,
    startup: Mapping[str, Check] | None = None,
    timeout: float = 0.9,
    cache: float = 1.0,
) -> None:
    """Adds the three paths to a FastAPI or Starlette application; see :func:`vedette.health`."""
    readiness = Readiness(checks or {}, timeout, cache)
    beginning = Readiness(startup, timeout, cache) if startup is not None else readiness

    from starlette.responses import JSONResponse

    async def live(_request: Any) -> Any:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Any) -> Any:
        outcome = await readiness.outcome()
        good = readiness.good
        body = {"status": "ready" if good else "degraded", **outcome}
        return JSONResponse(body, status_code=200 if good else 503)

    async def started(_request: Any) -> Any:
        if beginning.was_good:
            return JSONResponse({"status": "started"})
        outcome = await beginning.outcome()
        good = beginning.was_good
        body = {"status": "started" if good else "starting", **outcome}
        return JSONResponse(body, status_code=200 if good else 503)

    for path, answer in zip(PATHS, (live, ready, started), strict=True):
        app.router.add_route(path, answer, methods=["GET"], include_in_schema=False)


class Readiness:
    """Some checks and what they last said. Probes that come meanwhile share one run of them. Used from one event loop
    at a time. ``timeout`` and ``cache`` are in seconds."""

    def __init__(self, checks: Mapping[str, Check], timeout: float, cache: float) -> None:
        self._checks = {name: _runnable(name, check) for name, check in checks.items()}
        self._timeout = timeout
        self._cache = cache
        self._gauges = _Gauges() if checks else None
        self.was_good = False
        self._forget_all(None)

    def _forget_all(self, loop: Any) -> None:
        self._loop = loop
        self._running: dict[str, asyncio.Task[None]] = {}
        self._words: dict[str, str] = {}  # what is wrong, by check
        self._last: dict[str, str] = {}
        self._last_at = -self._cache
        self._round: asyncio.Task[None] | None = None

    @property
    def good(self) -> bool:
        """Whether all were well when they were last asked."""
        return all(outcome == "ok" for outcome in self._last.values())

    async def outcome(self) -> dict[str, Any]:
        """``checks``: "ok", "failed" or "timeout" for each; ``failures``, if there are any: why, in words."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._forget_all(loop)
        if time.monotonic() - self._last_at >= self._cache:
            if self._round is None or self._round.done():
                self._round = asyncio.ensure_future(self._run_all())
            await asyncio.shield(self._round)
        words = {name: text for name, text in self._words.items() if self._last.get(name) != "ok"}
        return {"checks": self._last, **({"failures": words} if words else {})}

    async def _run_all(self) -> None:
        outcomes = await asyncio.gather(*(self._run(name) for name in self._checks))
        self._last = dict(zip(self._checks, outcomes, strict=True))
        self._last_at = time.monotonic()
        self.was_good = self.was_good or self.good

    async def _run(self, name: str) -> str:
        begun = time.monotonic()
        outcome = await self._ask(name)
        if self._gauges is not None:
            self._gauges.set(name, outcome == "ok", time.monotonic() - begun)
        if outcome != "ok":
            logger.warning("health check %r: %s", name, self._words[name])
        return outcome

    async def _ask(self, name: str) -> str:
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.ensure_future(_unrecorded(self._checks[name]))
        await asyncio.wait({task}, timeout=self._timeout)
        if not task.done():
            self._words[name] = f"no answer within {self._timeout:g} s"
            task.cancel()
            # A check in a thread can't be stopped: it stays the running one until it ends.
            task.add_done_callback(lambda done: self._forget(name, done))
            return "timeout"
        self._running.pop(name, None)
        error = task.exception() if not task.cancelled() else asyncio.CancelledError()
        if error is None:
            return "ok"
        self._words[name] = _in_words(error)
        return "failed"

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        self._running.pop(name, None)
        if not done.cancelled():
            done.exception()  # seen, so that asyncio does not complain that nobody asked


def _in_words(error: BaseException) -> str:
    """The first line of what went wrong, without credentials: anybody may read it."""
    try:
        text = str(error).strip().partition("\n")[0]
    except Exception:
        text = ""
    text = _CREDENTIALS.sub(lambda found: "…@" if found[0].endswith("@") else "…", text)
    kind = type(error).__name__
    return f"{kind}: {text[:_WORDS_MAX]}" if text else kind


class _Gauges:
    """The outcomes as metrics. One pair for all applications of the process."""

    _made: tuple[Any, Any] | None = None

    def __init__(self) -> None:
        if _Gauges._made is None:
            from vedette.prometheus import Gauge

            _Gauges._made = (
                Gauge("health_check_up", "1 when the check was well at the last probe", ["check"]),
                Gauge("health_check_duration_seconds", "How long the check took", ["check"]),
            )
        self._up: Any
        self._duration: Any
        self._up, self._duration = _Gauges._made

    def set(self, name: str, good: bool, seconds: float) -> None:
        self._up.labels(check=name).set(float(good))
        self._duration.labels(check=name).set(seconds)


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
    if hasattr(check, "fetchval"):  # asyncpg
        return lambda: check.fetchval("SELECT 1")
    if hasattr(check, "getconn") and hasattr(check, "connection"):  # psycopg_pool
        if inspect.iscoroutinefunction(check.getconn):
            return lambda: _ask_async_pool(check)
        return lambda: _in_thread(lambda: _ask_pool(check))
    if hasattr(check, "ping"):
        return lambda: _call(check.ping)
    if callable(check):
        return lambda: _call(check)
    raise TypeError(
        f"health check {name!r} is no function, SQLAlchemy engine, database pool or redis client: {check!r}"
    )


async def _ask_async_engine(engine: Any) -> None:
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")


def _ask_engine(engine: Any) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


async def _ask_async_pool(pool: Any) -> None:
    async with pool.connection() as connection:
        await connection.execute("SELECT 1")


def _ask_pool(pool: Any) -> None:
    with pool.connection() as connection:
        connection.execute("SELECT 1")


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
