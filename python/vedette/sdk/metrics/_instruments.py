"""Instruments. Recording is native (``vedette._native``: ``add``, ``record``, ``set``)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from opentelemetry import metrics as api
from opentelemetry.metrics import CallbackOptions

from vedette import _native
from vedette.sdk.metrics._aggregation import (
    Aggregation,
    ExplicitBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
)

logger = logging.getLogger("vedette.sdk.metrics")

_NAME = re.compile(r"[a-zA-Z][-_./a-zA-Z0-9]{0,254}")
_UNIT = re.compile(r"[\x00-\x7f]{0,63}")


def check(name: Any, unit: Any, description: Any) -> tuple[str, str, str]:
    """Name, unit and description as they are used. Raises an Exception, as upstream does, for a name or unit
    that the specification does not allow."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Exception(f"Expected ASCII string of maximum length 255 characters but got {name}")
    unit = "" if unit is None else unit
    if not isinstance(unit, str) or not _UNIT.fullmatch(unit):
        raise Exception(f"Expected ASCII string of maximum length 63 characters but got {unit}")
    return name.lower(), unit, "" if description is None else str(description)


class _Instrument:
    """What all have in common. They are made by a meter."""

    _monotonic = False
    _asynchronous = False
    _non_negative = False
    _advised_boundaries: Sequence[float] | None = None
    _advised_attributes: Iterable[str] | None = None
    _public: type

    name: str
    unit: str
    description: str
    instrumentation_scope: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is cls.__dict__.get("_public"):
            raise TypeError(f"{cls.__name__} must be instantiated via a meter.")
        return super().__new__(cls)

    def _default_aggregation(self) -> Aggregation:
        return SumAggregation()

    def _set_up(self, name: str, unit: str, description: str, scope: Any) -> None:
        self.name, self.unit, self.description = name, unit, description
        self.instrumentation_scope = scope

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}(name={self.name!r})"


class _Bindable(_Instrument):
    def bind(self, attributes: Any) -> BoundInstrument:
        """This instrument with attributes fixed beforehand."""
        return BoundInstrument(self, attributes)


class BoundInstrument:
    """What ``instrument.bind(attributes)`` gives: ``add``, ``record`` or ``set`` of one attribute set."""

    __slots__ = ("_attributes", "_record")

    def __init__(self, instrument: Any, attributes: Any) -> None:
        names = ("add", "record", "set")
        self._record = next(getattr(instrument, n) for n in names if hasattr(instrument, n))
        self._attributes = dict(attributes) if attributes else None

    def add(self, amount: float, context: Any = None) -> None:
        self._record(amount, self._attributes, context)

    record = set = add


class _Observable(_Instrument):
    _asynchronous = True
    _callbacks: list[Callable[..., Any]]

    def _set_callbacks(self, callbacks: Any) -> None:
        self._callbacks = []
        for callback in callbacks or ():
            if isinstance(callback, Generator):
                next(callback)
                callback = _from_generator(callback)
            self._callbacks.append(callback)

    def _run_callbacks(self, reader: int, options: CallbackOptions) -> None:
        """Observes for one reader. What a callback raises is said and goes no further."""
        for callback in self._callbacks:
            try:
                for one in callback(options) or ():
                    context = getattr(one, "context", None)
                    self._observe(reader, one.value, one.attributes, context)  # type: ignore[attr-defined]
            except Exception:
                logger.exception("Callback failed for instrument %s.", self.name)


def _from_generator(generator: Any) -> Callable[[CallbackOptions], Iterable[Any]]:
    def observe(options: CallbackOptions) -> Iterable[Any]:
        try:
            return generator.send(options)
        except StopIteration:
            return ()

    return observe


class Counter(_Bindable, _native.Adder):
    """Sums what only grows: ``add(amount, attributes=None, context=None)``."""

    _monotonic = True
    _non_negative = True


class UpDownCounter(_Bindable, _native.Adder):
    """Sums what grows and shrinks."""


class Histogram(_Bindable, _native.Recorder):
    """Distributions: ``record(amount, attributes=None, context=None)``."""

    _non_negative = True

    def _default_aggregation(self) -> Aggregation:
        return ExplicitBucketHistogramAggregation()


class Gauge(_Bindable, _native.Setter):
    """The current value: ``set(amount, attributes=None, context=None)``."""

    def _default_aggregation(self) -> Aggregation:
        return LastValueAggregation()


class ObservableCounter(_Observable, _native.Instrument):
    """A sum that only grows, read by callbacks when metrics are collected."""

    _monotonic = True


class ObservableUpDownCounter(_Observable, _native.Instrument):
    """A sum that grows and shrinks, read by callbacks."""


class ObservableGauge(_Observable, _native.Instrument):
    """A value read by callbacks."""

    def _default_aggregation(self) -> Aggregation:
        return LastValueAggregation()


class _Counter(Counter):
    pass


class _UpDownCounter(UpDownCounter):
    pass


class _Histogram(Histogram):
    pass


class _Gauge(Gauge):
    pass


class _ObservableCounter(ObservableCounter):
    pass


class _ObservableUpDownCounter(ObservableUpDownCounter):
    pass


class _ObservableGauge(ObservableGauge):
    pass


# The classes applications name, and those that are made.
MADE_BY_PUBLIC: dict[type, type] = {
    Counter: _Counter,
    UpDownCounter: _UpDownCounter,
    Histogram: _Histogram,
    Gauge: _Gauge,
    ObservableCounter: _ObservableCounter,
    ObservableUpDownCounter: _ObservableUpDownCounter,
    ObservableGauge: _ObservableGauge,
}

for _cls, _abc in (
    (Counter, api.Counter),
    (UpDownCounter, api.UpDownCounter),
    (Histogram, api.Histogram),
    (Gauge, api._Gauge),
    (ObservableCounter, api.ObservableCounter),
    (ObservableUpDownCounter, api.ObservableUpDownCounter),
    (ObservableGauge, api.ObservableGauge),
):
    _cls._public = _cls
    _abc.register(_cls)
