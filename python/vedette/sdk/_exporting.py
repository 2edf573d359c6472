"""What the processors of spans and of log records have in common: a queue before an exporter.

The exporters of ``vedette.exporter.otlp`` are served by a native thread that never takes the GIL; any other by a Python
thread of its own. Specification: trace/sdk.md and logs/sdk.md, "Batching processor".
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import MeterProvider

from vedette import _env, _native

if TYPE_CHECKING:
    from vedette.sdk._python_queue import PythonQueue

logger = logging.getLogger("vedette")

# The native queue is bounded by bytes. It holds some 80,000 spans of usual size.
QUEUE_BYTES = 16 << 20
SHUTDOWN_MILLIS = 5000
_DEFAULT_MAX_QUEUE_SIZE = 2048  # of a Python exporter


def _takes_lane(exporter: Any) -> bool:
    """Is the sending all native? A class derived from one of ours may do it otherwise."""
    native = getattr(exporter, "_is_native", None)
    return native is not None and native()


class ExportingProcessor:
    """Times are in milliseconds. A derived class says which methods, overridden, take the native path away."""

    _signal: str  # "span" or "log", as in the names of metrics
    _noun: str
    _hooks: tuple[str, ...]
    _own_class: type
    _exporter: Any
    _thread: Any = None
    _lane: Any = None
    _queue: PythonQueue | None = None
    _flush_ms = 30000

    def _open_lane(self, exporter: Any, queue_items: int, **batch: int) -> None:
        self._batch = batch
        self._thread = _native.ExportThread()
        self._lane = exporter._add_lane(
            self._thread, queue_bytes=QUEUE_BYTES, queue_items=queue_items, **batch
        )

    def _own_lane(self) -> Any:
        """The native queue that does all this processor does, or ``None``."""
        overridden = any(
            getattr(type(self), name) is not getattr(self._own_class, name) for name in self._hooks
        )
        return None if overridden else self._lane

    def _begin_simple(self, exporter: Any, meter_provider: MeterProvider | None) -> None:
        self._exporter = exporter
        if _takes_lane(exporter):
            self._open_lane(exporter, 0, batch_items=1, delay_ms=1)
            self._observe("simple", 0, meter_provider)

    def _begin_batch(
        self,
        exporter: Any,
        prefix: str,
        max_queue_size: int | None,
        schedule_delay: float | None,
        max_export_batch_size: int | None,
        export_timeout: float | None,
        meter_provider: MeterProvider | None,
    ) -> None:
        """``prefix``: of the variables that hold where an argument is not given."""

        def pick(given: float | None, name: str) -> Any:
            return _env.read(f"{prefix}_{name}") if given is None else given

        native = _takes_lane(exporter)
        size = max_queue_size if max_queue_size is not None else _env.given(f"{prefix}_MAX_QUEUE_SIZE")  # fmt: skip
        queue_items = int((0 if native else _DEFAULT_MAX_QUEUE_SIZE) if size is None else size)
        batch = int(pick(max_export_batch_size, "MAX_EXPORT_BATCH_SIZE"))
        delay = pick(schedule_delay, "SCHEDULE_DELAY")
        if max_export_batch_size is None and queue_items > 0:
            batch = min(batch, queue_items)
        self._validate_arguments(max_queue_size, queue_items, delay, batch)
        self._flush_ms = int(pick(export_timeout, "EXPORT_TIMEOUT"))
        self._exporter = exporter
        if native:
            self._open_lane(exporter, queue_items, batch_items=batch, delay_ms=max(1, int(delay)))
        else:
            from vedette.sdk._python_queue import PythonQueue  # few have such an exporter

            self._queue = PythonQueue(exporter, queue_items, batch, delay / 1000, self._noun)
        self._observe("batching", queue_items, meter_provider)

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

    def _observe(self, kind: str, capacity: int, meter_provider: MeterProvider | None) -> None:
        if _env.read("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"):
            from vedette.sdk import _self_observation

            name = f"{kind}_{self._signal}_processor"
            _self_observation.observe_processor(self, self._signal, name, capacity, meter_provider)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Sends what is queued now; False when not all of it got through in time."""
        timeout = self._flush_ms if timeout_millis is None else int(timeout_millis)
        if self._queue:
            return self._queue.flush(timeout / 1000)
        return self._thread.flush(timeout) if self._thread else True

    def shutdown(self, timeout_millis: int = SHUTDOWN_MILLIS) -> None:
        """Sends what is queued and stops. What does not get through in time is counted and said."""
        if self._queue:
            self._queue.shutdown(timeout_millis / 1000)
        elif self._thread:
            self._thread.shutdown(int(timeout_millis))
            shut_exporter(self._exporter, 0.0)
        else:
            shut_exporter(self._exporter, timeout_millis / 1000)

    def _pending(self) -> int:
        return (self._queue or self._lane).pending

    def stats(self) -> dict[str, int]:
        """``queued``, ``sent``, ``dropped_full``, ``dropped_failed``, ``rejected``; empty where there is no queue."""
        queue = self._queue or self._lane
        return queue.stats() if queue is not None else {}


def shut_exporter(exporter: Any, timeout: float) -> None:
    """``exporter.shutdown()``, with the time that is left where it takes that."""
    try:
        takes_timeout = "timeout_millis" in inspect.signature(exporter.shutdown).parameters
    except (TypeError, ValueError):
        takes_timeout = False
    try:
        if takes_timeout:
            exporter.shutdown(timeout_millis=timeout * 1000)
        else:
            exporter.shutdown()
    except Exception:
        logger.exception("%r could not be shut down", exporter)
