"""Exemplars: filters, and reservoirs (OpenTelemetry specification, "Metrics SDK", Exemplar).

The reservoirs here are for code that calls or extends them; a stream keeps its exemplars natively, unless its
view has a reservoir factory of its own. Attributes that a view leaves out may still appear on exemplars.
"""

from __future__ import annotations

import abc
import random
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context


@dataclass(frozen=True)
class Exemplar:
    """A measurement kept as an example; ``filtered_attributes`` are those its point does not have."""

    filtered_attributes: Mapping[str, Any] | None
    value: int | float
    time_unix_nano: int
    span_id: int | None = None
    trace_id: int | None = None


class ExemplarFilter(abc.ABC):
    """Decides which measurements may become exemplars."""

    _mode = "python"

    @abc.abstractmethod
    def should_sample(
        self,
        value: float,
        time_unix_nano: int,
        attributes: Mapping[str, Any] | None,
        context: Context,
    ) -> bool:
        """Whether this measurement is offered to the reservoir."""


class AlwaysOnExemplarFilter(ExemplarFilter):
    """Every measurement."""

    _mode = "always_on"

    def should_sample(
        self,
        value: float,
        time_unix_nano: int,
        attributes: Mapping[str, Any] | None,
        context: Context,
    ) -> bool:
        return True


class AlwaysOffExemplarFilter(ExemplarFilter):
    """None."""

    _mode = "always_off"

    def should_sample(
        self,
        value: float,
        time_unix_nano: int,
        attributes: Mapping[str, Any] | None,
        context: Context,
    ) -> bool:
        return False


class TraceBasedExemplarFilter(ExemplarFilter):
    """Those made in a sampled span."""

    _mode = "trace_based"

    def should_sample(
        self,
        value: float,
        time_unix_nano: int,
        attributes: Mapping[str, Any] | None,
        context: Context,
    ) -> bool:
        return trace.get_current_span(context).get_span_context().trace_flags.sampled


class ExemplarReservoir(abc.ABC):
    """Keeps some of the measurements offered, until they are collected. Both methods may be called from any
    thread; the constructor must accept keyword arguments it does not know."""

    @abc.abstractmethod
    def offer(
        self,
        value: float,
        time_unix_nano: int,
        attributes: Mapping[str, Any] | None,
        context: Context,
    ) -> None:
        """A measurement that the filter let through."""

    @abc.abstractmethod
    def collect(self, point_attributes: Mapping[str, Any]) -> list[Exemplar]:
        """What was kept since the last call."""


class _FixedSizeExemplarReservoir(ExemplarReservoir):
    def __init__(self, size: int, **kwargs: Any) -> None:
        self._size = size
        self._kept: dict[int, tuple[float, int, Mapping[str, Any] | None, Context]] = {}
        self._lock = threading.Lock()

    def offer(
        self,
        value: float,
        time_unix_nano: int,
        attributes: Mapping[str, Any] | None,
        context: Context,
    ) -> None:
        with self._lock:
            index = self._index(value)
            if index is not None:
                self._kept[index] = (value, time_unix_nano, attributes, context)

    def collect(self, point_attributes: Mapping[str, Any]) -> list[Exemplar]:
        with self._lock:
            kept, self._kept = self._kept, {}
            self._reset()
        return [self._exemplar(*kept[index], point_attributes) for index in sorted(kept)]

    @staticmethod
    def _exemplar(value: Any, time_unix_nano: int, attributes: Mapping[str, Any] | None,
                  context: Context, point_attributes: Mapping[str, Any]) -> Exemplar:  # fmt: skip
        left = None
        if attributes:
            left = {k: v for k, v in attributes.items() if k not in point_attributes}
        span = trace.get_current_span(context).get_span_context()
        if not span.is_valid:
            return Exemplar(left, value, time_unix_nano)
        return Exemplar(left, value, time_unix_nano, span.span_id, span.trace_id)

    def _index(self, value: float) -> int | None:
        raise NotImplementedError

    def _reset(self) -> None:
        """A new cycle begins."""


class SimpleFixedSizeExemplarReservoir(_FixedSizeExemplarReservoir):
    """``size`` of the measurements, each with the same chance."""

    def __init__(self, size: int = 1, **kwargs: Any) -> None:
        super().__init__(size, **kwargs)
        self._seen = 0

    def _index(self, value: float) -> int | None:
        self._seen += 1
        if self._seen <= self._size:
            return self._seen - 1
        index = random.randrange(self._seen)
        return index if index < self._size else None

    def _reset(self) -> None:
        self._seen = 0


class AlignedHistogramBucketExemplarReservoir(_FixedSizeExemplarReservoir):
    """The last measurement of each bucket of a histogram."""

    def __init__(self, boundaries: Sequence[float], **kwargs: Any) -> None:
        super().__init__(len(boundaries) + 1, **kwargs)
        self._boundaries = boundaries

    def _index(self, value: float) -> int | None:
        return bisect_left(self._boundaries, value)


ExemplarReservoirBuilder = Callable[..., ExemplarReservoir]
