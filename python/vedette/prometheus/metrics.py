"""Counter, Gauge, Summary and Histogram, recorded natively; Info and Enum are in ``_plain_metrics``.

A metric holds at most ``series_limit`` series (2,000); what is beyond is counted in one, named ``__overflow__``, and
the label at fault is named once on standard error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from vedette import _native
from vedette.prometheus._metric import Metric
from vedette.prometheus.context_managers import ExceptionCounter, InprogressTracker, Timer
from vedette.prometheus.registry import REGISTRY, CollectorRegistry
from vedette.prometheus.utils import INF
from vedette.prometheus.validation import _validate_labelnames, _validate_metric_name
from vedette.prometheus.values import Value

if TYPE_CHECKING:
    from vedette.prometheus._plain_metrics import Enum, Info
    from vedette.prometheus.samples import Sample

SERIES_LIMIT = 2000

MultiprocessMode = Literal[
    "all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent",
    "livemostrecent",
]  # fmt: skip
_MODES = ("all", "min", "max", "sum", "mostrecent")  # in the order of the native enumeration


def disable_created_metrics() -> None:
    """Leaves out the ``_created`` samples of counters, histograms and summaries."""
    _native.metrics_show_created(False)


def enable_created_metrics() -> None:
    """Shows the ``_created`` samples of counters, histograms and summaries, as is usual."""
    _native.metrics_show_created(True)


if os.environ.get("PROMETHEUS_DISABLE_CREATED_SERIES", "").lower() in ("true", "1", "t"):
    disable_created_metrics()


def _build_full_name(metric_type: str, name: str, namespace: str, subsystem: str, unit: str) -> str:
    if not name:
        raise ValueError("Metric name should not be empty")
    full_name = "_".join(part for part in (namespace, subsystem, name) if part)
    if metric_type == "counter":
        full_name = full_name.removesuffix("_total")
    if unit and not full_name.endswith("_" + unit):
        full_name += "_" + unit
    if unit and metric_type in ("info", "stateset"):
        raise ValueError("Metric name is of a type that cannot have a unit: " + full_name)
    return full_name


class MetricWrapperBase:
    """What all metrics have in common."""

    _type: str = ""
    _reserved_labelnames: Sequence[str] = ()

    _name: str
    _documentation: str
    _unit: str
    _labelnames: tuple[str, ...]
    _labelvalues: tuple[str, ...]

    def _is_observable(self) -> bool:
        return not self._labelnames or bool(self._labelvalues)

    def _raise_if_not_observable(self) -> None:
        if not self._is_observable():
            raise ValueError(f"{self._type} metric is missing label values")

    def _is_parent(self) -> bool:
        return bool(self._labelnames) and not self._labelvalues

    def _get_metric(self) -> Metric:
        return Metric(self._name, self._documentation, self._type, self._unit)

    def describe(self) -> Iterable[Metric]:
        """The family without its samples."""
        return [self._get_metric()]

    def collect(self) -> Iterable[Metric]:
        """The family with its samples."""
        family = self._get_metric()
        family.samples = [
            sample._replace(name=self._name + sample.name) for sample in self._samples()
        ]
        return [family]

    def _samples(self) -> Iterator[Sample]:
        """Samples whose names are suffixes alone, of all processes of the service."""
        from vedette.prometheus.samples import Exemplar, Sample  # not for those who only record

        found = _native.metrics_collect([self._native_collector()])
        own = dict(zip(self._labelnames, self._labelvalues, strict=False))
        for suffix, labels, value, exemplar in found[0][4] if found else ():
            if own and own.items() - labels.items():
                continue
            yield Sample(suffix, labels, value, None, Exemplar(*exemplar) if exemplar else None)

    def _native_collector(self) -> Any:
        """What holds the values."""
        return self

    def __str__(self) -> str:
        return f"{self._type}:{self._name}"

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}({self._name})"

    def _names(
        self,
        name: str,
        labelnames: Iterable[str],
        namespace: str,
        subsystem: str,
        unit: str,
    ) -> tuple[str, tuple[str, ...]]:
        full_name = _build_full_name(self._type, name, namespace, subsystem, unit)
        if isinstance(labelnames, str):
            raise TypeError("labelnames must be a sequence of names, not a string")
        labels = _validate_labelnames(self, labelnames)
        _validate_metric_name(full_name)
        return full_name, labels

    def _matching(self, labels: dict[str, str]) -> Iterator[tuple[str, ...]]:
        """The label values of the series that have these labels."""
        if not self._labelnames:
            raise ValueError(f"No label names were set when constructing {self}")
        if not isinstance(labels, dict):
            raise TypeError("labels must be a dict of {label_name: label_value}")
        unknown = [name for name in labels if name not in self._labelnames]
        if unknown:
            raise ValueError(f"Unknown label names: {unknown}; expected {self._labelnames}")
        wanted = {self._labelnames.index(name): str(value) for name, value in labels.items()}
        for values in self._all_values() if wanted else ():
            if all(values[at] == value for at, value in wanted.items()):
                yield values

    def _all_values(self) -> list[tuple[str, ...]]:
        raise NotImplementedError

    def remove_by_labels(self, labels: dict[str, str]) -> None:
        """Forgets every series that has these labels, whatever its others are."""
        for values in list(self._matching(labels)):
            self.remove(*values)  # type: ignore[attr-defined]


class _NativeMetric(MetricWrapperBase):
    """A metric whose values are kept by a native base class."""

    def _begin(
        self,
        names: tuple[str, tuple[str, ...]],
        documentation: str,
        unit: str,
        registry: CollectorRegistry | None,
        series_limit: int,
        buckets: Sequence[float] = (),
        mode: str = "all",
    ) -> None:
        live = mode.startswith("live")
        number = _MODES.index(mode.removeprefix("live"))
        init = self._init  # type: ignore[attr-defined]
        init(names[0], documentation, names[1], unit, buckets, number, live, series_limit)
        if registry is not None:
            registry.register(self)

    def _all_values(self) -> list[tuple[str, ...]]:
        return self._label_values()  # type: ignore[attr-defined]

    @property
    def _metrics(self) -> dict[tuple[str, ...], Any]:
        """The series by their label values; a copy."""
        return {values: self.labels(*values) for values in self._all_values()}  # type: ignore[attr-defined]

    @property
    def _created(self) -> float:
        return self._cell(-2)  # type: ignore[attr-defined]


class Counter(_NativeMetric, _native.Counter):
    """Counts what happens; it only goes up.

        failures = Counter("my_failures", "What failed", ["where"])
        failures.labels(where="there").inc()

    ``count_exceptions()`` counts those that leave a block or function.
    """

    _type = "counter"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = REGISTRY,
        *,
        series_limit: int = SERIES_LIMIT,
    ) -> None:
        names = self._names(name, labelnames, namespace, subsystem, unit)
        self._begin(names, documentation, unit, registry, series_limit)

    @property
    def _value(self) -> Value:
        return Value(self)

    def count_exceptions(
        self,
        exception: type[BaseException] | tuple[type[BaseException], ...] = Exception,
    ) -> ExceptionCounter:
        """Around a block or function: counts the exceptions of these kinds that leave it."""
        self._raise_if_not_observable()
        return ExceptionCounter(self, exception)


class Gauge(_NativeMetric, _native.Gauge):
    """A value that goes up and down.

        waiting = Gauge("waiting_orders", "Orders that wait")
        waiting.set(3)
        waiting.inc()

    ``multiprocess_mode`` says how the values of several processes of a service become one: ``all`` keeps them apart
    (label ``pid``), ``sum``, ``min``, ``max`` and ``mostrecent`` make one of them; with ``live`` in front only living
    processes count.
    """

    _type = "gauge"
    _multiprocess_mode: str = "all"
    _MOST_RECENT_MODES = frozenset(("mostrecent", "livemostrecent"))
    _MULTIPROC_MODES = frozenset(prefix + mode for prefix in ("", "live") for mode in _MODES)

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = REGISTRY,
        multiprocess_mode: MultiprocessMode = "all",
        *,
        series_limit: int = SERIES_LIMIT,
    ) -> None:
        if multiprocess_mode not in self._MULTIPROC_MODES:
            raise ValueError(f"Invalid multiprocess mode: {multiprocess_mode}")
        self._multiprocess_mode = multiprocess_mode
        names = self._names(name, labelnames, namespace, subsystem, unit)
        self._begin(names, documentation, unit, registry, series_limit, mode=multiprocess_mode)

    @property
    def _value(self) -> Value:
        return Value(self)

    def track_inprogress(self) -> InprogressTracker:
        """Around a block or function: one more while it runs."""
        self._raise_if_not_observable()
        return InprogressTracker(self)

    def time(self) -> Timer:
        """Around a block or function: sets the seconds it took."""
        return Timer(self, "set")


class Summary(_NativeMetric, _native.Summary):
    """Counts observations and adds them up.

    sizes = Summary("request_size_bytes", "Sizes of requests")
    sizes.observe(512)
    """

    _type = "summary"
    _reserved_labelnames = ("quantile",)

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = REGISTRY,
        *,
        series_limit: int = SERIES_LIMIT,
    ) -> None:
        names = self._names(name, labelnames, namespace, subsystem, unit)
        self._begin(names, documentation, unit, registry, series_limit)

    @property
    def _count(self) -> Value:
        return Value(self, 0)

    @property
    def _sum(self) -> Value:
        return Value(self)

    def time(self) -> Timer:
        """Around a block or function: observes the seconds it took."""
        return Timer(self, "observe")


class Histogram(_NativeMetric, _native.Histogram):
    """Counts observations by size, in buckets with the upper bounds ``buckets``.

    latency = Histogram("request_seconds", "How long requests took", ["route"])
    latency.labels("/orders").observe(0.17)
    """

    _type = "histogram"
    _reserved_labelnames = ("le",)
    DEFAULT_BUCKETS = (
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, INF,
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = REGISTRY,
        buckets: Sequence[float | str] = DEFAULT_BUCKETS,
        *,
        series_limit: int = SERIES_LIMIT,
    ) -> None:
        bounds = [float(bound) for bound in buckets]
        if bounds != sorted(bounds):
            raise ValueError("Buckets not in sorted order")
        if not [bound for bound in bounds if bound != INF]:
            raise ValueError("Must have at least two buckets")
        names = self._names(name, labelnames, namespace, subsystem, unit)
        self._begin(names, documentation, unit, registry, series_limit, bounds)

    @property
    def _sum(self) -> Value:
        return Value(self)

    @property
    def _buckets(self) -> list[Value]:
        return [Value(self, index) for index in range(len(self._upper_bounds))]

    def time(self) -> Timer:
        """Around a block or function: observes the seconds it took."""
        return Timer(self, "observe")


for _class in (Counter, Gauge, Summary, Histogram):
    _class._own_methods()


def __getattr__(name: str) -> Any:
    if name not in ("Enum", "Info"):  # few applications have one
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vedette.prometheus import _plain_metrics

    globals()[name] = getattr(_plain_metrics, name)
    return globals()[name]


__all__ = [
    "Counter",
    "Enum",
    "Gauge",
    "Histogram",
    "Info",
    "MetricWrapperBase",
    "Summary",
    "disable_created_metrics",
    "enable_created_metrics",
]
