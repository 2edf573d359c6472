"""structlog, tied to the trace and shipped.

    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            vedette.logs.add_trace_context,
            structlog.processors.TimeStamper(fmt="iso"),
            vedette.logs.ship,
            structlog.processors.JSONRenderer(),
        ],
    )

``add_trace_context`` adds ``trace_id`` and ``span_id`` inside of a span. ``ship`` sends the record by OTLP as it
is at that place of the chain, and hands it on unchanged; put it just before the renderer. It begins to send once
:func:`vedette.instrument` or :func:`configure` has said where to.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from vedette import _native

EventDict = MutableMapping[str, Any]

_sink: Any = None
_current_ids = _native.current_ids


def add_trace_context(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:
    """structlog processor: the ids of the current span, in hex."""
    ids = _current_ids()
    if ids is not None:
        event_dict["trace_id"], event_dict["span_id"] = ids
    return event_dict


def ship(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:
    """structlog processor: sends the record by OTLP and hands it on."""
    if _sink is not None:
        _sink.emit(event_dict, method_name)
    return event_dict


def configure(lane: Any, resource: Any) -> None:
    """Where shipped records go: a native queue and the resource they come from."""
    global _sink
    _sink = _native.LogSink(lane, resource, "structlog")
