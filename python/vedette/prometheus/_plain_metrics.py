"""Info and Enum: metrics that change seldom, kept in Python and shown natively."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any

from vedette import _native
from vedette.prometheus.metrics import SERIES_LIMIT, MetricWrapperBase
from vedette.prometheus.registry import REGISTRY, CollectorRegistry

logger = logging.getLogger("vedette")


class _PlainMetric(MetricWrapperBase):
    """A metric that changes seldom: series that are set as a whole. Those of several processes are shown together."""

    _everyone = False
    _gone = False  # removed: whoever holds it changes it for himself alone

    def _begin(
        self,
        names: tuple[str, tuple[str, ...]],
        documentation: str,
        registry: CollectorRegistry | None,
    ) -> None:
        self._name, self._labelnames = names
        self._documentation = documentation
        self._unit = ""
        self._labelvalues = ()
        self._lock = Lock()
        self._metrics: dict[tuple[str, ...], Any] = {}
        self._value: Any = self._initial()
        self._families = _native.MetricFamilies()
        if registry is not None:
            registry.register(self)
        self._families.declare(*self._family())
        if not self._labelnames:
            self._show(self._value, True)

    def _initial(self) -> Any:
        raise NotImplementedError

    def _series(self, value: Any) -> Iterable[tuple[dict[str, str], float]]:
        """Labels and value of what is shown for a value."""
        raise NotImplementedError

    def _family(self) -> tuple[str, str, str, str, bool]:
        return self._type, self._name, self._documentation, "", self._everyone

    def _show(self, value: Any, shown: bool) -> None:
        if self._gone:
            return
        own = dict(zip(self._labelnames, self._labelvalues, strict=True))
        for labels, number in self._series(value):
            self._families.set(*self._family(), own | labels, number if shown else None)

    def _forget(self) -> None:
        with self._lock:
            self._show(self._value, False)
            self._gone = True

    def _show_everyone(self) -> None:
        """Processes of the service that do not have it show it, too."""
        self._everyone = True

    def _native_collector(self) -> Any:
        return self._families

    @property
    def _native(self) -> Any:
        """What is rendered; None: a class derived from this one has its own ideas."""
        return self._families if type(self).collect is MetricWrapperBase.collect else None

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Any:
        """The series with these label values."""
        if not self._labelnames or self._labelvalues:
            raise ValueError(f"No label names were set when constructing {self}")
        if labelvalues and labelkwargs:
            raise ValueError("Can't pass both *args and **kwargs")
        if labelkwargs:
            if sorted(labelkwargs) != sorted(self._labelnames):
                raise ValueError("Incorrect label names")
            labelvalues = tuple(labelkwargs[name] for name in self._labelnames)
        if len(labelvalues) != len(self._labelnames):
            raise ValueError("Incorrect label count")
        values = tuple(str(value) for value in labelvalues)
        with self._lock:
            if values not in self._metrics:
                if len(self._metrics) >= SERIES_LIMIT:
                    values = self._overflow(values)
                if values not in self._metrics:
                    self._metrics[values] = self._child(values)
            return self._metrics[values]

    def _overflow(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The series of all that are too many; says once which label has the most values."""
        beyond = ("__overflow__",) * len(values)
        if beyond not in self._metrics:
            distinct = [len(set(column)) for column in zip(*self._metrics, strict=True)]
            worst = self._labelnames[distinct.index(max(distinct))]
            logger.warning(
                "metric %s has reached its limit of %d series; the label with the most values is %s",
                self._name,
                SERIES_LIMIT,
                worst,
            )
        return beyond

    def _child(self, values: tuple[str, ...]) -> Any:
        child = object.__new__(type(self))
        child.__dict__.update(self.__dict__)
        child._labelvalues = values
        child._value = self._initial()
        child._lock = Lock()
        child._show(child._value, True)
        return child

    def _all_values(self) -> list[tuple[str, ...]]:
        with self._lock:
            return list(self._metrics)

    def remove(self, *labelvalues: Any) -> None:
        """Forgets the series with these label values."""
        if not self._labelnames:
            raise ValueError(f"No label names were set when constructing {self}")
        if len(labelvalues) != len(self._labelnames):
            raise ValueError(
                f"Incorrect label count (expected {len(self._labelnames)}, got {labelvalues})"
            )
        with self._lock:
            gone = self._metrics.pop(tuple(str(value) for value in labelvalues), None)
        if gone is not None:
            gone._forget()

    def clear(self) -> None:
        """Forgets every series."""
        with self._lock:
            gone = list(self._metrics.values())
            self._metrics.clear()
        for child in gone:
            child._forget()


class Info(_PlainMetric):
    """Facts about the program, as labels. Of several processes each different set of facts is shown once, as long as
    one of those that have it lives.

    Info("my_build", "What was built").info({"version": "1.2.3"})
    """

    _type = "info"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = REGISTRY,
    ) -> None:
        names = self._names(name, labelnames, namespace, subsystem, unit)
        self._begin(names, documentation, registry)

    def _initial(self) -> dict[str, str]:
        return {}

    def info(self, val: dict[str, str]) -> None:
        """Replaces the facts."""
        if val.keys() & set(self._labelnames):
            raise ValueError(
                f"Overlapping labels for Info metric, metric: {self._labelnames} child: {val}"
            )
        if any(value is None for value in val.values()):
            raise ValueError("Label value cannot be None")
        with self._lock:
            self._show(self._value, False)
            self._value = dict(val)
            self._show(self._value, True)

    def _series(self, value: dict[str, str]) -> Iterable[tuple[dict[str, str], float]]:
        return ((value, 1.0),)


class Enum(_PlainMetric):
    """Which of several states is true; at first the first one. Of several processes every state that a living one is
    in is true.

    Enum("task_state", "What the task does", states=["starting", "running"]).state("running")
    """

    _type = "stateset"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: CollectorRegistry | None = REGISTRY,
        states: Sequence[str] | None = None,
    ) -> None:
        if name in labelnames:
            raise ValueError(f"Overlapping labels for Enum metric: {name}")
        if not states:
            raise ValueError(f"No states provided for Enum metric: {name}")
        self._states = list(states)
        names = self._names(name, labelnames, namespace, subsystem, unit)
        self._begin(names, documentation, registry)

    def _initial(self) -> int:
        return 0

    def state(self, state: str) -> None:
        """Makes a state the true one; ValueError when there is no such state."""
        self._raise_if_not_observable()
        with self._lock:
            self._value = self._states.index(state)
            self._show(self._value, True)

    def _series(self, value: int) -> Iterable[tuple[dict[str, str], float]]:
        return [({self._name: s}, float(i == value)) for i, s in enumerate(self._states)]


# They are imported from there, and say so.
for _public in (Info, Enum):
    _public.__module__ = "vedette.prometheus.metrics"
