"""What a reader receives: ``MetricsData`` and what it is made of (OpenTelemetry specification, "Metrics Data
Model"). Times are Unix nanoseconds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vedette.sdk.metrics._aggregation import AggregationTemporality
from vedette.sdk.metrics._exemplar import Exemplar


def _plain(value: Any) -> Any:
    """As json takes it; what it cannot take becomes its text."""
    to_json = getattr(value, "to_json", None)
    if to_json is not None and not isinstance(value, _Json):
        return json.loads(to_json())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if hasattr(value, "schema_url") and hasattr(value, "attributes"):
        return {"attributes": _plain(dict(value.attributes)), "schema_url": value.schema_url}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


class _Json:
    def to_json(self, indent: int | None = 4) -> str:
        return json.dumps(_plain(self), indent=indent)


@dataclass(frozen=True)
class NumberDataPoint(_Json):
    """One sum or last value."""

    attributes: Mapping[str, Any]
    start_time_unix_nano: int | None
    time_unix_nano: int
    value: int | float
    exemplars: Sequence[Exemplar] = field(default_factory=list)


@dataclass(frozen=True)
class HistogramDataPoint(_Json):
    """One distribution by explicit buckets. ``min`` and ``max`` are infinite when they are not recorded."""

    attributes: Mapping[str, Any]
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: int | float
    bucket_counts: Sequence[int]
    explicit_bounds: Sequence[float]
    min: float
    max: float
    exemplars: Sequence[Exemplar] = field(default_factory=list)


@dataclass(frozen=True)
class Buckets(_Json):
    """Counts of the exponential buckets from ``offset`` on."""

    offset: int
    bucket_counts: Sequence[int]


@dataclass(frozen=True)
class ExponentialHistogramDataPoint(_Json):
    """One distribution by base-2 exponential buckets."""

    attributes: Mapping[str, Any]
    start_time_unix_nano: int
    time_unix_nano: int
    count: int
    sum: int | float
    scale: int
    zero_count: int
    positive: Buckets
    negative: Buckets
    flags: int
    min: float
    max: float
    exemplars: Sequence[Exemplar] = field(default_factory=list)


@dataclass(frozen=True)
class ExponentialHistogram(_Json):
    data_points: Sequence[ExponentialHistogramDataPoint]
    aggregation_temporality: AggregationTemporality


@dataclass(frozen=True)
class Sum(_Json):
    data_points: Sequence[NumberDataPoint]
    aggregation_temporality: AggregationTemporality
    is_monotonic: bool


@dataclass(frozen=True)
class Gauge(_Json):
    data_points: Sequence[NumberDataPoint]


@dataclass(frozen=True)
class Histogram(_Json):
    data_points: Sequence[HistogramDataPoint]
    aggregation_temporality: AggregationTemporality


DataT = Sum | Gauge | Histogram | ExponentialHistogram
DataPointT = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint


@dataclass(frozen=True)
class Metric(_Json):
    name: str
    description: str | None
    unit: str | None
    data: DataT


@dataclass(frozen=True)
class ScopeMetrics(_Json):
    """The metrics of one meter."""

    scope: Any
    metrics: Sequence[Metric]
    schema_url: str | None


@dataclass(frozen=True)
class ResourceMetrics(_Json):
    resource: Any
    scope_metrics: Sequence[ScopeMetrics]
    schema_url: str | None


@dataclass(frozen=True)
class MetricsData(_Json):
    """All that one collection found."""

    resource_metrics: Sequence[ResourceMetrics]


def count_points(data: MetricsData) -> int:
    return sum(
        len(metric.data.data_points)
        for resource_metrics in data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    )


def split(data: MetricsData, points_max: int) -> list[MetricsData]:
    """The same points in pieces of at most ``points_max``."""
    pieces: list[MetricsData] = []
    piece: list[tuple[ResourceMetrics, ScopeMetrics, Metric, list[DataPointT]]] = []
    count = 0

    def close() -> None:
        nonlocal piece, count
        if count:
            pieces.append(MetricsData([_rebuilt(*entry) for entry in piece]))
        piece, count = [], 0

    for resource_metrics in data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                points: list[DataPointT] | None = None
                for point in metric.data.data_points:
                    if points is None:
                        points = []
                        piece.append((resource_metrics, scope_metrics, metric, points))
                    points.append(point)
                    count += 1
                    if count == points_max:
                        close()
                        points = None
    close()
    return pieces


def _rebuilt(
    resource: ResourceMetrics, scope: ScopeMetrics, metric: Metric, points: list[DataPointT]
) -> ResourceMetrics:
    data: Any = metric.data
    part = dataclasses.replace(metric, data=dataclasses.replace(data, data_points=points))
    return dataclasses.replace(resource, scope_metrics=[dataclasses.replace(scope, metrics=[part])])
