"""structlog, tied to the trace, rendered natively and shipped.

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, vedette.logs.JSONRenderer()],
        logger_factory=vedette.logs.LoggerFactory(),
        wrapper_class=vedette.logs.make_filtering_bound_logger(),
        cache_logger_on_first_use=True,
    )

``JSONRenderer`` is the end of a chain: it adds what the event does not have yet (``level``, ``trace_id`` and ``span_id``
inside of a span, ``timestamp``, the traceback for ``exc_info``), makes the line and sends the same event by OTLP.
Processors before it work as ever. In a chain that ends in another renderer use ``add_trace_context``, and ``ship`` just
before that renderer. Events are sent once :func:`vedette.instrument` or :func:`configure` has said where to.

None of it raises into the application or waits: what cannot be JSON becomes its ``repr()``, what cannot be written or
sent is dropped and counted.
"""

from __future__ import annotations

import functools
import logging
import sys
import time
import weakref
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

from vedette import _env, _native

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


@functools.lru_cache
def make_filtering_bound_logger(min_level: int | str = 0) -> Any:
    """structlog ``wrapper_class``: structlog's own of this name, whose ``info()`` and siblings run the chain natively."""
    import structlog

    base: Any = structlog.make_filtering_bound_logger(min_level)
    methods = {name: getattr(base, name) for name in _LEVELS}
    # Those below the level do nothing, and are called otherwise.
    native = {
        name: _native.LogMethod(one.__name__, one)
        for name, one in methods.items()
        if one.__name__ in _LEVELS
    }
    return type(base.__name__, (base,), {"__doc__": base.__doc__, **native})


_LEVELS = ("debug", "info", "warning", "warn", "error", "critical", "fatal", "msg")


def add_trace_context(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:
    """structlog processor: the ids of the current span, in hex."""
    ids = _current_ids()
    if ids is not None:
        event_dict["trace_id"], event_dict["span_id"] = ids
    return event_dict


ship = _native.ship_event
"""structlog processor: sends the event by OTLP and hands it on unchanged."""


def configure(lane: Any, resource: Any) -> None:
    """Where events and records go: a native queue and the resource they come from."""
    _target.use(lane, resource)


def use(provider: Any) -> None:
    """Sends structlog's events by the exporters of a logger provider of Vedette's, instead of by a queue."""
    _target.follow(provider)


class _Target:
    """Where the events of structlog and the records of :func:`handler` go."""

    def __init__(self) -> None:
        self._lane: Any = None
        self._resource: Any = None
        self._provider: Any = None
        self._handlers: weakref.WeakSet[Any] = weakref.WeakSet()

    def use(self, lane: Any, resource: Any) -> None:
        self._lane, self._resource, self._provider = lane, resource, None
        self._renew_sinks()

    def follow(self, provider: Any) -> None:
        self._provider = provider
        provider._follow(self)
        self._renew_sinks()

    def sink(self, name: str) -> Any:
        """The native way for records of that name; ``None``: there is none."""
        if self._provider is not None:
            return getattr(self._provider.get_logger(name), "_sink", None)
        if self._lane is None:
            return None
        return _native.LogSink((self._lane,), self._resource, name)

    def logger(self, name: str) -> Any:
        """The way where exporters or processors written in Python have a part in it; ``None``: there is none."""
        return None if self._provider is None else self._provider.get_logger(name)

    def take_event(self, method: str, event: EventDict) -> None:
        """An event of structlog, the way through Python."""
        logger = self.logger("structlog")
        if logger is not None:
            logger.emit(**_fields_of(method, event))

    def _renew_sinks(self) -> None:
        sink = self.sink("structlog")
        through_python = sink is None and self._provider is not None
        _native.ship_logs_to(self.take_event if through_python else sink)
        for one in list(self._handlers):
            one._renew_sinks()


_target = _Target()


def handler(level: int = logging.NOTSET) -> logging.Handler:
    """A handler for the logging module that sends records the way structlog's events go::

    logging.getLogger().addHandler(vedette.logs.handler())
    """
    from vedette.sdk._logs import LoggingHandler

    class ShippingHandler(LoggingHandler):
        def _find_sink(self, name: str) -> Any:
            sink = self._sinks[name] = _target.sink(name)
            return sink

        def _handle_slowly(self, record: logging.LogRecord) -> Any:
            kept: Any = self.filter(record)  # a record from Python 3.12 on
            if kept:
                kept = kept if isinstance(kept, logging.LogRecord) else record
                sink = self._sinks.get(record.name) or self._find_sink(record.name)
                logger = None if sink is not None else _target.logger(record.name)
                if sink is not None:
                    sink.emit_record(self._translate(kept))
                elif logger is not None:
                    logger.emit(self._translate(kept))
            return kept

    made = ShippingHandler(level)
    _target._handlers.add(made)
    return made


def correlate(service_name: str | None = None) -> None:
    """Puts the current span's ids into every record of the logging module: ``otelTraceID``, ``otelSpanID``,
    ``otelTraceSampled`` and ``otelServiceName``, for use in a format. Idempotent."""
    current = logging.getLogRecordFactory()
    if isinstance(current, _native.RecordFactory):
        return
    if service_name is None:
        from vedette.sdk.resources import SERVICE_NAME, Resource

        service_name = str(Resource.create().attributes.get(SERVICE_NAME, ""))
    logging.setLogRecordFactory(_native.RecordFactory(current, service_name))


LOGGING_FORMAT = (
    "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [trace_id=%(otelTraceID)s "
    "span_id=%(otelSpanID)s resource.service.name=%(otelServiceName)s trace_sampled=%(otelTraceSampled)s] - %(message)s"
)


def correlate_from_environment() -> None:
    """:func:`correlate` and a format that shows the ids, if ``OTEL_PYTHON_LOG_CORRELATION`` says so; with
    ``OTEL_PYTHON_LOG_FORMAT`` and ``OTEL_PYTHON_LOG_LEVEL``. As ``logging.basicConfig``, it leaves a root logger alone
    that has handlers."""
    if not _env.read("OTEL_PYTHON_LOG_CORRELATION"):
        return
    correlate()
    level = str(_env.read("OTEL_PYTHON_LOG_LEVEL")).upper()
    logging.basicConfig(
        format=_env.read("OTEL_PYTHON_LOG_FORMAT") or LOGGING_FORMAT,
        level=getattr(logging, "WARNING" if level == "WARN" else level, logging.INFO),
    )


def _fields_of(method: str, event: EventDict) -> dict[str, Any]:
    """What an event is as a log record: as native code makes it."""
    from opentelemetry._logs import SeverityNumber

    rest = dict(event)
    for known in ("trace_id", "span_id", "timestamp"):  # the record has its own
        rest.pop(known, None)
    body, level, exc_info = (
        rest.pop("event", None),
        rest.pop("level", method),
        rest.pop("exc_info", None),
    )
    if "exception" in rest:
        rest["exception.stacktrace"] = rest.pop("exception")
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info and not isinstance(exc_info, BaseException):
        exc_info = sys.exc_info()[1]
    number, text = _native.severity_named(str(level))
    now = time.time_ns()
    return {
        "timestamp": now,
        "observed_timestamp": now,
        "severity_number": SeverityNumber(number),
        "severity_text": text,
        "body": body,
        "attributes": rest,
        "exception": exc_info or None,
    }


def loguru_sink(message: Any) -> None:
    """loguru sink: sends each message the way structlog's events go, under its module's name, with the ids of the
    current span. ``logger.add(vedette.logs.loguru_sink)``, without ``enqueue=True``, which would lose the span."""
    record = message.record
    name = record["name"] or "loguru"
    sink = _target.sink(name)
    logger: Any = None if sink is not None else _target.logger(name)
    if sink is None and logger is None:
        return
    attributes = {
        **record["extra"],
        "code.file.path": record["file"].path,
        "code.function.name": record["function"],
        "code.line.number": record["line"],
    }
    raised = record["exception"]
    fields = {
        "timestamp": int(record["time"].timestamp() * 1e9),
        "observed_timestamp": None,
        "context": None,
        "severity_number": _severity(record["level"].no),
        "severity_text": record["level"].name,
        "body": record["message"],
        "attributes": attributes,
        "event_name": None,
        "exception": raised.value if raised else None,
    }
    if sink is not None:
        sink.emit(*fields.values())
    else:
        from opentelemetry._logs import SeverityNumber

        logger.emit(**{**fields, "severity_number": SeverityNumber(fields["severity_number"])})


def _severity(levelno: int) -> int:
    """OTLP's severity number of loguru's levels, which are logging's, with TRACE at 5."""
    if levelno < 10:
        return 1
    return 1 + 4 * min(levelno // 10, 5) + min(levelno % 10, 3)


def loguru_patcher(record: Any) -> None:
    """loguru patcher: ``trace_id`` and ``span_id`` in ``extra``, for its formats and for ``serialize=True``.
    ``logger.configure(patcher=vedette.logs.loguru_patcher)``"""
    ids = _current_ids()
    if ids is not None:
        record["extra"]["trace_id"], record["extra"]["span_id"] = ids


def lines_dropped() -> int:
    """Lines that a logger of :class:`LoggerFactory` could not write, since the start of the process."""
    return _native.lines_dropped()
