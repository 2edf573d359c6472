"""Spans of the libraries that a Python API calls: HTTP clients, databases, caches."""

from __future__ import annotations

from typing import Any

from opentelemetry import context, trace

from vedette import __version__

_SUPPRESS_KEY = (
    "suppress_instrumentation"  # the key that all of OpenTelemetry's instrumentations look at
)


def suppressed() -> bool:
    """Whether the current code asked not to be recorded, as exporters and health checks do."""
    return bool(context.get_value(_SUPPRESS_KEY))


def suppress() -> Any:
    """Records nothing until ``opentelemetry.context.detach`` is called with what this returns."""
    return context.attach(context.set_value(_SUPPRESS_KEY, True))


def tracer(library: str) -> trace.Tracer:
    return trace.get_tracer(f"vedette.{library}", __version__)


def error_type(error: BaseException) -> str:
    """``error.type`` of an exception: its qualified name."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
