"""``opentelemetry.exporter.otlp.proto.grpc.metric_exporter``"""

from __future__ import annotations

from typing import Any

from vedette.exporter.otlp._lane import GrpcExporter
from vedette.exporter.otlp._metrics import OtlpMetricExporter
from vedette.sdk.metrics.export import AggregationTemporality
from vedette.sdk.metrics.view import Aggregation

_METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


class OTLPMetricExporter(OtlpMetricExporter, GrpcExporter):
    """Sends metrics by OTLP/gRPC. ``endpoint`` is ``http://host:port`` or ``https://host:port``, or
    ``host:port``, where ``insecure`` decides about TLS; a request holds at most ``max_export_batch_size``
    points. With ``credentials`` or ``channel_options`` the grpc package does the sending, on a Python thread."""

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: Any = None,
        headers: Any = None,
        timeout: float | None = None,
        compression: Any = None,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        channel_options: Any = None,
        retryable_error_codes: Any = None,
        *,
        meter_provider: Any = None,
    ) -> None:
        GrpcExporter.__init__(self, "metrics", endpoint, insecure, headers, timeout, compression,
                              None, None, None, retryable_error_codes)  # fmt: skip
        OtlpMetricExporter.__init__(
            self, preferred_temporality, preferred_aggregation, max_export_batch_size
        )
        self._set_meter_provider(meter_provider)
        self._send_through(credentials, channel_options, _METHOD)


__all__ = ["OTLPMetricExporter"]
