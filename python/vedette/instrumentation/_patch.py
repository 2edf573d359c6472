"""Putting observed functions in the place of a library's own, and back."""

from __future__ import annotations

import functools
from typing import Any

from vedette import _native

_MARK = "_vedette_original"

HTTP_DURATION = "http.client.request.duration"
DB_DURATION = "db.client.operation.duration"


def observe(
    owner: type, name: str, kind: str, library: str, *, awaits: bool = False, helper: Any = None
) -> None:
    """Observes a method of a class that calls reach through the class. Idempotent."""
    original = owner.__dict__.get(name)
    if original is None or isinstance(original, _native.Observed):
        return
    histogram = HTTP_DURATION if kind.startswith("http.") else DB_DURATION
    setattr(owner, name, _native.Observed(kind, library, histogram, original, awaits, helper))


def observe_coroutine(owner: type, name: str, kind: str, library: str, *, helper: Any) -> None:
    """Observes a coroutine method that applications call; it stays a coroutine function. Idempotent."""
    original = owner.__dict__.get(name)
    if original is None or hasattr(original, _MARK):
        return
    observed = _native.Observed(kind, library, DB_DURATION, original, True, helper)

    @functools.wraps(original)
    async def run(*arguments: Any, **keywords: Any) -> Any:
        return await observed(*arguments, **keywords)

    setattr(run, _MARK, original)
    setattr(owner, name, run)


def restore(owner: type, name: str) -> None:
    """Undoes what is above; leaves alone what somebody else has put around it since."""
    current = owner.__dict__.get(name)
    if isinstance(current, _native.Observed):
        setattr(owner, name, current.__wrapped__)
    elif hasattr(current, _MARK):
        setattr(owner, name, getattr(current, _MARK))
