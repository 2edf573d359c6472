"""Base of our log record exporters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vedette import _native
from vedette.exporter.otlp._calls import OtlpCalls
from vedette.sdk._logs.export import LogRecordExporter, LogRecordExportResult


class OtlpLogRecordExporter(OtlpCalls, LogRecordExporter):
    _noun = "log record"
    _result = LogRecordExportResult

    @staticmethod
    def _emit(lane: Any, item: Any) -> bool:
        return _native.emit_log(lane, item)

    @staticmethod
    def _encode(items: Sequence[Any]) -> bytes:
        return _native.encode_logs(items)

    def _is_native(self) -> bool:
        return self._sender is None and type(self).export is OtlpLogRecordExporter.export

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        return self._export(batch)
