"""Timers and counters around blocks and functions: what ``time()``, ``count_exceptions()`` and ``track_inprogress()``
return. Each is a context manager and decorates plain functions, coroutine functions and async generators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from time import perf_counter
from typing import Any, Literal


class _Around:
    def _again(self) -> Any:
        """What the next call of a decorated function enters."""
        return self

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc_info: Any) -> Any:
        raise NotImplementedError

    def __call__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(f):

            @functools.wraps(f)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await f(*args, **kwargs)

            return run_async

        @functools.wraps(f)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return f(*args, **kwargs)

        return run


class ExceptionCounter(_Around):
    """One more for each exception of a kind that leaves."""

    def __init__(
        self, counter: Any, exception: type[BaseException] | tuple[type[BaseException], ...]
    ) -> None:
        self._counter = counter
        self._exception = exception

    def __enter__(self) -> None:
        pass

    def __exit__(self, typ: Any, value: Any, traceback: Any) -> Literal[False]:
        if isinstance(value, self._exception):
            self._counter.inc()
        return False


class InprogressTracker(_Around):
    """One more while inside."""

    def __init__(self, gauge: Any) -> None:
        self._gauge = gauge

    def __enter__(self) -> None:
        self._gauge.inc()

    def __exit__(self, typ: Any, value: Any, traceback: Any) -> None:
        self._gauge.dec()


class Timer(_Around):
    """Gives the seconds that passed to a method of the metric; ``duration`` has them afterwards."""

    def __init__(self, metric: Any, callback_name: str) -> None:
        self._metric = metric
        self._callback_name = callback_name
        self.duration: float | None = None

    def _again(self) -> Timer:
        return type(self)(self._metric, self._callback_name)

    def __enter__(self) -> Timer:
        self._start = perf_counter()
        return self

    def __exit__(self, typ: Any, value: Any, traceback: Any) -> None:
        self.duration = max(perf_counter() - self._start, 0)  # clocks can go backwards
        getattr(self._metric, self._callback_name)(self.duration)

    def labels(self, *args: Any, **kw: Any) -> None:
        """Chooses the series when only the end of the block knows the labels."""
        self._metric = self._metric.labels(*args, **kw)
