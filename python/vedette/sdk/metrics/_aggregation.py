"""Aggregations, as a view or a reader asks for them; carried out natively (src/sdk/metric_stream.h)."""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Sequence
from typing import Any

logger = logging.getLogger("vedette.sdk.metrics")

DEFAULT_BOUNDARIES = (
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0,
)  # fmt: skip


class AggregationTemporality(enum.IntEnum):
    """Whether points say what was since the start, or since the last collection."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


class _Aggregation:
    """What an exemplar reservoir factory is given: the type that says how values are aggregated."""


class _DropAggregation(_Aggregation):
    pass


class _SumAggregation(_Aggregation):
    pass


class _LastValueAggregation(_Aggregation):
    pass


class _ExplicitBucketHistogramAggregation(_Aggregation):
    pass


class _ExponentialBucketHistogramAggregation(_Aggregation):
    pass


class Aggregation:
    """Base class of all aggregations."""

    def _stream(self, instrument: Any) -> dict[str, Any]:
        """What ``_native.MetricStream`` is to do for this instrument."""
        raise NotImplementedError

    def _kind(self, instrument: Any) -> type[_Aggregation]:
        return _KINDS[self._stream(instrument)["aggregation"]]

    def _reservoir_arguments(self, instrument: Any) -> dict[str, Any]:
        """What a reservoir is made with."""
        stream = self._stream(instrument)
        if stream["aggregation"] == "histogram":
            return {"boundaries": stream["bounds"]}
        if stream["aggregation"] == "exponential":
            return {"size": min(20, stream["max_size"])}
        return {}


_KINDS: dict[str, type[_Aggregation]] = {
    "drop": _DropAggregation,
    "sum": _SumAggregation,
    "last_value": _LastValueAggregation,
    "histogram": _ExplicitBucketHistogramAggregation,
    "exponential": _ExponentialBucketHistogramAggregation,
}


class DefaultAggregation(Aggregation):
    """Sums for counters, explicit buckets for histograms, the last value for gauges."""

    def _stream(self, instrument: Any) -> dict[str, Any]:
        stream: dict[str, Any] = instrument._default_aggregation()._stream(instrument)
        return stream


class DropAggregation(Aggregation):
    """Nothing is kept."""

    def _stream(self, instrument: Any) -> dict[str, Any]:
        return {"aggregation": "drop"}


class SumAggregation(Aggregation):
    """The arithmetic sum of the measurements."""

    def _stream(self, instrument: Any) -> dict[str, Any]:
        return {"aggregation": "sum", "monotonic": instrument._monotonic}


class LastValueAggregation(Aggregation):
    """The last measurement."""

    def _stream(self, instrument: Any) -> dict[str, Any]:
        return {"aggregation": "last_value"}


class ExplicitBucketHistogramAggregation(Aggregation):
    """Counts by buckets whose upper bounds are ``boundaries``, which belong to them; sum, count, and with
    ``record_min_max`` the extremes. Raises ValueError for boundaries that are not finite and increasing."""

    def __init__(
        self, boundaries: Sequence[float] | None = None, record_min_max: bool = True
    ) -> None:
        self._boundaries = boundaries
        self._record_min_max = record_min_max
        check_boundaries(boundaries or ())

    def _stream(self, instrument: Any) -> dict[str, Any]:
        bounds = self._boundaries
        if bounds is None:
            bounds = instrument._advised_boundaries
        if bounds is None:
            bounds = DEFAULT_BOUNDARIES
        return {
            "aggregation": "histogram",
            "bounds": tuple(bounds),
            "record_min_max": self._record_min_max,
        }


class ExponentialBucketHistogramAggregation(Aggregation):
    """Counts by base-2 exponential buckets: at most ``max_size`` of positive and of negative values, as fine
    as they can be, up to ``max_scale``."""

    def __init__(
        self, max_size: int = 160, max_scale: int = 20, record_min_max: bool = True
    ) -> None:
        if not 2 <= max_size <= 16384:
            raise ValueError(f"max_size {max_size} is not in 2 … 16384")
        if max_scale > 20:
            logger.warning("max_scale %s is larger than 20, which is taken instead", max_scale)
        self._max_size = max_size
        self._max_scale = max_scale
        self._record_min_max = record_min_max

    def _stream(self, instrument: Any) -> dict[str, Any]:
        return {
            "aggregation": "exponential",
            "max_size": self._max_size,
            "max_scale": self._max_scale,
            "record_min_max": self._record_min_max,
        }


def check_boundaries(boundaries: Sequence[float]) -> None:
    """Raises ValueError unless they are finite and increasing."""
    for at, bound in enumerate(boundaries):
        if not math.isfinite(bound):
            raise ValueError(f"invalid boundary: {bound!r}")
        if at and boundaries[at - 1] >= bound:
            raise ValueError("boundaries must be strictly increasing")
