"""Metric families: what collectors yield."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vedette.prometheus._metric import METRIC_TYPES as METRIC_TYPES
from vedette.prometheus._metric import Metric as Metric

if TYPE_CHECKING:
    from vedette.prometheus.samples import Exemplar, Timestamp


class _Family(Metric):
    """A family of one kind; ``labels`` names what add_metric() gives the values of."""

    def _begin(
        self,
        name: str,
        documentation: str,
        typ: str,
        unit: str,
        labels: Sequence[str] | None,
        values: tuple[Any, ...],
        what: str = "value",
    ) -> bool:
        """Whether there are values to be added at once, for a family without labels."""
        Metric.__init__(self, name, documentation, typ, unit)
        given = values[0] is not None
        if labels is not None and given:
            raise ValueError(f"Can only specify at most one of {what} and labels.")
        self._labelnames = tuple(labels or ())
        return given

    def _add(
        self,
        suffix: str,
        labels: Sequence[str],
        value: Any,
        timestamp: Timestamp | float | None = None,
        exemplar: Exemplar | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        from vedette.prometheus.samples import Sample

        named = dict(zip(self._labelnames, labels, strict=False), **(extra or {}))
        self.samples.append(Sample(self.name + suffix, named, value, timestamp, exemplar))


class UnknownMetricFamily(_Family):
    """Values of which nothing more is known."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None:
        if self._begin(name, documentation, "unknown", unit, labels, (value,)):
            self.add_metric([], value)  # type: ignore[arg-type]

    def add_metric(
        self, labels: Sequence[str], value: float, timestamp: Timestamp | float | None = None
    ) -> None:
        """Adds one series by its label values."""
        self._add("", labels, value, timestamp)


UntypedMetricFamily = UnknownMetricFamily


class CounterMetricFamily(_Family):
    """Counters."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        labels: Sequence[str] | None = None,
        created: float | None = None,
        unit: str = "",
        exemplar: Exemplar | None = None,
    ) -> None:
        name = name.removesuffix("_total")
        if self._begin(name, documentation, "counter", unit, labels, (value,)):
            self.add_metric([], value, created, exemplar=exemplar)  # type: ignore[arg-type]

    def add_metric(
        self,
        labels: Sequence[str],
        value: float,
        created: float | None = None,
        timestamp: Timestamp | float | None = None,
        exemplar: Exemplar | None = None,
    ) -> None:
        """Adds one series; ``created`` is when it began, in seconds since 1970."""
        self._add("_total", labels, value, timestamp, exemplar)
        if created is not None:
            self._add("_created", labels, created, timestamp)


class GaugeMetricFamily(_Family):
    """Gauges."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None:
        if self._begin(name, documentation, "gauge", unit, labels, (value,)):
            self.add_metric([], value)  # type: ignore[arg-type]

    def add_metric(
        self, labels: Sequence[str], value: float, timestamp: Timestamp | float | None = None
    ) -> None:
        """Adds one series by its label values."""
        self._add("", labels, value, timestamp)


class SummaryMetricFamily(_Family):
    """Counts and sums."""

    def __init__(
        self,
        name: str,
        documentation: str,
        count_value: int | None = None,
        sum_value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None:
        if (sum_value is None) != (count_value is None):
            raise ValueError("count_value and sum_value must be provided together.")
        if self._begin(name, documentation, "summary", unit, labels, (count_value,)):
            self.add_metric([], count_value, sum_value)  # type: ignore[arg-type]

    def add_metric(
        self,
        labels: Sequence[str],
        count_value: int,
        sum_value: float,
        timestamp: float | Timestamp | None = None,
    ) -> None:
        """Adds one series by its label values."""
        self._add("_count", labels, count_value, timestamp)
        self._add("_sum", labels, sum_value, timestamp)


class HistogramMetricFamily(_Family):
    """Cumulative histograms."""

    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[Any] | None = None,
        sum_value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None:
        if sum_value is not None and buckets is None:
            raise ValueError("sum value cannot be provided without buckets.")
        if self._begin(name, documentation, "histogram", unit, labels, (buckets,), "buckets"):
            self.add_metric([], buckets, sum_value)  # type: ignore[arg-type]

    def add_metric(
        self,
        labels: Sequence[str],
        buckets: Sequence[Any],
        sum_value: float | None,
        timestamp: Timestamp | float | None = None,
    ) -> None:
        """Adds one series. ``buckets`` are pairs of the upper bound as text and the cumulative count, or triples
        with an exemplar, in order, "+Inf" at the end."""
        for bound, count, *exemplar in buckets:
            self._add(
                "_bucket",
                labels,
                count,
                timestamp,
                exemplar[0] if exemplar else None,
                {"le": bound},
            )
        # A sum over negative values is no counter.
        if float(buckets[0][0]) >= 0 and sum_value is not None:
            self._add("_count", labels, buckets[-1][1], timestamp)
            self._add("_sum", labels, sum_value, timestamp)


class GaugeHistogramMetricFamily(_Family):
    """Histograms of what is there now."""

    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[tuple[str, float]] | None = None,
        gsum_value: float | None = None,
        labels: Sequence[str] | None = None,
        unit: str = "",
    ) -> None:
        if self._begin(name, documentation, "gaugehistogram", unit, labels, (buckets,), "buckets"):
            self.add_metric([], buckets, gsum_value)  # type: ignore[arg-type]

    def add_metric(
        self,
        labels: Sequence[str],
        buckets: Sequence[tuple[str, float]],
        gsum_value: float | None,
        timestamp: float | Timestamp | None = None,
    ) -> None:
        """Adds one series; ``buckets`` as in a HistogramMetricFamily."""
        for bound, count in buckets:
            self._add("_bucket", labels, count, timestamp, extra={"le": bound})
        self._add("_gcount", labels, buckets[-1][1], timestamp)
        self._add("_gsum", labels, gsum_value, timestamp)


class InfoMetricFamily(_Family):
    """Facts, as labels."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: dict[str, str] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        if self._begin(name, documentation, "info", "", labels, (value,)):
            self.add_metric([], value)  # type: ignore[arg-type]

    def add_metric(
        self,
        labels: Sequence[str],
        value: dict[str, str],
        timestamp: Timestamp | float | None = None,
    ) -> None:
        """Adds one series; ``value`` becomes further labels."""
        self._add("_info", labels, 1, timestamp, extra=value)


class StateSetMetricFamily(_Family):
    """Which of several states are true."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: dict[str, bool] | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        if self._begin(name, documentation, "stateset", "", labels, (value,)):
            self.add_metric([], value)  # type: ignore[arg-type]

    def add_metric(
        self,
        labels: Sequence[str],
        value: dict[str, bool],
        timestamp: Timestamp | float | None = None,
    ) -> None:
        """Adds one series a state."""
        for state, enabled in sorted(value.items()):
            self._add("", labels, 1 if enabled else 0, timestamp, extra={self.name: state})
