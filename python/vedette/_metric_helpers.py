"""Timers and counters around blocks and functions; what the metrics' ``time()``, ``count_exceptions()`` and
``track_inprogress()`` return."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from time import perf_counter
from typing import Any


class _Around:
    """A context manager that also decorates sync and async functions."""

    def __init__(self, metric: Any) -> None:
        self._metric = metric

    def _again(self) -> _Around:
        return type(self)(self._metric)

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc_info: Any) -> bool:
        raise NotImplementedError

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await function(*args, **kwargs)

            return run_async

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return run


class Timer(_Around):
    """Observes the seconds that passed."""

    def __enter__(self) -> Timer:
        self._start = perf_counter()
        return self

    def labels(self, *args: Any, **kwargs: Any) -> None:
        """Chooses the series when only the end of the block knows the labels."""
        self._metric = self._metric.labels(*args, **kwargs)

    def __exit__(self, *exc_info: Any) -> bool:
        self._metric.observe(max(perf_counter() - self._start, 0))
        return False


class GaugeTimer(Timer):
    """Sets the seconds that passed."""

    def __exit__(self, *exc_info: Any) -> bool:
        self._metric.set(max(perf_counter() - self._start, 0))
        return False


class InProgress(_Around):
    """One more while inside."""

    def __enter__(self) -> None:
        self._metric.inc()

    def __exit__(self, *exc_info: Any) -> bool:
        self._metric.dec()
        return False


class ExceptionCounter(_Around):
    """One more for each exception of a kind that leaves."""

    def __init__(self, metric: Any, exception: Any = Exception) -> None:
        super().__init__(metric)
        self._exception = exception

    def _again(self) -> ExceptionCounter:
        return ExceptionCounter(self._metric, self._exception)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, *exc_info: Any) -> bool:
        if isinstance(kind, type) and issubclass(kind, self._exception):
            self._metric.inc()
        return False
