"""``opentelemetry.exporter.otlp.proto.grpc._log_exporter``"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.metrics import MeterProvider

from vedette.exporter.otlp._lane import GrpcExporter
from vedette.exporter.otlp._logs import OtlpLogRecordExporter

_METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


class OTLPLogExporter(OtlpLogRecordExporter, GrpcExporter):
    """Sends log records by OTLP/gRPC. ``endpoint`` is ``http://host:port`` or ``https://host:port``, or ``host:port``,
    where ``insecure`` decides about TLS. ``timeout`` is in seconds.

    ``credentials`` and ``channel_options`` are those of the grpc package: then it does the sending, on a Python
    thread, and must be installed. Certificate files do without."""

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: Any = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None = None,
        timeout: float | None = None,
        compression: Any = None,
        channel_options: Any = None,
        retryable_error_codes: Iterable[Any] | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
    ) -> None:
        GrpcExporter.__init__(self, "logs", endpoint, insecure, headers, timeout, compression,
                              certificate_file, client_certificate_file, client_key_file,
                              retryable_error_codes)  # fmt: skip
        self._set_meter_provider(meter_provider)
        self._send_through(credentials, channel_options, _METHOD)
