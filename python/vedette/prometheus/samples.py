"""What metric families are made of: samples, exemplars, timestamps, native histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Timestamp:
    """Seconds and nanoseconds since 1970."""

    def __init__(self, sec: float, nsec: float) -> None:
        if not 0 <= nsec < 1e9:
            raise ValueError(f"Invalid value for nanoseconds in Timestamp: {nsec}")
        self.sec = int(sec)
        self.nsec = int(-nsec if sec < 0 else nsec)

    def __str__(self) -> str:
        return f"{self.sec}.{self.nsec:09d}"

    def __repr__(self) -> str:
        return f"Timestamp({self.sec}, {self.nsec})"

    def __float__(self) -> float:
        return float(self.sec) + float(self.nsec) / 1e9

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __gt__(self, other: Timestamp) -> bool:
        return self._key() > other._key()

    def __lt__(self, other: Timestamp) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[int, int]:
        return (self.sec, self.nsec)


class BucketSpan(NamedTuple):
    """Consecutive buckets of a native histogram, behind a gap of ``offset``."""

    offset: int
    length: int


class Exemplar(NamedTuple):
    """One observation, by example; ``timestamp`` in seconds since 1970."""

    labels: dict[str, str]
    value: float
    timestamp: float | Timestamp | None = None


class NativeHistogram(NamedTuple):
    """A histogram with exponential buckets (Prometheus, "native histograms")."""

    count_value: float
    sum_value: float
    schema: int
    zero_threshold: float
    zero_count: float
    pos_spans: Sequence[BucketSpan] | None = None
    neg_spans: Sequence[BucketSpan] | None = None
    pos_deltas: Sequence[int] | None = None
    neg_deltas: Sequence[int] | None = None
    nh_exemplars: Sequence[Exemplar] | None = None


class Sample(NamedTuple):
    """One line of an exposition."""

    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | Timestamp | None = None
    exemplar: Exemplar | None = None
    native_histogram: NativeHistogram | None = None
