"""``opentelemetry.exporter.otlp.proto.http._log_exporter``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.metrics import MeterProvider

from vedette.exporter.otlp._lane import HttpExporter
from vedette.exporter.otlp._logs import OtlpLogRecordExporter
from vedette.exporter.otlp.proto.http import Compression

DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = "http://localhost:4318/"
DEFAULT_LOGS_EXPORT_PATH = "v1/logs"
DEFAULT_TIMEOUT = 10  # seconds


class OTLPLogExporter(OtlpLogRecordExporter, HttpExporter):
    """Sends log records by OTLP/HTTP. ``endpoint`` is the whole URL, such as ``http://localhost:4318/v1/logs``; without
    it the ``OTEL_EXPORTER_OTLP_*`` variables count. ``timeout`` is in seconds, ``max_request_size`` in bytes before
    compression (0: no limit). A ``session`` of the requests package takes the sending out of the native thread."""

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        compression: Compression | str | None = None,
        session: Any = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        HttpExporter.__init__(self, "logs", "/v1/logs", endpoint, headers, timeout, compression,
                              certificate_file, client_certificate_file, client_key_file,
                              max_request_size)  # fmt: skip
        self._set_meter_provider(meter_provider)
        self._send_through(session)
