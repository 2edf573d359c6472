"""Spans of the libraries that a Python API calls: HTTP clients, databases, caches; and metrics of the runtime.

``VEDETTE``'s own are native where they are hot. Each module has ``instrument()``, which covers its library if it can be
imported, and ``uninstrument()``; both may be called again and again. Where OpenTelemetry's instrumentation of the same
library is active already, ours steps back and says so.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from opentelemetry import context, trace

from vedette import __version__

logger = logging.getLogger("vedette")

_SUPPRESS_KEY = (
    "suppress_instrumentation"  # the key that all of OpenTelemetry's instrumentations look at
)

# Semantic conventions' bucket bounds, in seconds.
_BOUNDS = {
    "http.client.request.duration": (
        "Duration of HTTP client requests.",
        (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    ),
    "db.client.operation.duration": (
        "Duration of database client operations.",
        (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10),
    ),
}


def suppressed() -> bool:
    """Whether the current code asked not to be recorded, as exporters and health checks do."""
    return bool(context.get_value(_SUPPRESS_KEY))


def suppress() -> Any:
    """Records nothing until ``opentelemetry.context.detach`` is called with what this returns."""
    return context.attach(context.set_value(_SUPPRESS_KEY, True))


def tracer(library: str) -> trace.Tracer:
    return trace.get_tracer(f"vedette.{library}", __version__)


def tracer_of(provider: trace.TracerProvider, library: str) -> trace.Tracer:
    """A provider's tracer for the instrumentation of ``library``; the native half asks for it."""
    return provider.get_tracer(f"vedette.{library}", __version__)


def histogram_of(provider: Any, name: str) -> Any:
    """A meter provider's duration histogram (seconds), or None; the native half asks for it."""
    if name not in _BOUNDS:
        return None
    description, bounds = _BOUNDS[name]
    meter = provider.get_meter("vedette", __version__)
    try:
        return meter.create_histogram(
            name, unit="s", description=description, explicit_bucket_boundaries_advisory=bounds
        )
    except TypeError:  # an API before this argument
        return meter.create_histogram(name, unit="s", description=description)


def is_usual_propagator(propagator: Any) -> bool:
    """Trace context, alone or with baggage, and nothing else; the native half asks for it."""
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parts = [propagator]
    if type(propagator) is CompositePropagator:
        parts = list(getattr(propagator, "_propagators", ()))
    kinds = [type(part) for part in parts]
    return TraceContextTextMapPropagator in kinds and set(kinds) <= {
        TraceContextTextMapPropagator,
        W3CBaggagePropagator,
    }


def error_type(error: BaseException) -> str:
    """``error.type`` of an exception: its qualified name."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


_said: set[str] = set()


def steps_back(library: str, instrumentor: str) -> bool:
    """Whether OpenTelemetry's own instrumentation of ``library`` is active; says so once."""
    module = sys.modules.get(f"opentelemetry.instrumentation.{library}")
    instance = getattr(getattr(module, instrumentor, None), "_instance", None)
    if not getattr(instance, "_is_instrumented_by_opentelemetry", False):
        return False
    if library not in _said:
        _said.add(library)
        logger.warning(
            "%s is instrumented by opentelemetry-instrumentation-%s; Vedette leaves it alone",
            library,
            library,
        )
    return True
