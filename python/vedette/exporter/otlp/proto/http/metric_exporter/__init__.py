"""``opentelemetry.exporter.otlp.proto.http.metric_exporter``"""

from __future__ import annotations

from typing import Any

from vedette.exporter.otlp._lane import HttpExporter
from vedette.exporter.otlp._metrics import OtlpMetricExporter
from vedette.sdk.metrics.export import AggregationTemporality
from vedette.sdk.metrics.view import Aggregation


class OTLPMetricExporter(OtlpMetricExporter, HttpExporter):
    """Sends metrics by OTLP/HTTP. ``endpoint`` is the whole URL, "http://host:4318/v1/metrics"; ``timeout`` is
    in seconds and for one attempt; a request holds at most ``max_export_batch_size`` points and, before
    compression, ``max_request_size`` bytes. A ``session`` of the requests package takes the sending out of the
    native thread."""

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Any = None,
        timeout: float | None = None,
        compression: Any = None,
        session: Any = None,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        max_export_batch_size: int | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: Any = None,
    ) -> None:
        HttpExporter.__init__(self, "metrics", "/v1/metrics", endpoint, headers, timeout, compression,
                              certificate_file, client_certificate_file, client_key_file,
                              max_request_size)  # fmt: skip
        OtlpMetricExporter.__init__(
            self, preferred_temporality, preferred_aggregation, max_export_batch_size
        )
        self._set_meter_provider(meter_provider)
        self._send_through(session)


__all__ = ["OTLPMetricExporter"]
