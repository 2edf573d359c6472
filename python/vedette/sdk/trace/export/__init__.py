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
from typing import IO, TYPE_CHECKING, Any

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,
    Context,
    attach,
    detach,
    set_value,
)
from opentelemetry.metrics import MeterProvider

from vedette.sdk._exporting import QUEUE_BYTES, SHUTDOWN_MILLIS, ExportingProcessor
from vedette.sdk.trace import Span, SpanProcessor

if TYPE_CHECKING:
    from vedette.sdk.trace import ReadableSpan

logger = logging.getLogger("vedette")


def __getattr__(name: str) -> Any:
    if name == "ReadableSpan":  # as in vedette.sdk.trace
        from vedette.sdk.trace import ReadableSpan

        return ReadableSpan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class SpanExportResult(enum.Enum):
    SUCCESS = 0
    FAILURE = 1


class SpanExporter:
    """Sends spans somewhere. Derive from it and give it to a processor."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # type: ignore[empty-body]
        """Takes a batch. Is not called again before it has returned."""

    def shutdown(self) -> None:
        """Nothing comes after that."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # type: ignore[empty-body]
        """Sends what it may have kept; False when that took longer than the timeout."""


class _ExportingProcessor(ExportingProcessor, SpanProcessor):
    _signal = _noun = "span"
    _hooks = ("on_start", "_on_ending", "on_ending", "on_end")

    def _add_log_lane(self, exporter: Any) -> Any:
        """A queue for log records on the same thread, flushed and shut down together with the spans."""
        return exporter._add_lane(self._thread, queue_bytes=QUEUE_BYTES, **self._batch)

    def _lane_for_spans(self) -> Any:
        return self._own_lane()

    @property
    def span_exporter(self) -> SpanExporter:
        return self._exporter


class SimpleSpanProcessor(_ExportingProcessor):
    """Hands each span to the exporter as it ends: to one of ours without waiting for it; to any other at once, on
    the thread that ended the span."""

    def __init__(
        self, span_exporter: SpanExporter, *, meter_provider: MeterProvider | None = None
    ) -> None:
        self._shutdown = False
        self._begin_simple(span_exporter, meter_provider)

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

    def shutdown(self, timeout_millis: int = SHUTDOWN_MILLIS) -> None:
        self._shutdown = True
        super().shutdown(timeout_millis)


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
        self._begin_batch(
            span_exporter, "OTEL_BSP", max_queue_size, schedule_delay_millis,
            max_export_batch_size, export_timeout_millis, meter_provider,
        )  # fmt: skip

    def on_end(self, span: ReadableSpan) -> None:
        if span.context and span.context.trace_flags.sampled:
            (self._queue or self._lane).emit(span)


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
