"""The part of an OTLP span exporter that is called from Python: export()."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from vedette import _native
from vedette.sdk.trace import ReadableSpan
from vedette.sdk.trace.export import SpanExporter, SpanExportResult

logger = logging.getLogger("vedette")


class Sender(Protocol):
    """Sends one encoded request through a client of the application's."""

    def send(self, body: bytes) -> bool: ...

    def close(self) -> None: ...


class OtlpSpanExporter(SpanExporter):
    """Base of our span exporters. A processor carries them out natively; whoever calls export() itself, a
    wrapper for one, waits until the spans have got through, or the exporter's timeout is over.

    With a ``Sender`` (a session or credentials of the application's) the sending is Python's throughout.
    """

    _sender: Sender | None = None
    _own_thread: Any = None
    _own_lane: Any = None
    _shutdown = False
    _lock = threading.Lock()

    def _is_native(self) -> bool:
        return self._sender is None and type(self).export is OtlpSpanExporter.export

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._shutdown:
            logger.warning("Exporter already shutdown, ignoring batch")
            return SpanExportResult.FAILURE
        done = self._send_by_sender(spans) if self._sender else self._send_natively(spans)
        return SpanExportResult.SUCCESS if done else SpanExportResult.FAILURE

    def _send_natively(self, spans: Sequence[ReadableSpan]) -> bool:
        with OtlpSpanExporter._lock:
            if self._own_lane is None:
                self._own_thread = _native.ExportThread()
                self._own_lane = self._add_lane(self._own_thread)
        queued = [self._own_lane.emit(span) for span in spans]
        return self._own_thread.flush(int(1000 * self._timeout)) and all(queued)

    def _send_by_sender(self, spans: Sequence[ReadableSpan]) -> bool:
        body = _native.encode_spans(spans)
        if 0 < self._max_request_size < len(body):
            logger.warning(
                "Dropping span batch: serialized size %d bytes exceeds max_request_size %d bytes.",
                len(body),
                self._max_request_size,
            )
            return False
        return self._sender.send(body)

    def shutdown(self, timeout_millis: float = 5000) -> None:
        if self._shutdown:
            return
        self._shutdown = True
        if self._sender:
            self._sender.close()
        if self._own_thread:
            self._own_thread.shutdown(int(timeout_millis))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._own_thread.flush(int(timeout_millis)) if self._own_thread else True
