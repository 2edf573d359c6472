"""From the logging module to a logger provider."""

from __future__ import annotations

import contextlib
import logging
import traceback
import weakref
from time import time_ns
from typing import Any

from opentelemetry._logs import (
    LoggerProvider,
    LogRecord,
    NoOpLogger,
    SeverityNumber,
    get_logger,
    get_logger_provider,
)
from opentelemetry.context import get_current
from opentelemetry.util.types import Attributes

from vedette import _native
from vedette.instrumentation.logging import begin
from vedette.sdk._logs import _provider

_OWN = frozenset(
    [
        "asctime",
        "args",
        "created",
        "exc_info",
        "exc_text",
        "filename",
        "funcName",
        "getMessage",
        "message",
        "levelname",
        "levelno",
        "lineno",
        "module",
        "msecs",
        "msg",
        "name",
        "pathname",
        "process",
        "processName",
        "relativeCreated",
        "stack_info",
        "thread",
        "threadName",
        "taskName",
        "otelTraceID",
        "otelSpanID",
        "otelTraceSampled",
        "otelServiceName",
    ]
)
_LEVEL_NAMES = {"WARNING": "WARN", "CRITICAL": "FATAL"}


def std_to_otel(levelno: int) -> SeverityNumber:
    """The severity of one of logging's levels: DEBUG is 10 and 5, four steps each."""
    if levelno < 10:
        return SeverityNumber.UNSPECIFIED
    if levelno > 53:
        return SeverityNumber.FATAL4
    return SeverityNumber(1 + 4 * (levelno // 10) + min(levelno % 10, 3))


class LoggingHandler(_native.LoggingHandler, logging.Handler):
    """Sends what the application logs, each record under its logger's name, with the ids of the current span.

    No lock is taken and nothing is waited for. With a provider of Vedette's whose processors are all native, no Python
    runs for a record either, unless there are filters or a formatter. Subclasses may override ``emit``.
    """

    def __init__(
        self, level: int = logging.NOTSET, logger_provider: LoggerProvider | None = None
    ) -> None:
        super().__init__(level=level)
        self._logger_provider = logger_provider or get_logger_provider()
        # By logger name: a native sink, or None where emit() must be called. Read by handle().
        self._sinks: dict[str, Any] = {}
        if isinstance(self._logger_provider, _provider.LoggerProvider):
            self._logger_provider._follow(self)
        begin()

    def _renew_sinks(self) -> None:
        self._sinks = {}

    def _find_sink(self, name: str) -> Any:
        """The way for the records of a logger, remembered. Called by handle()."""
        sink = None
        provider = self._logger_provider
        own = all(
            getattr(type(self), part) is getattr(LoggingHandler, part)
            for part in ("emit", "filter", "_translate", "_get_attributes")
        )
        if own and isinstance(provider, _provider.LoggerProvider):
            found = get_logger(name, logger_provider=provider)
            if isinstance(found, _provider.Logger) and found._is_enabled():
                sink = found._sink
        self._sinks[name] = sink
        return sink

    def _handle_slowly(self, record: logging.LogRecord) -> Any:
        """What logging.Handler.handle() does."""
        return logging.Handler.handle(self, record)

    @staticmethod
    def _get_attributes(record: logging.LogRecord) -> Attributes:
        attributes = {key: value for key, value in vars(record).items() if key not in _OWN}
        attributes["code.file.path"] = record.pathname
        attributes["code.function.name"] = record.funcName
        attributes["code.line.number"] = record.lineno
        if record.exc_info:
            kind, value, trace = record.exc_info
            if kind is not None:
                attributes["exception.type"] = kind.__name__
            if value is not None and value.args:
                attributes["exception.message"] = str(value.args[0])
            if trace is not None:
                attributes["exception.stacktrace"] = "".join(
                    traceback.format_exception(kind, value, trace)
                )
        return attributes

    def _translate(self, record: logging.LogRecord) -> LogRecord:
        if self.formatter:
            body = self.format(record)
        else:
            body = record.getMessage() if record.args else record.msg
        return LogRecord(
            timestamp=int(record.created * 1e9),
            observed_timestamp=time_ns(),
            context=get_current() or None,
            severity_text=_LEVEL_NAMES.get(record.levelname, record.levelname),
            severity_number=std_to_otel(record.levelno),
            body=body,
            attributes=self._get_attributes(record),
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a record, the way through Python. Never raises."""
        try:
            logger = get_logger(record.name, logger_provider=self._logger_provider)
            if not isinstance(logger, NoOpLogger):
                logger.emit(self._translate(record))
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Has the provider send what is queued; does not wait for it: logging calls this under its lock."""
        flush = getattr(self._logger_provider, "force_flush", None)
        if callable(flush):
            _flush_aside(weakref.ref(self._logger_provider))


def _flush_aside(provider: Any) -> None:
    import threading

    def run() -> None:
        found = provider()
        if found is not None:
            found.force_flush()

    # From CPython 3.12 on a process that ends starts no threads; what is queued is sent by the provider's shutdown.
    with contextlib.suppress(RuntimeError):
        threading.Thread(target=run, name="vedette-flush", daemon=True).start()
