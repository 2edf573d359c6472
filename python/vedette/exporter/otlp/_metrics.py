"""What the OTLP metric exporters have in common."""

from __future__ import annotations

import logging
from typing import Any

from vedette import _env, _native
from vedette.exporter.otlp._calls import Sender
from vedette.sdk.metrics._aggregation import (
    Aggregation,
    AggregationTemporality,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)
from vedette.sdk.metrics._instruments import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from vedette.sdk.metrics._point import MetricsData, count_points, split
from vedette.sdk.metrics._reader import MetricExporter, MetricExportResult

logger = logging.getLogger("vedette.sdk.metrics")

# A collection is told to go as soon as it is queued; this is only what happens if it is not.
_DELAY_MILLIS = 60_000
_ALL = 1 << 30


def preferred_temporality(
    given: dict[type, AggregationTemporality] | None,
) -> dict[type, AggregationTemporality]:
    """By instrument kind, from ``OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`` and what is given."""
    preference = str(_env.read("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")).lower()
    delta: tuple[type, ...] = ()
    if preference == "delta":
        delta = (Counter, Histogram, ObservableCounter)
    elif preference == "lowmemory":
        delta = (Counter, Histogram)
    kinds = (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter,
             ObservableGauge)  # fmt: skip
    chosen: dict[type, AggregationTemporality] = {
        kind: AggregationTemporality.DELTA if kind in delta else AggregationTemporality.CUMULATIVE
        for kind in kinds
    }
    return {**chosen, **(given or {})}


def preferred_aggregation(given: dict[type, Aggregation] | None) -> dict[type, Aggregation]:
    """From ``OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`` and what is given."""
    name = _env.read("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION")
    exponential = name == "base2_exponential_bucket_histogram"
    histogram: Aggregation = (
        ExponentialBucketHistogramAggregation()
        if exponential
        else ExplicitBucketHistogramAggregation()
    )
    return {Histogram: histogram, **(given or {})}


class OtlpMetricExporter(MetricExporter):
    """A description of where to send to, and how; a native thread carries it out. It starts with the first
    export. With a ``Sender`` (a session or credentials of the application's) the sending is Python's."""

    _sender: Sender | None = None
    _max_request_size = 0

    def __init__(self, temporality: Any, aggregation: Any, batch: int | None) -> None:
        super().__init__(preferred_temporality(temporality), preferred_aggregation(aggregation))
        self._max_export_batch_size = batch
        self._thread = _native.ExportThread()
        self._lanes: dict[int, Any] = {}
        self._shutdown = False

    # Of the class it is mixed into.
    _add_lane: Any
    _observed: Any
    _set_meter_provider: Any

    def _native_sink(self, points_max: int | None = None) -> tuple[Any, int] | None:
        """The lane to collect into and how many points one message of it may hold; None for a subclass that
        wants to see what is exported."""
        if self._sender or type(self).export is not OtlpMetricExporter.export:
            return None
        return self._sink(points_max or self._max_export_batch_size or 0)

    def _sink(self, points_max: int) -> tuple[Any, int]:
        # A request then holds so many messages of one point each.
        if points_max not in self._lanes:
            self._lanes[points_max] = self._add_lane(
                self._thread,
                behind_queue=False,
                batch_items=points_max or _ALL,
                delay_ms=_DELAY_MILLIS,
            )
        return self._lanes[points_max], min(points_max, 1)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Sends and waits. What does not get through in time is tried again later, but FAILURE is answered."""
        if self._shutdown:
            logger.warning("Exporter already shutdown, ignoring batch")
            return MetricExportResult.FAILURE
        if self._sender:
            size = self._max_export_batch_size
            pieces = split(metrics_data, size) if size else [metrics_data]
            sent = all([self._send(piece) for piece in pieces])
            return MetricExportResult.SUCCESS if sent else MetricExportResult.FAILURE
        lane, points_max = self._sink(self._max_export_batch_size or 0)
        done = _native.queue_metrics(lane, metrics_data, points_max)
        done = self.force_flush(10_000 if timeout_millis is None else timeout_millis) and done
        return MetricExportResult.SUCCESS if done else MetricExportResult.FAILURE

    def _send(self, piece: MetricsData) -> bool:
        return self._observed(
            count_points(piece), lambda: self._send_body(_native.encode_metrics(piece))
        )

    def _send_body(self, body: bytes) -> bool:
        if 0 < self._max_request_size < len(body):
            logger.warning(
                "Dropping metrics batch: serialized size %d bytes exceeds max_request_size %d bytes.",
                len(body), self._max_request_size,
            )  # fmt: skip
            return False
        return self._sender is not None and self._sender.send(body)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Sends what is queued; False when not all of it got through in time."""
        return bool(self._thread.flush(int(timeout_millis)))

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Sends what is queued and stops. What does not get through in time is counted and said."""
        if self._shutdown:
            logger.warning("Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        if self._sender:
            self._sender.close()
        self._thread.shutdown(int(timeout_millis))

    def set_meter_provider(self, meter_provider: Any) -> None:
        """The exporter's own metrics, ``otel.sdk.exporter.*``, go there from now on, if they are wanted."""
        self._set_meter_provider(meter_provider)
