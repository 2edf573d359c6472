"""Between instruments and readers: which streams an instrument records into, and what a reader collects."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.metrics import CallbackOptions

from vedette import _native
from vedette.sdk.metrics._aggregation import (
    AggregationTemporality,
    DefaultAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
)
from vedette.sdk.metrics._exemplar import Exemplar, ExemplarFilter
from vedette.sdk.metrics._point import (
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from vedette.sdk.metrics._producer import KINDS, MetricFilterResult, Sieve
from vedette.sdk.metrics._view import View, composed

logger = logging.getLogger("vedette.sdk.metrics")

_DEFAULT_VIEW = View(instrument_name="*")
_INFINITY = float("inf")


class MetricsTimeoutError(Exception):
    """Collecting took longer than it was given."""


class _Stream:
    """One native stream, and what a point of it becomes in Python."""

    def __init__(self, reader: Any, view: View, instrument: Any) -> None:
        cls = type(instrument)
        aggregation = view._aggregation
        if isinstance(aggregation, DefaultAggregation):
            aggregation = reader._instrument_class_aggregation[cls]
        self.options = aggregation._stream(instrument)
        self.kind = self.options["aggregation"]
        self.scope = instrument.instrumentation_scope
        self.name = view._name or instrument.name
        self.description = view._description or instrument.description
        self.unit = instrument.unit
        self.temporality = reader._instrument_class_temporality[cls]
        builder = view._reservoir_builder(aggregation, instrument)
        self.python_reservoir = builder is not None
        limit = view._aggregation_cardinality_limit
        keys = view._attribute_keys
        self.native = _native.MetricStream(
            reader._native,
            self.name,
            self.description,
            self.unit,
            self.kind,
            monotonic=self.options.get("monotonic", False),
            asynchronous=instrument._asynchronous,
            delta=self.temporality is AggregationTemporality.DELTA,
            record_min_max=self.options.get("record_min_max", True),
            bounds=self.options.get("bounds", ()),
            max_size=self.options.get("max_size", 160),
            max_scale=self.options.get("max_scale", 20),
            cardinality=limit or reader._instrument_class_cardinality_limit[cls],
            keys=instrument._advised_attributes if keys is None else keys,
            excluded_keys=view._excluded_attribute_keys,
            reservoir_builder=builder,
        )

    def conflicts(self, other: _Stream) -> bool:
        return (self.scope, self.name, self.unit) == (other.scope, other.name, other.unit)

    def asked(self, sieve: Sieve) -> MetricFilterResult:
        return sieve.metric(self.scope, self.name, KINDS[self.kind], self.unit)

    def keeps(self, sieve: Sieve, attributes: Any) -> bool:
        return sieve.keeps(self.scope, self.name, KINDS[self.kind], self.unit, attributes)

    def metric(self, points: list[tuple[Any, ...]]) -> Metric:
        make = {"histogram": self._histogram_point, "exponential": self._exponential_point}
        made: list[Any] = [make.get(self.kind, self._number_point)(point) for point in points]
        data: Any
        if self.kind == "sum":
            data = Sum(made, self.temporality, self.options["monotonic"])
        elif self.kind == "last_value":
            data = Gauge(made)
        else:
            data = (Histogram if self.kind == "histogram" else ExponentialHistogram)(
                made, self.temporality
            )
        return Metric(self.name, self.description, self.unit, data)

    def _number_point(self, point: tuple[Any, ...]) -> NumberDataPoint:
        attributes, start, now, value = point[:4]
        return NumberDataPoint(attributes, start or None, now, value, _exemplars(point))

    def _extremes(self, point: tuple[Any, ...]) -> tuple[Any, Any]:
        if not self.options["record_min_max"] or not point[4]:
            return _INFINITY, -_INFINITY
        return point[5], point[6]

    def _histogram_point(self, point: tuple[Any, ...]) -> HistogramDataPoint:
        attributes, start, now, total, count = point[:5]
        return HistogramDataPoint(
            attributes, start, now, count, total, point[7], self.options["bounds"],
            *self._extremes(point), _exemplars(point),
        )  # fmt: skip

    def _exponential_point(self, point: tuple[Any, ...]) -> ExponentialHistogramDataPoint:
        attributes, start, now, total, count = point[:5]
        return ExponentialHistogramDataPoint(
            attributes, start, now, count, total, point[8], point[9],
            Buckets(*point[10]), Buckets(*point[11]), 0, *self._extremes(point), _exemplars(point),
        )  # fmt: skip


def _exemplars(point: tuple[Any, ...]) -> list[Exemplar]:
    exemplars, reservoir = point[12], point[13]
    if reservoir is None:
        return [Exemplar(*one) for one in exemplars]
    try:
        return list(reservoir.collect(point[0]))
    except Exception:
        logger.exception("Collecting exemplars failed.")
        return []


class Consumer:
    """All instruments and readers of one provider."""

    def __init__(
        self,
        resource: Any,
        views: Sequence[View],
        exemplar_filter: ExemplarFilter,
        composable: bool = False,
    ) -> None:
        self.resource = resource
        self._composable = composable
        self._views = views
        self._filter = exemplar_filter
        self._lock = threading.RLock()  # instruments and readers
        self._collecting = threading.Lock()
        self._instruments: list[Any] = []
        self._observables: list[Any] = []
        self._readers: dict[Any, dict[int, _Stream]] = {}

    def after_fork(self, resource: Any) -> None:
        """In a forked child, which may have another resource."""
        self._lock = threading.RLock()
        self._collecting = threading.Lock()
        self.resource = self.resource.merge(resource)
        for reader, streams in self._readers.items():
            reader._native.clear()
            for stream in streams.values():
                self._collect_by(reader, stream)

    def _collect_by(self, reader: Any, stream: _Stream) -> None:
        scope, resource = stream.scope, self.resource
        reader._native.add(
            stream.native, resource.attributes, resource.schema_url,
            scope.name, scope.version, scope.schema_url, scope.attributes,
        )  # fmt: skip

    def add_instrument(self, instrument: Any) -> None:
        instrument._configure(
            instrument.name, instrument._non_negative, self._filter._mode, self._filter
        )
        with self._lock:
            for reader in self._readers:
                self._connect(reader, instrument)
            self._instruments.append(instrument)
            if not instrument._asynchronous:
                return
            self._observables.append(instrument)
            readers = list(self._readers)
        for reader in readers:
            reader._need_python()

    def add_reader(self, reader: Any) -> None:
        with self._lock:
            self._readers[reader] = {}
            for instrument in self._instruments:
                self._connect(reader, instrument)
        if self._observables:
            reader._need_python()

    def remove_reader(self, reader: Any) -> None:
        with self._lock:
            if self._readers.pop(reader, None) is not None:
                for instrument in self._instruments:
                    instrument._remove_streams(reader._native.number)

    def _connect(self, reader: Any, instrument: Any) -> None:
        matching = [view for view in self._views if view._match(instrument)]
        if self._composable:
            views = composed([self._made_compatible(view, instrument) for view in matching])
        else:
            views = [view for view in matching if self._compatible(view, instrument)]
        streams = self._readers[reader]
        for view in views if matching else [_DEFAULT_VIEW]:
            stream = _Stream(reader, view, instrument)
            if stream.kind == "drop" or not reader._connect(stream, self.resource):
                continue
            if view is not _DEFAULT_VIEW and any(map(stream.conflicts, streams.values())):
                logger.warning(
                    "View %s will cause conflicting metrics identities: there is a stream %r already",
                    view._name or view._instrument_name, stream.name,
                )  # fmt: skip
            streams[stream.native.key] = stream
            self._collect_by(reader, stream)
            instrument._add_stream(stream.native)
            if stream.python_reservoir:
                reader._need_python_data()

    @staticmethod
    def _made_compatible(view: View, instrument: Any) -> View:
        fits = Consumer._compatible(view, instrument, "its aggregation")
        return view if fits else view._without_aggregation()

    @staticmethod
    def _compatible(view: View, instrument: Any, what: str = "the view") -> bool:
        histograms = (ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation)
        if instrument._asynchronous and isinstance(view._aggregation, histograms):
            logger.warning(
                "View %s and instrument %s will produce semantic errors when matched, %s has not "
                "been applied.", view._name or view._instrument_name, instrument.name, what,
            )  # fmt: skip
            return False
        return True

    def observe(self, reader: Any, timeout_millis: float = 10_000) -> None:
        """Runs the callbacks for one reader. Raises MetricsTimeoutError when they take too long."""
        deadline = time.monotonic() + timeout_millis / 1e3
        for instrument in list(self._observables):
            left = (deadline - time.monotonic()) * 1e3
            if left <= 0:
                raise MetricsTimeoutError("Timed out while executing callback")
            options = CallbackOptions(timeout_millis=min(left, 10_000))
            instrument._run_callbacks(reader._native.number, options)
        if self._observables and time.monotonic() >= deadline:
            raise MetricsTimeoutError("Timed out while executing callback")

    def publish(self, reader: Any, timeout_millis: float) -> None:
        """Runs the callbacks for a reader whose streams are exposed, and shows what they say."""
        with self._collecting:
            self.observe(reader, timeout_millis)
            reader._native.publish()

    def collect(self, reader: Any, timeout_millis: float = 10_000) -> MetricsData | None:
        """What there is to report to this reader, its producers' included, or None."""
        deadline = time.monotonic() + timeout_millis / 1e3
        groups = self._own(reader, timeout_millis)
        groups += self.produced(reader, (deadline - time.monotonic()) * 1e3)
        return self.data(groups)

    def data(self, groups: list[ScopeMetrics]) -> MetricsData | None:
        if not groups:
            return None
        return MetricsData([ResourceMetrics(self.resource, groups, self.resource.schema_url)])

    def _own(self, reader: Any, timeout_millis: float) -> list[ScopeMetrics]:
        streams = dict(self._readers.get(reader, {}))
        sieve = Sieve(reader._metric_filter) if reader._metric_filter else None
        answers = {key: s.asked(sieve) for key, s in streams.items()} if sieve else {}
        dropped = [key for key, answer in answers.items() if answer is MetricFilterResult.DROP]
        with self._collecting:
            self.observe(reader, timeout_millis)
            collected = reader._native.collect(dropped)
        # By identity: the attributes of a scope need not be hashable.
        scopes: dict[int, tuple[Any, list[Metric]]] = {}
        for key, points in collected:
            stream = streams.get(key)
            if stream and sieve and answers[key] is MetricFilterResult.ACCEPT_PARTIAL:
                points = [point for point in points if stream.keeps(sieve, point[0])]
            if stream and points:
                found = scopes.setdefault(id(stream.scope), (stream.scope, []))[1]
                found.append(stream.metric(points))
        return [ScopeMetrics(scope, found, scope.schema_url) for scope, found in scopes.values()]

    @staticmethod
    def produced(reader: Any, timeout_millis: float) -> list[ScopeMetrics]:
        """What the producers of this reader say."""
        deadline = time.monotonic() + timeout_millis / 1e3
        groups: list[ScopeMetrics] = []
        for producer in list(reader._producers):
            left = max(0.0, (deadline - time.monotonic()) * 1e3)
            try:
                groups += producer.produce(reader._metric_filter, timeout_millis=left)
            except Exception:
                logger.exception("The metric producer %s failed.", type(producer).__qualname__)
        return groups

    def send(self, reader: Any, lane: Any, points_max: int, timeout_millis: float) -> bool:
        """As collect(), into a native lane. False: not all of it fitted."""
        with self._collecting:
            self.observe(reader, timeout_millis)
            return bool(reader._native.send(lane, points_max))
