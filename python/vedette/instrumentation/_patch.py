"""Putting observed functions in the place of a library's own, and back."""

from __future__ import annotations

from typing import Any

from vedette import _native

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


def restore(owner: type, name: str) -> None:
    """Undoes ``observe``; leaves alone what somebody else has put around it since."""
    current = owner.__dict__.get(name)
    if isinstance(current, _native.Observed):
        setattr(owner, name, current.__wrapped__)
