"""``opentelemetry.sdk.trace.export.in_memory_span_exporter``: spans kept for a test to look at."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from vedette.sdk.trace import ReadableSpan
from vedette.sdk.trace.export import SpanExporter, SpanExportResult


class InMemorySpanExporter(SpanExporter):
    """Keeps the newest ``max_spans`` spans (``None``: all)."""

    def __init__(self, max_spans: int | None = None) -> None:
        self._finished_spans: deque[ReadableSpan] = deque(maxlen=max_spans)
        self._stopped = False
        self._lock = threading.Lock()

    def clear(self) -> None:
        with self._lock:
            self._finished_spans.clear()

    def get_finished_spans(self) -> tuple[ReadableSpan, ...]:
        with self._lock:
            return tuple(self._finished_spans)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._stopped:
            return SpanExportResult.FAILURE
        with self._lock:
            self._finished_spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """What comes later is refused."""
        self._stopped = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True
