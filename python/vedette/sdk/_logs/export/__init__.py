"""``opentelemetry.sdk._logs.export``: from emitted records to exporters.

The exporters of ``vedette.exporter.otlp`` are served by a native thread that never takes the GIL; any other by a Python
thread of its own. Neither is waited for when a record is emitted.
"""

from __future__ import annotations

import abc
import copy
import enum
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from os import linesep
from typing import IO, Any

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    create_key,
    detach,
    get_value,
    set_value,
)
from opentelemetry.metrics import MeterProvider

from vedette import _native
from vedette.sdk._exporting import SHUTDOWN_MILLIS, ExportingProcessor
from vedette.sdk._logs._processors import LogRecordProcessor
from vedette.sdk._logs._records import ReadableLogRecord, ReadWriteLogRecord
from vedette.sdk.resources import Resource

logger = logging.getLogger("vedette")

_DEPTH_KEY = create_key("vedette-log-export-depth")
_DEPTH_MAX = 3


class LogRecordExportResult(enum.Enum):
    SUCCESS = 0
    FAILURE = 1


class LogExportResult(enum.Enum):
    """The former name."""

    SUCCESS = 0
    FAILURE = 1


class LogRecordExporter(abc.ABC):
    """Sends records somewhere. Derive from it and give it to a processor."""

    @abc.abstractmethod
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Takes a batch. Is not called again before it has returned."""

    @abc.abstractmethod
    def shutdown(self) -> None:
        """Nothing comes after that."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what it may have kept; False when that took longer than the timeout."""


class LogExporter(LogRecordExporter):
    """The former name."""


class ConsoleLogRecordExporter(LogRecordExporter):
    """Writes records as JSON to ``out``."""

    def __init__(
        self,
        out: IO[str] = sys.stdout,
        formatter: Callable[[ReadableLogRecord], str] = lambda record: record.to_json() + linesep,
    ) -> None:
        self.out = out
        self.formatter = formatter

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        for record in batch:
            self.out.write(self.formatter(record))
        self.out.flush()
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class ConsoleLogExporter(ConsoleLogRecordExporter):
    """The former name."""


class InMemoryLogRecordExporter(LogRecordExporter):
    """Keeps what is exported, for tests."""

    def __init__(self) -> None:
        self._logs: list[ReadableLogRecord] = []
        self._lock = threading.Lock()
        self._stopped = False

    def clear(self) -> None:
        with self._lock:
            self._logs.clear()

    def get_finished_logs(self) -> tuple[ReadableLogRecord, ...]:
        with self._lock:
            return tuple(self._logs)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        if self._stopped:
            return LogRecordExportResult.FAILURE
        with self._lock:
            self._logs.extend(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        self._stopped = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class InMemoryLogExporter(InMemoryLogRecordExporter):
    """The former name."""


def _readable(record: ReadWriteLogRecord, inner: Any) -> ReadableLogRecord:
    resource = record.resource or Resource.create({})
    return ReadableLogRecord(inner, resource, record.instrumentation_scope, record.limits)


class _ExportingProcessor(ExportingProcessor, LogRecordProcessor):
    _signal = "log"
    _noun = "log record"
    _hooks = ("on_emit", "enabled")

    def _lane_for_logs(self) -> Any:
        return self._own_lane()


class SimpleLogRecordProcessor(_ExportingProcessor):
    """Hands each record to the exporter as it is emitted: to one of ours without waiting for it; to any other at once,
    on the thread that logs."""

    def __init__(
        self, exporter: LogRecordExporter, *, meter_provider: MeterProvider | None = None
    ) -> None:
        self._shutdown = False
        self._begin_simple(exporter, meter_provider)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._lane is not None:
            _native.emit_log(self._lane, log_record)
            return
        # An exporter that logs comes back here: a few times is fine, for ever is not.
        depth = int(get_value(_DEPTH_KEY) or 0)  # type: ignore[call-overload]
        if depth > _DEPTH_MAX:
            return
        quiet = set_value(_SUPPRESS_INSTRUMENTATION_KEY, True, set_value(_DEPTH_KEY, depth + 1))
        token = attach(quiet)
        try:
            if self._shutdown:
                logger.warning("Processor is already shutdown, ignoring call")
                return
            self._exporter.export((_readable(log_record, log_record.log_record),))
        except Exception:
            logger.exception("Exception while exporting logs.")
        finally:
            detach(token)

    def shutdown(self, timeout_millis: int = SHUTDOWN_MILLIS) -> None:
        self._shutdown = True
        super().shutdown(timeout_millis)


class BatchLogRecordProcessor(_ExportingProcessor):
    """Queues records and sends them in batches. Times are in milliseconds.

    Emitting never waits for it: when the queue is full the newest record is dropped, counted (:meth:`stats`) and
    reported once. The queue of an exporter of ours is bounded by bytes, and by ``max_queue_size`` where that is given;
    that of any other holds 2,048 records unless it is.
    """

    def __init__(
        self,
        exporter: LogRecordExporter,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
        max_queue_size: int | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._begin_batch(
            exporter, "OTEL_BLRP", max_queue_size, schedule_delay_millis, max_export_batch_size,
            export_timeout_millis, meter_provider,
        )  # fmt: skip

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._queue is None:
            _native.emit_log(self._lane, log_record)
            return
        # The context may hold much; other processors keep it.
        inner = copy.copy(log_record.log_record)
        inner.context = Context()
        self._queue.emit(_readable(log_record, inner))


SimpleLogRecordProcessor._own_class = SimpleLogRecordProcessor
BatchLogRecordProcessor._own_class = BatchLogRecordProcessor


__all__ = [
    "BatchLogRecordProcessor",
    "ConsoleLogExporter",
    "ConsoleLogRecordExporter",
    "InMemoryLogExporter",
    "InMemoryLogRecordExporter",
    "LogExportResult",
    "LogExporter",
    "LogRecordExportResult",
    "LogRecordExporter",
    "SimpleLogRecordProcessor",
]
