"""Metric producers, which other sources of metrics are to a reader, and the filter that a reader gives them.

OpenTelemetry specification, "Metrics SDK": MetricProducer, MetricFilter. A reader calls both on the thread that collects.
"""

from __future__ import annotations

import abc
import dataclasses
import logging
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from vedette.sdk.metrics._point import (
    DataT,
    ExponentialHistogram,
    Gauge,
    Histogram,
    Metric,
    ScopeMetrics,
    Sum,
)

logger = logging.getLogger("vedette.sdk.metrics")


class MetricFilterResult(Enum):
    ACCEPT = "accept"
    DROP = "drop"
    ACCEPT_PARTIAL = "accept_partial"
    """Each set of attributes is asked about."""


class AttributesFilterResult(Enum):
    ACCEPT = "accept"
    DROP = "drop"


class MetricFilter(abc.ABC):
    """Which metrics are wanted. ``kind`` is the class of a metric's data: Sum, Gauge, Histogram or
    ExponentialHistogram. What a filter raises is logged, and the metric accepted."""

    @abc.abstractmethod
    def test_metric(
        self, instrumentation_scope: Any, name: str, kind: type[DataT], unit: str
    ) -> MetricFilterResult:
        """About all points of a metric; called once for a collection."""

    def test_attributes(
        self,
        instrumentation_scope: Any,
        name: str,
        kind: type[DataT],
        unit: str,
        attributes: Mapping[str, Any],
    ) -> AttributesFilterResult:
        """About one point, of a metric that is accepted in part."""
        return AttributesFilterResult.ACCEPT


class MetricProducer(abc.ABC):
    """A source of metrics that have been aggregated already. What it raises is logged; what others produce, and the
    SDK's own metrics, go their way."""

    @abc.abstractmethod
    def produce(
        self, metric_filter: MetricFilter | None = None, timeout_millis: float = 10_000
    ) -> Iterable[ScopeMetrics]:
        """The metrics there are now that the filter lets through; ``filtered()`` is one way to ask it. They are reported
        under the resource of the reader's provider."""


class Sieve:
    """A filter's answers, whatever it raises."""

    def __init__(self, metric_filter: MetricFilter) -> None:
        self._filter = metric_filter

    def metric(self, scope: Any, name: str, kind: type[DataT], unit: str) -> MetricFilterResult:
        try:
            return MetricFilterResult(self._filter.test_metric(scope, name, kind, unit))
        except Exception:
            logger.exception("A metric filter failed; the metric %s is accepted.", name)
            return MetricFilterResult.ACCEPT

    def keeps(
        self, scope: Any, name: str, kind: type[DataT], unit: str, attributes: Mapping[str, Any]
    ) -> bool:
        try:
            answer = self._filter.test_attributes(scope, name, kind, unit, attributes)
            return AttributesFilterResult(answer) is AttributesFilterResult.ACCEPT
        except Exception:
            logger.exception("A metric filter failed; a point of %s is accepted.", name)
            return True


def filtered(
    batch: Iterable[ScopeMetrics], metric_filter: MetricFilter | None
) -> list[ScopeMetrics]:
    """What of ``batch`` the filter lets through."""
    if metric_filter is None:
        return list(batch)
    sieve = Sieve(metric_filter)
    kept = []
    for group in batch:
        metrics = [
            m for m in (_sifted(sieve, group.scope, metric) for metric in group.metrics) if m
        ]
        if metrics:
            kept.append(dataclasses.replace(group, metrics=metrics))
    return kept


def _sifted(sieve: Sieve, scope: Any, metric: Metric) -> Metric | None:
    about = (scope, metric.name, type(metric.data), metric.unit or "")
    answer = sieve.metric(*about)
    if answer is not MetricFilterResult.ACCEPT_PARTIAL:
        return metric if answer is MetricFilterResult.ACCEPT else None
    data: Any = metric.data
    points = [p for p in data.data_points if sieve.keeps(*about, p.attributes)]
    if not points:
        return None
    return dataclasses.replace(metric, data=dataclasses.replace(data, data_points=points))


KINDS: dict[str, type[DataT]] = {
    "sum": Sum,
    "last_value": Gauge,
    "histogram": Histogram,
    "exponential": ExponentialHistogram,
}
"""By the native name of an aggregation."""
