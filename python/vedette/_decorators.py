"""Spans around whole functions: what ``@tracer.start_as_current_span("name")`` puts there."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable


def decorate(scope: Callable[[], Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Runs each call of ``function`` inside a scope of its own."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with scope():
                return await function(*args, **kwargs)

        return run_async

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with scope():
            return function(*args, **kwargs)

    return run
