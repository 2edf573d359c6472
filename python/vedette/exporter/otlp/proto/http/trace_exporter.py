"""``opentelemetry.exporter.otlp.proto.http.trace_exporter``"""

from __future__ import annotations

from typing import Any, Optional

from vedette.exporter.otlp._lane import HttpExporter


class OTLPSpanExporter(HttpExporter):
    """Sends spans by OTLP/HTTP. ``endpoint`` is the whole URL, such as
    ``http://localhost:4318/v1/traces``; without it the ``OTEL_EXPORTER_OTLP_*`` variables count."""

    def __init__(
        self,
        endpoint: Optional[str] = None,
        certificate_file: Optional[str] = None,
        client_key_file: Optional[str] = None,
        client_certificate_file: Optional[str] = None,
        headers: Any = None,
        timeout: Optional[float] = None,
        compression: Any = None,
    ) -> None:
        super().__init__("traces", "/v1/traces", endpoint, headers, timeout, compression,
                         certificate_file, client_certificate_file, client_key_file)  # fmt: skip
