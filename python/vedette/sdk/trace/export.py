"""``opentelemetry.sdk.trace.export``: batches on a native thread that never takes the GIL."""

from __future__ import annotations

import enum
from typing import Any

from vedette import _env, _native

# The queue is bounded by bytes. It holds some 80,000 spans of usual size.
_QUEUE_BYTES = 16 << 20


class SpanExportResult(enum.Enum):
    SUCCESS = 0
    FAILURE = 1


class SpanExporter:
    """Base of exporters. Those of ``vedette.exporter.otlp`` are descriptions: where to send, and how.
    The processor carries them out natively."""

    def _add_lane(self, thread: Any, **batch: int) -> Any:
        raise TypeError(
            f"{type(self).__name__} is written in Python; this version takes the exporters of "
            "vedette.exporter.otlp only"
        )


class SpanProcessor:
    """Base of span processors."""

    def shutdown(self) -> None:
        """Sends what is left and stops."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class BatchSpanProcessor(SpanProcessor):
    """Queues ended spans and sends them in batches.

    Recording never waits for it: when the queue is full the newest span is dropped, counted
    (:meth:`stats`) and reported once. Batches that cannot be sent are kept and tried again.
    """

    def __init__(
        self,
        span_exporter: SpanExporter,
        max_queue_size: int | None = None,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
    ) -> None:
        queue_items = int(_pick(max_queue_size, "OTEL_BSP_MAX_QUEUE_SIZE", 0))
        batch = int(_pick(max_export_batch_size, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512))
        delay = _pick(schedule_delay_millis, "OTEL_BSP_SCHEDULE_DELAY", 5000)
        if max_queue_size is not None and queue_items <= 0:
            raise ValueError("max_queue_size must be a positive integer.")
        if delay <= 0:
            raise ValueError("schedule_delay_millis must be positive.")
        if batch <= 0:
            raise ValueError("max_export_batch_size must be a positive integer.")
        if queue_items and batch > queue_items:
            raise ValueError("max_export_batch_size must be less than or equal to max_queue_size.")
        self.span_exporter = span_exporter
        self._flush_ms = int(_pick(export_timeout_millis, "OTEL_BSP_EXPORT_TIMEOUT", 30000))
        self._thread = _native.ExportThread()
        self._batch = {"batch_items": batch, "delay_ms": max(1, int(delay))}
        self._lane = span_exporter._add_lane(
            self._thread, queue_bytes=_QUEUE_BYTES, queue_items=queue_items, **self._batch
        )

    def _add_log_lane(self, exporter: SpanExporter) -> Any:
        """A queue for log records on the same thread, flushed and shut down together with the spans."""
        return exporter._add_lane(self._thread, queue_bytes=_QUEUE_BYTES, **self._batch)

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Sends what is queued now; False when not all of it got through in time."""
        return self._thread.flush(self._flush_ms if timeout_millis is None else int(timeout_millis))

    def shutdown(self, timeout_millis: int = 5000) -> None:
        """Sends what is queued and stops. What does not get through in time is counted and said."""
        self._thread.shutdown(int(timeout_millis))

    def stats(self) -> dict[str, int]:
        """``queued``, ``sent``, ``dropped_full``, ``dropped_failed``, ``rejected``."""
        return self._lane.stats()


class SimpleSpanProcessor(BatchSpanProcessor):
    """Sends each span as soon as the one before it is through; still on the native thread."""

    def __init__(self, span_exporter: SpanExporter) -> None:
        super().__init__(span_exporter, schedule_delay_millis=1, max_export_batch_size=1)


def _pick(given: float | None, variable: str, default: float) -> float:
    if given is not None:
        return given
    value = _env.number(variable)
    return default if value is None else value
