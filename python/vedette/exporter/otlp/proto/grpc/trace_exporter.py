"""``opentelemetry.exporter.otlp.proto.grpc.trace_exporter``"""

from __future__ import annotations

from typing import Any

from vedette.exporter.otlp._lane import GrpcExporter


class OTLPSpanExporter(GrpcExporter):
    """Sends spans by OTLP/gRPC. ``endpoint`` is ``http://host:port`` or ``https://host:port``, or
    ``host:port``, where ``insecure`` decides about TLS."""

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: Any = None,
        headers: Any = None,
        timeout: float | None = None,
        compression: Any = None,
        *,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
    ) -> None:
        if credentials is not None:
            raise TypeError(
                "credentials of the grpc package cannot be read back; give certificate_file, "
                "client_certificate_file and client_key_file instead"
            )
        super().__init__("traces", endpoint, insecure, headers, timeout, compression,
                         certificate_file, client_certificate_file, client_key_file)  # fmt: skip
