"""Base of our span exporters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vedette import _native
from vedette.exporter.otlp._calls import OtlpCalls
from vedette.sdk.trace.export import SpanExporter, SpanExportResult


class OtlpSpanExporter(OtlpCalls, SpanExporter):
    _noun = "span"
    _result = SpanExportResult

    @staticmethod
    def _emit(lane: Any, item: Any) -> bool:
        return lane.emit(item)

    @staticmethod
    def _encode(items: Sequence[Any]) -> bytes:
        return _native.encode_spans(items)

    def _is_native(self) -> bool:
        return self._sender is None and type(self).export is OtlpSpanExporter.export

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        return self._export(spans)
