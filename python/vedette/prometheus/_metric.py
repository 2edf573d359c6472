"""A metric family, apart from its kinds in ``metrics_core``: all that recording needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from vedette.prometheus.validation import _validate_metric_name

if TYPE_CHECKING:
    from vedette.prometheus.samples import Exemplar, NativeHistogram, Sample, Timestamp

METRIC_TYPES = (
    "counter",
    "gauge",
    "summary",
    "histogram",
    "gaugehistogram",
    "unknown",
    "info",
    "stateset",
)


class Metric:
    """A family: name, documentation, type, unit, and its samples. Collectors rather make one of the classes below."""

    def __init__(self, name: str, documentation: str, typ: str, unit: str = "") -> None:
        if unit and not name.endswith("_" + unit):
            name += "_" + unit
        _validate_metric_name(name)
        typ = "unknown" if typ == "untyped" else typ
        if typ not in METRIC_TYPES:
            raise ValueError("Invalid metric type: " + typ)
        self.name = name
        self.documentation = documentation
        self.unit = unit
        self.type = typ
        self.samples: list[Sample] = []

    def add_sample(
        self,
        name: str,
        labels: dict[str, str],
        value: float,
        timestamp: Timestamp | float | None = None,
        exemplar: Exemplar | None = None,
        native_histogram: NativeHistogram | None = None,
    ) -> None:
        """Adds a sample under its full name."""
        from vedette.prometheus.samples import Sample  # not for those who only have names

        self.samples.append(Sample(name, labels, value, timestamp, exemplar, native_histogram))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metric) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"Metric({self.name}, {self.documentation}, {self.type}, {self.unit}, {self.samples})"
        )

    def _key(self) -> tuple[Any, ...]:
        return (self.name, self.documentation, self.type, self.unit, self.samples)

    def _restricted_metric(self, names: Iterable[str]) -> Metric | None:
        """The family with the samples of these names alone; None when there are none."""
        samples = [sample for sample in self.samples if sample.name in names]
        if not samples:
            return None
        restricted = Metric(self.name, self.documentation, self.type)
        restricted.samples = samples
        return restricted
