"""``opentelemetry.exporter.otlp.proto.http._log_exporter``"""

from __future__ import annotations

from typing import Any

from vedette.exporter.otlp._lane import HttpExporter


class OTLPLogExporter(HttpExporter):
    """Sends log records by OTLP/HTTP. ``endpoint`` is the whole URL, such as ``http://localhost:4318/v1/logs``."""

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Any = None,
        timeout: float | None = None,
        compression: Any = None,
    ) -> None:
        super().__init__("logs", "/v1/logs", endpoint, headers, timeout, compression,
                         certificate_file, client_certificate_file, client_key_file)  # fmt: skip
