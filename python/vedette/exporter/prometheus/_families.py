"""Metrics data as families of the exposition, for what does not come from native streams: metric producers' points, and
the provider's own behind a metric filter. Delta sums and histograms are added up here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from vedette.exporter.prometheus._names import Named, Names
from vedette.prometheus.core import Metric as Family
from vedette.prometheus.utils import floatToGoString
from vedette.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    Sum,
)

logger = logging.getLogger("vedette.sdk.metrics")


class Families:
    """Of one reader; called by one thread at a time."""

    def __init__(self, names: Names, kinds: dict[str, str]) -> None:
        self._names = names
        self._kinds = kinds  # the type of each name, shared with the native streams
        self._totals: dict[tuple[Any, ...], Any] = {}  # of what comes as deltas

    def of(self, data: MetricsData | None) -> list[Family]:
        """Those there are; exponential histograms have no form in text, and delta sums that may fall no meaning."""
        families: dict[str, Family] = {}
        for group in data.resource_metrics if data else ():
            for scoped in group.scope_metrics:
                fixed = self._names.fixed(scoped.scope, group.resource)
                for metric in scoped.metrics:
                    try:
                        self._add(families, metric, fixed)
                    except Exception:
                        logger.exception("The metric %r cannot be shown.", metric.name)
        return list(families.values())

    def _add(self, families: dict[str, Family], metric: Metric, fixed: dict[str, str]) -> None:
        data: Any = metric.data
        monotonic = isinstance(data, Sum) and data.is_monotonic
        delta = getattr(data, "aggregation_temporality", None) == AggregationTemporality.DELTA
        aggregation = {Sum: "sum", Gauge: "last_value", Histogram: "histogram"}.get(type(data))
        if aggregation is None or (delta and aggregation == "sum" and not monotonic):
            return
        named = self._names.of(metric.name, metric.unit or "", aggregation, monotonic)
        if named is None or self._kinds.setdefault(named.full, named.type_name) != named.type_name:
            return
        family = families.get(named.full)
        if family is None:
            # OpenMetrics, which families follow, has no counter without "_total".
            kind = {"sum": "gauge", "plain_counter": "unknown"}.get(named.kind, named.kind)
            family = Family(named.name, metric.description or "", kind, named.unit)
            families[named.full] = family
        for point in data.data_points:
            labels = {**self._names.labels(point.attributes or {}), **fixed}
            if isinstance(point, HistogramDataPoint):
                self._histogram(family, named, point, labels, delta)
            else:
                value = self._total(named, labels, [point.value], ())[0] if delta else point.value
                family.add_sample(named.full, labels, value)

    def _histogram(
        self, family: Family, named: Named, point: HistogramDataPoint, labels: dict[str, str], delta: bool
    ) -> None:  # fmt: skip
        bounds = tuple(point.explicit_bounds)
        counts: Sequence[float] = point.bucket_counts or [point.count]
        total = point.sum
        if delta:
            total, *counts = self._total(named, labels, [total, *counts], bounds)
        below = 0.0
        for bound, count in zip((*bounds, float("inf")), counts, strict=True):
            below += count
            family.add_sample(
                named.name + "_bucket", {**labels, "le": floatToGoString(bound)}, below
            )
        family.add_sample(named.name + "_count", labels, below)
        if not bounds or bounds[0] >= 0:
            family.add_sample(named.name + "_sum", labels, total)

    def _total(
        self, named: Named, labels: dict[str, str], values: list[float], bounds: tuple[float, ...]
    ) -> list[float]:
        key = (named.full, tuple(sorted(labels.items())), bounds)
        known = self._totals.get(key)
        self._totals[key] = [a + b for a, b in zip(known, values, strict=True)] if known else values
        return list(self._totals[key])
