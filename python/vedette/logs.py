"""structlog, tied to the trace, rendered natively and shipped.

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, vedette.logs.JSONRenderer()],
        logger_factory=vedette.logs.LoggerFactory(),
    )

``JSONRenderer`` is the end of a chain: it adds what the event does not have yet (``level``, ``trace_id`` and ``span_id``
inside of a span, ``timestamp``, the traceback for ``exc_info``), makes the line and sends the same event by OTLP.
Processors before it work as ever. In a chain that ends in another renderer use ``add_trace_context``, and ``ship`` just
before that renderer. Events are sent once :func:`vedette.instrument` or :func:`configure` has said where to.

None of it raises into the application or waits: what cannot be JSON becomes its ``repr()``, what cannot be written or
sent is dropped and counted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

from vedette import _native

EventDict = MutableMapping[str, Any]

_current_ids = _native.current_ids


def JSONRenderer(*, default: Callable[[Any], Any] | None = None, ship: bool = True) -> Any:
    """structlog processor: the event as a line of JSON, as ``json.dumps`` writes it, but with text beyond ASCII left as
    it is and ``null`` for NaN and infinities.

    ``default`` makes something writable of a value that JSON does not know; without it that is ``__structlog__()`` or
    ``repr()``. ``ship=False`` does not send the event by OTLP.
    """
    return _native.JsonRenderer(default=default, ship=ship)


class LoggerFactory:
    """structlog ``logger_factory``: loggers that write each line at once and whole to ``file`` (``sys.stdout``), in
    UTF-8, past the file's own buffer."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file

    def __call__(self, *args: Any) -> Any:
        return _native.LineLogger(self._file or sys.stdout)


def add_trace_context(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:
    """structlog processor: the ids of the current span, in hex."""
    ids = _current_ids()
    if ids is not None:
        event_dict["trace_id"], event_dict["span_id"] = ids
    return event_dict


ship = _native.ship_event
"""structlog processor: sends the event by OTLP and hands it on unchanged."""


def configure(lane: Any, resource: Any) -> None:
    """Where events go: a native queue and the resource they come from."""
    _native.ship_logs_to(_native.LogSink((lane,), resource, "structlog"))


def lines_dropped() -> int:
    """Lines that a logger of :class:`LoggerFactory` could not write, since the start of the process."""
    return _native.lines_dropped()
