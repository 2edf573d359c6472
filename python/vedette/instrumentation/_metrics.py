"""Metrics of instrumentations: in ``vedette.prometheus``, and through OpenTelemetry's API where somebody takes them from there.

That is a meter provider of somebody else, or one of Vedette's that exports: see :func:`push`. Names are those of the
semantic conventions; the exposition has them with underscores and the unit behind.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vedette import __version__, prometheus
from vedette.prometheus._metric import Metric

logger = logging.getLogger("vedette")

Readings = Iterable[tuple[dict[str, str], float]]
METER = "vedette"
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
        self.active = False
        self._provider: Any = None  # that has the instrument

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

        found = self._safe_read() if self.active else []
        return [Observation(value, attributes) for attributes, value in found]

    def by_api(self, meter: Any) -> None:
        """The instrument; it has values while the metric is active."""
        provider = sys.modules["opentelemetry.metrics"].get_meter_provider()
        if self._provider is provider:
            return
        self._provider = provider
        create = {
            "counter": meter.create_observable_counter,
            "updown": meter.create_observable_up_down_counter,
            "gauge": meter.create_observable_gauge,
        }[self.kind]
        create(self.name, callbacks=[self.observe], unit=self.unit, description=self.description)


class _Collector:
    """What ``prometheus.REGISTRY`` asks."""

    def __init__(self, metrics: Sequence[Observed]) -> None:
        self._metrics = metrics

    def describe(self) -> list[Metric]:
        return [metric.describe() for metric in self._metrics]

    def collect(self) -> list[Metric]:
        return [family for metric in self._metrics if metric.active for family in metric.collect()]


def register(metrics: Sequence[Observed]) -> Callable[[], None]:
    """Exposes the metrics; the function it returns ends that."""
    collector = _Collector(metrics)
    prometheus.REGISTRY.register(collector)

    def activate(active: bool) -> None:
        for metric in metrics:
            metric.active = active

    def by_api(meter: Any) -> None:
        for metric in metrics:
            metric.by_api(meter)

    activate(True)
    when_pushed([exposed_name(metric.name, metric.unit) for metric in metrics], by_api)

    def unregister() -> None:
        activate(False)
        prometheus.REGISTRY.unregister(collector)

    return unregister


_waiting: list[Callable[[Any], None]] = []
_pushed: set[str] = set()  # names in the registry of what is pushed, or would be
_pushing = False


def push() -> None:
    """There is a provider of Vedette's that exports: what the registry has of ours goes there as well, from now on."""
    global _pushing
    if _pushing:
        return
    _pushing = True
    for by_api in _waiting:
        _try_with_meter(by_api)
    _waiting.clear()


def when_pushed(names: Iterable[str], by_api: Callable[[Any], None]) -> None:
    """``by_api(meter)`` makes instruments, when anybody takes from them; ``names`` are those of the same metrics in the
    registry."""
    _pushed.update(names)
    # The API is not imported for us alone. A provider of Vedette's that exports nothing shares the registry.
    api = sys.modules.get("opentelemetry.metrics")
    foreign = api and not type(api.get_meter_provider()).__module__.startswith("vedette.")
    if _pushing or foreign:
        _try_with_meter(by_api)
    if not _pushing:
        _waiting.append(by_api)


def pushed() -> set[Any]:
    """The collectors of the registry whose metrics are exported otherwise."""
    collectors = prometheus.REGISTRY._names_to_collectors
    return {collectors[name] for name in _pushed if name in collectors} if _pushing else set()


def _try_with_meter(by_api: Callable[[Any], None]) -> None:
    from opentelemetry import metrics

    try:
        by_api(metrics.get_meter(METER, __version__))
    except Exception:
        logger.warning("metrics of instrumentations are in /metrics alone", exc_info=True)


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
        self._instrument: Any = None
        self._counts = bounds is None
        exposed = exposed_name(name, unit)
        names = [label.replace(".", "_") for label in labels]
        if bounds is None:
            self._metric: Any = prometheus.Counter(exposed, description, names)
        else:
            self._metric = prometheus.Histogram(exposed, description, names, buckets=bounds)

        def by_api(meter: Any) -> None:
            if self._instrument is not None:
                return
            if bounds is None:
                self._instrument = meter.create_counter(name, unit, description).add
            else:
                self._instrument = meter.create_histogram(
                    name, unit, description, explicit_bucket_boundaries_advisory=bounds
                ).record

        when_pushed([exposed], by_api)

    def __call__(self, value: float, *labels: str) -> None:
        self.series(*labels)(value)

    def series(self, *labels: str) -> Callable[[float], None]:
        """Takes the values of one series, for those that come often."""
        series = self._metric.labels(*labels) if labels else self._metric
        take = series.inc if self._counts else series.observe
        attributes = dict(zip(self._attributes, labels, strict=True))

        def record(value: float) -> None:
            take(value)
            if self._instrument is not None:
                self._instrument(value, attributes)

        return record
