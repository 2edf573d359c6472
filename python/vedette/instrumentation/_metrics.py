"""Metrics of instrumentations: in ``vedette.prometheus``, and through OpenTelemetry's API where it is in use.

Names are those of the semantic conventions; the exposition has them with underscores and the unit behind.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vedette import __version__, prometheus
from vedette.prometheus.metrics_core import Metric

logger = logging.getLogger("vedette")

Readings = Iterable[tuple[dict[str, str], float]]
_UNITS = {"s": "_seconds", "By": "_bytes"}


def exposed_name(name: str, unit: str) -> str:
    """The metric's name in Prometheus' text, without ``_total``."""
    return name.replace(".", "_") + _UNITS.get(unit, "")


def _labels(attributes: dict[str, Any]) -> dict[str, str]:
    return {key.replace(".", "_"): str(value) for key, value in attributes.items()}


class Observed:
    """A metric whose values are asked for: ``counter``, ``updown`` or ``gauge``."""

    def __init__(
        self,
        name: str,
        kind: str,
        unit: str,
        description: str,
        read: Callable[[], Readings],
    ) -> None:
        self.name = name
        self.kind = kind
        self.unit = unit
        self.description = description
        self.read = read

    def describe(self) -> Metric:
        """The family without samples."""
        kind = "counter" if self.kind == "counter" else "gauge"
        return Metric(exposed_name(self.name, self.unit), self.description, kind)

    def collect(self) -> list[Metric]:
        family = self.describe()
        name = family.name + ("_total" if self.kind == "counter" else "")
        for attributes, value in self._safe_read():
            family.add_sample(name, _labels(attributes), value)
        return [family] if family.samples else []

    def _safe_read(self) -> list[tuple[dict[str, str], float]]:
        try:
            return list(self.read())
        except Exception:
            logger.debug("%s cannot be read", self.name, exc_info=True)
            return []

    def observe(self, _options: Any) -> list[Any]:
        from opentelemetry.metrics import Observation

        return [Observation(value, attributes) for attributes, value in self._safe_read()]


class _Collector:
    """What ``prometheus.REGISTRY`` asks."""

    def __init__(self, metrics: Sequence[Observed]) -> None:
        self._metrics = metrics
        self.active = True

    def describe(self) -> list[Metric]:
        return [metric.describe() for metric in self._metrics]

    def collect(self) -> list[Metric]:
        return [family for metric in self._metrics if self.active for family in metric.collect()]


def register(metrics: Sequence[Observed]) -> Callable[[], None]:
    """Exposes the metrics; the function it returns ends that."""
    collector = _Collector(metrics)
    prometheus.REGISTRY.register(collector)
    meter = _foreign_meter()
    if meter is not None:
        _observe_by_api(meter, metrics, collector)

    def unregister() -> None:
        collector.active = False
        prometheus.REGISTRY.unregister(collector)

    return unregister


def _foreign_meter() -> Any:
    """A meter of OpenTelemetry's API, when somebody uses it; it is not imported for us alone. A provider of Vedette's shares
    the registry, so it needs none."""
    api = sys.modules.get("opentelemetry.metrics")
    if api is None or type(api.get_meter_provider()).__module__.startswith("vedette."):
        return None
    return api.get_meter("vedette", __version__)


def _observe_by_api(meter: Any, metrics: Sequence[Observed], collector: _Collector) -> None:
    create = {
        "counter": meter.create_observable_counter,
        "updown": meter.create_observable_up_down_counter,
        "gauge": meter.create_observable_gauge,
    }
    for metric in metrics:

        def observe(options: Any, metric: Observed = metric) -> list[Any]:
            return metric.observe(options) if collector.active else []

        create[metric.kind](
            metric.name, callbacks=[observe], unit=metric.unit, description=metric.description
        )


_made: dict[str, Any] = {}


class Recorded:
    """A histogram or counter whose values come as they happen. One per name, however often it is asked for."""

    def __new__(
        cls,
        name: str,
        unit: str,
        description: str,
        labels: Sequence[str],
        bounds: Sequence[float] | None = None,
    ) -> Recorded:
        made = _made.get(name)
        if made is None:
            made = _made[name] = super().__new__(cls)
            made._make(name, unit, description, labels, bounds)
        return made

    def _make(
        self,
        name: str,
        unit: str,
        description: str,
        labels: Sequence[str],
        bounds: Sequence[float] | None,
    ) -> None:
        self._attributes = labels
        exposed = exposed_name(name, unit)
        names = [label.replace(".", "_") for label in labels]
        meter = _foreign_meter()
        self._instrument: Any = None
        if bounds is None:
            self._metric: Any = prometheus.Counter(exposed, description, names)
            if meter is not None:
                self._instrument = meter.create_counter(name, unit, description).add
        else:
            self._metric = prometheus.Histogram(exposed, description, names, buckets=bounds)
            if meter is not None:
                self._instrument = meter.create_histogram(
                    name, unit, description, explicit_bucket_boundaries_advisory=bounds
                ).record
        self._counts = bounds is None

    def __call__(self, value: float, *labels: str) -> None:
        series = self._metric.labels(*labels) if labels else self._metric
        if self._counts:
            series.inc(value)
        else:
            series.observe(value)
        if self._instrument is not None:
            self._instrument(value, dict(zip(self._attributes, labels, strict=True)))
