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

from vedette import _env, _native
from vedette.sdk import _self_observation
from vedette.sdk._logs._processors import LogRecordProcessor
from vedette.sdk._logs._records import ReadableLogRecord, ReadWriteLogRecord
from vedette.sdk.resources import Resource
from vedette.sdk.trace.export import _QUEUE_BYTES, _SHUTDOWN_MILLIS, _takes_lane
from vedette.sdk.trace.export._python_queue import PythonQueue, shut_exporter

logger = logging.getLogger("vedette")

_DEFAULT_MAX_QUEUE_SIZE = 2048  # of a Python exporter
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


class _ExportingProcessor(LogRecordProcessor):
    """What both processors do for an exporter of ours: a native queue takes the records."""

    _own_class: type[LogRecordProcessor]
    _thread: Any = None
    _lane: Any = None

    def _open_lane(self, exporter: Any, queue_items: int, **batch: int) -> None:
        self._thread = _native.ExportThread()
        self._lane = exporter._add_lane(
            self._thread, queue_bytes=_QUEUE_BYTES, queue_items=queue_items, **batch
        )

    def _lane_for_logs(self) -> Any:
        overridden = any(
            getattr(type(self), name) is not getattr(self._own_class, name)
            for name in ("on_emit", "enabled")
        )
        return None if overridden else self._lane

    def _shut_lane(self, exporter: Any, timeout_millis: float) -> None:
        self._thread.shutdown(int(timeout_millis))
        shut_exporter(exporter, 0.0)


class SimpleLogRecordProcessor(_ExportingProcessor):
    """Hands each record to the exporter as it is emitted: to one of ours without waiting for it; to any other at once,
    on the thread that logs."""

    def __init__(
        self, exporter: LogRecordExporter, *, meter_provider: MeterProvider | None = None
    ) -> None:
        self._exporter = exporter
        self._shutdown = False
        if _takes_lane(exporter):
            self._open_lane(exporter, 0, batch_items=1, delay_ms=1)
            if _self_observation.enabled():
                _self_observation.observe_processor(
                    self, "log", "simple_log_processor", 0, meter_provider
                )

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

    def shutdown(self, timeout_millis: int = _SHUTDOWN_MILLIS) -> None:
        self._shutdown = True
        if self._thread:
            self._shut_lane(self._exporter, timeout_millis)
        else:
            shut_exporter(self._exporter, timeout_millis / 1000)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._thread.flush(int(timeout_millis)) if self._thread else True

    def _pending(self) -> int:
        return self._lane.pending

    def stats(self) -> dict[str, int]:
        """As :meth:`BatchLogRecordProcessor.stats`; empty for an exporter written in Python."""
        return self._lane.stats() if self._lane is not None else {}


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
        native = _takes_lane(exporter)
        given_size = max_queue_size or _env.given("OTEL_BLRP_MAX_QUEUE_SIZE")
        queue_items = int(given_size or (0 if native else _DEFAULT_MAX_QUEUE_SIZE))
        batch = int(_pick(max_export_batch_size, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"))
        delay = _pick(schedule_delay_millis, "OTEL_BLRP_SCHEDULE_DELAY")
        if max_export_batch_size is None and queue_items:
            batch = min(batch, queue_items)
        self._validate_arguments(max_queue_size, queue_items, delay, batch)
        self._flush_ms = int(_pick(export_timeout_millis, "OTEL_BLRP_EXPORT_TIMEOUT"))
        self._exporter = exporter
        self._queue: PythonQueue | None = None
        if native:
            self._open_lane(exporter, queue_items, batch_items=batch, delay_ms=max(1, int(delay)))
        else:
            self._queue = PythonQueue(exporter, queue_items, batch, delay / 1000, "log record")
        if _self_observation.enabled():
            _self_observation.observe_processor(
                self, "log", "batching_log_processor", queue_items, meter_provider
            )

    @staticmethod
    def _validate_arguments(
        given_queue_size: int | None, queue_size: int, delay: float, batch: int
    ) -> None:
        if given_queue_size is not None and given_queue_size <= 0:
            raise ValueError("max_queue_size must be a positive integer.")
        if delay <= 0:
            raise ValueError("schedule_delay_millis must be positive.")
        if batch <= 0:
            raise ValueError("max_export_batch_size must be a positive integer.")
        if queue_size and batch > queue_size:
            raise ValueError("max_export_batch_size must be less than or equal to max_queue_size.")

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._queue is None:
            _native.emit_log(self._lane, log_record)
            return
        # The context may hold much; other processors keep it.
        inner = copy.copy(log_record.log_record)
        inner.context = Context()
        self._queue.emit(_readable(log_record, inner))

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Sends what is queued now; False when not all of it got through in time."""
        timeout = self._flush_ms if timeout_millis is None else int(timeout_millis)
        return self._queue.flush(timeout / 1000) if self._queue else self._thread.flush(timeout)

    def shutdown(self, timeout_millis: int = _SHUTDOWN_MILLIS) -> None:
        """Sends what is queued and stops. What does not get through in time is counted and said."""
        if self._queue:
            self._queue.shutdown(timeout_millis / 1000)
        else:
            self._shut_lane(self._exporter, timeout_millis)

    def _pending(self) -> int:
        return (self._queue or self._lane).pending

    def stats(self) -> dict[str, int]:
        """``queued``, ``sent``, ``dropped_full``, ``dropped_failed``, ``rejected``."""
        return (self._queue or self._lane).stats()


SimpleLogRecordProcessor._own_class = SimpleLogRecordProcessor
BatchLogRecordProcessor._own_class = BatchLogRecordProcessor


def _pick(given: float | None, variable: str) -> float:
    return _env.read(variable) if given is None else given


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
