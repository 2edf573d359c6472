"""``opentelemetry.sdk.trace.export``: from spans that have ended to exporters.

The exporters of ``vedette.exporter.otlp`` are served by a native thread that never takes the GIL; any other by a
Python thread of its own. Neither is waited for when a span ends.
"""

from __future__ import annotations

import enum
import logging
import sys
from collections.abc import Callable, Sequence
from os import linesep
from typing import IO, Any

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    detach,
    set_value,
)
from opentelemetry.metrics import MeterProvider

from vedette import _env, _native
from vedette.sdk import _self_observation
from vedette.sdk.trace import ReadableSpan, Span, SpanProcessor
from vedette.sdk.trace.export._python_queue import PythonQueue, shut_exporter

logger = logging.getLogger("vedette")

# The native queue is bounded by bytes. It holds some 80,000 spans of usual size.
_QUEUE_BYTES = 16 << 20
_DEFAULT_MAX_QUEUE_SIZE = 2048  # of a Python exporter
_SHUTDOWN_MILLIS = 5000


class SpanExportResult(enum.Enum):
    SUCCESS = 0
    FAILURE = 1


class SpanExporter:
    """Sends spans somewhere. Derive from it and give it to a processor."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Takes a batch. Is not called again before it has returned."""

    def shutdown(self) -> None:
        """Nothing comes after that."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what it may have kept; False when that took longer than the timeout."""


def _takes_lane(exporter: Any) -> bool:
    """Is the sending all native? A class derived from one of ours may do it otherwise."""
    native = getattr(exporter, "_is_native", None)
    return native is not None and native()


class _ExportingProcessor(SpanProcessor):
    """What both processors do for an exporter of ours: a native queue takes the spans."""

    _own_class: type[SpanProcessor]
    _thread: Any = None
    _lane: Any = None

    def _open_lane(self, exporter: Any, queue_items: int, **batch: int) -> None:
        self._batch = batch
        self._thread = _native.ExportThread()
        self._lane = exporter._add_lane(
            self._thread, queue_bytes=_QUEUE_BYTES, queue_items=queue_items, **batch
        )

    def _add_log_lane(self, exporter: Any) -> Any:
        """A queue for log records on the same thread, flushed and shut down together with the spans."""
        return exporter._add_lane(self._thread, queue_bytes=_QUEUE_BYTES, **self._batch)

    def _lane_for_spans(self) -> Any:
        overridden = any(
            getattr(type(self), name) is not getattr(self._own_class, name)
            for name in ("on_start", "_on_ending", "on_ending", "on_end")
        )
        return None if overridden else self._lane

    def _shut_lane(self, exporter: Any, timeout_millis: float) -> None:
        self._thread.shutdown(int(timeout_millis))
        shut_exporter(exporter, 0.0)


class SimpleSpanProcessor(_ExportingProcessor):
    """Hands each span to the exporter as it ends: to one of ours without waiting for it; to any other at once, on
    the thread that ended the span."""

    def __init__(
        self, span_exporter: SpanExporter, *, meter_provider: MeterProvider | None = None
    ) -> None:
        self.span_exporter = span_exporter
        self._shutdown = False
        if _takes_lane(span_exporter):
            self._open_lane(span_exporter, 0, batch_items=1, delay_ms=1)
            if _self_observation.enabled():
                _self_observation.observe_processor(
                    self, "span", "simple_span_processor", 0, meter_provider
                )

    def on_end(self, span: ReadableSpan) -> None:
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._lane is not None:
            self._lane.emit(span)
            return
        if self._shutdown:
            logger.warning("Processor is already shutdown, ignoring call")
            return
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            self.span_exporter.export((span,))
        except Exception:
            logger.exception("Exception while exporting Span.")
        finally:
            detach(token)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._thread.flush(int(timeout_millis)) if self._thread else True

    def shutdown(self, timeout_millis: int = _SHUTDOWN_MILLIS) -> None:
        self._shutdown = True
        if self._thread:
            self._shut_lane(self.span_exporter, timeout_millis)
        else:
            shut_exporter(self.span_exporter, timeout_millis / 1000)

    def _pending(self) -> int:
        return self._lane.pending

    @property
    def _exporter(self) -> SpanExporter:
        return self.span_exporter

    def stats(self) -> dict[str, int]:
        """As :meth:`BatchSpanProcessor.stats`; empty for an exporter written in Python."""
        return self._lane.stats() if self._lane is not None else {}


class BatchSpanProcessor(_ExportingProcessor):
    """Queues ended spans and sends them in batches.

    Recording never waits for it: when the queue is full the newest span is dropped, counted (:meth:`stats`) and
    reported once. Batches that an exporter of ours cannot send are kept and tried again. Its queue is bounded by
    bytes, and by ``max_queue_size`` where that is given; the queue of any other exporter holds 2,048 spans unless it
    is.
    """

    def __init__(
        self,
        span_exporter: SpanExporter,
        max_queue_size: int | None = None,
        schedule_delay_millis: float | None = None,
        max_export_batch_size: int | None = None,
        export_timeout_millis: float | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        native = _takes_lane(span_exporter)
        queue_items = int(
            _pick(
                max_queue_size,
                "OTEL_BSP_MAX_QUEUE_SIZE",
                0 if native else _DEFAULT_MAX_QUEUE_SIZE,
            )
        )
        batch = int(_pick(max_export_batch_size, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512))
        delay = _pick(schedule_delay_millis, "OTEL_BSP_SCHEDULE_DELAY", 5000)
        if max_export_batch_size is None and queue_items:
            batch = min(batch, queue_items)
        self._validate_arguments(max_queue_size, queue_items, delay, batch)
        self._flush_ms = int(_pick(export_timeout_millis, "OTEL_BSP_EXPORT_TIMEOUT", 30000))
        self._exporter = span_exporter
        self._queue: PythonQueue | None = None
        if native:
            self._open_lane(
                span_exporter, queue_items, batch_items=batch, delay_ms=max(1, int(delay))
            )
        else:
            self._queue = PythonQueue(span_exporter, queue_items, batch, delay / 1000, "span")
        if _self_observation.enabled():
            _self_observation.observe_processor(
                self, "span", "batching_span_processor", queue_items, meter_provider
            )

    @staticmethod
    def _validate_arguments(
        given_queue_size: int | None, queue_size: int, delay: float, batch: int
    ) -> None:
        if given_queue_size is not None and queue_size <= 0:
            raise ValueError("max_queue_size must be a positive integer.")
        if delay <= 0:
            raise ValueError("schedule_delay_millis must be positive.")
        if batch <= 0:
            raise ValueError("max_export_batch_size must be a positive integer.")
        if queue_size and batch > queue_size:
            raise ValueError("max_export_batch_size must be less than or equal to max_queue_size.")

    @property
    def span_exporter(self) -> SpanExporter:
        return self._exporter

    def on_end(self, span: ReadableSpan) -> None:
        if span.context and span.context.trace_flags.sampled:
            (self._queue or self._lane).emit(span)

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


SimpleSpanProcessor._own_class = SimpleSpanProcessor
BatchSpanProcessor._own_class = BatchSpanProcessor


class ConsoleSpanExporter(SpanExporter):
    """Writes spans as JSON to ``out``."""

    def __init__(
        self,
        service_name: str | None = None,
        out: IO[str] = sys.stdout,
        formatter: Callable[[ReadableSpan], str] = lambda span: span.to_json() + linesep,
    ) -> None:
        self.out = out
        self.formatter = formatter
        self.service_name = service_name

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self.out.write(self.formatter(span))
        self.out.flush()
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def _pick(given: float | None, variable: str, default: float) -> float:
    if given is not None:
        return given
    value = _env.number(variable)
    return default if value is None else value


__all__ = [
    "BatchSpanProcessor",
    "ConsoleSpanExporter",
    "Context",
    "ReadableSpan",
    "SimpleSpanProcessor",
    "Span",
    "SpanExportResult",
    "SpanExporter",
    "SpanProcessor",
]
