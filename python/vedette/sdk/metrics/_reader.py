"""Metric readers and exporters: collecting on demand and periodically.

With an OTLP exporter of Vedette and instruments that need no Python to be read, a native thread collects, encodes
and sends, and never takes the interpreter's lock. Observable instruments and reservoirs written in Python are read
on a Python thread instead; the sending stays native.
"""

from __future__ import annotations

import abc
import enum
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from os import linesep
from typing import IO, Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from vedette import _env, _native
from vedette.sdk import _self_observation
from vedette.sdk.metrics._aggregation import (
    Aggregation,
    AggregationTemporality,
    DefaultAggregation,
)
from vedette.sdk.metrics._consumer import MetricsTimeoutError
from vedette.sdk.metrics._instruments import (
    MADE_BY_PUBLIC,
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from vedette.sdk.metrics._point import MetricsData, split
from vedette.sdk.metrics._producer import MetricFilter, MetricProducer

logger = logging.getLogger("vedette.sdk.metrics")

_CARDINALITY_LIMIT = 2000

InstrumentCardinalityKey = (
    type[Counter]
    | type[UpDownCounter]
    | type[Histogram]
    | type[Gauge]
    | type[ObservableCounter]
    | type[ObservableUpDownCounter]
    | type[ObservableGauge]
)
CardinalityLimits = dict[InstrumentCardinalityKey, int]


class MetricExportResult(enum.Enum):
    SUCCESS = 0
    FAILURE = 1


class MetricExporter(abc.ABC):
    """Base of exporters. A periodic reader takes temporality and aggregation by instrument kind from it."""

    def __init__(
        self,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
    ) -> None:
        self._preferred_temporality = preferred_temporality
        self._preferred_aggregation = preferred_aggregation

    @abc.abstractmethod
    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Sends what was collected. Never called by two threads at once."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Finishes what was begun; False when that failed or took too long."""

    @abc.abstractmethod
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is exported any more."""


class ConsoleMetricExporter(MetricExporter):
    """Writes what is collected to a stream, as JSON."""

    def __init__(
        self,
        out: IO[str] = sys.stdout,
        formatter: Callable[[MetricsData], str] = lambda metrics_data: (
            metrics_data.to_json() + linesep
        ),
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
    ) -> None:
        super().__init__(preferred_temporality, preferred_aggregation)
        self.out = out
        self.formatter = formatter

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        self.out.write(self.formatter(metrics_data))
        self.out.flush()
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True


def _by_made(preferred: dict[type, Any] | None, default: Any) -> dict[type, Any]:
    """By the classes instruments are of, from the classes applications name."""
    values = dict.fromkeys(MADE_BY_PUBLIC.values(), default)
    for public, value in (preferred or {}).items():
        if public not in MADE_BY_PUBLIC:
            raise Exception(f"Invalid instrument class found {public}")
        values[MADE_BY_PUBLIC[public]] = value
    return values


class MetricReader(abc.ABC):
    """Base of readers. By instrument class: ``preferred_temporality`` (else cumulative),
    ``preferred_aggregation`` (else the instrument's own) and ``cardinality_limits`` (else 2,000 attribute sets).
    Raises an Exception for a class or value that there is not. Of ``metric_producers`` the reader collects, too;
    ``metric_filter`` is for them and for the provider's own metrics. Both need Python to collect."""

    _consumer: Any = None
    _producers: list[MetricProducer] | tuple[()] = ()
    _metric_filter: MetricFilter | None = None

    def __init__(
        self,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        cardinality_limits: CardinalityLimits | None = None,
        *,
        otel_component_type: Any = None,
        metric_producers: Sequence[MetricProducer] = (),
        metric_filter: MetricFilter | None = None,
    ) -> None:
        self._collect: Callable[..., MetricsData | None] | None = None
        self._native = _native.MetricReader()
        for temporality in (preferred_temporality or {}).values():
            if temporality not in (
                AggregationTemporality.CUMULATIVE,
                AggregationTemporality.DELTA,
            ):
                raise Exception(f"Invalid temporality value found {temporality}")
        for cls, limit in (cardinality_limits or {}).items():
            if cls not in MADE_BY_PUBLIC:
                raise ValueError(f"Invalid instrument class found {cls}")
            if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
                raise ValueError(
                    f"Cardinality limit for {cls} must be a positive integer, got {limit!r}"
                )
        self._preferred_temporality = preferred_temporality
        self._instrument_class_temporality = _by_made(
            preferred_temporality, AggregationTemporality.CUMULATIVE
        )
        self._instrument_class_aggregation = _by_made(preferred_aggregation, DefaultAggregation())
        self._instrument_class_cardinality_limit = _by_made(cardinality_limits, _CARDINALITY_LIMIT)
        self._otel_component_type = getattr(otel_component_type, "value", otel_component_type)
        self._metrics: _self_observation.ReaderMetrics | None = None
        self._producers = list(metric_producers)
        self._metric_filter = metric_filter

    def register_producer(self, metric_producer: MetricProducer) -> None:
        """From now on its metrics are collected as well."""
        self._producers = [*self._producers, metric_producer]
        self._need_python_data()

    def collect(self, timeout_millis: float = 10_000) -> None:
        """Collects, and hands what there is to ``_receive_metrics``. Raises MetricsTimeoutError when callbacks
        take too long."""
        if self._collect is None:
            logger.warning(
                "Cannot call collect on a MetricReader until it is registered on a MeterProvider"
            )
            return
        metrics = self._timed(lambda collect: collect(self, timeout_millis=timeout_millis))
        if metrics is not None:
            self._receive_metrics(metrics, timeout_millis=timeout_millis)

    def _timed(self, collect: Callable[[Any], Any]) -> Any:
        begun = time.perf_counter()
        try:
            return collect(self._collect)
        finally:
            if self._metrics:
                self._metrics.collected(time.perf_counter() - begun)

    def _set_collect_callback(self, func: Callable[..., MetricsData | None] | None) -> None:
        self._collect = func

    def _set_meter_provider(self, meter_provider: Any) -> None:
        """Called once the reader is registered: the provider it collects also takes its own metrics."""
        if _self_observation.enabled():
            kind = self._otel_component_type or type(self).__qualname__
            self._metrics = _self_observation.ReaderMetrics(kind, meter_provider)

    def _connect(self, stream: Any, resource: Any) -> bool:
        """Called with each new stream; False: it is not wanted."""
        return True

    @abc.abstractmethod
    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        """What was collected."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        self.collect(timeout_millis=timeout_millis)
        return True

    @abc.abstractmethod
    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Called by the provider when it is shut down."""

    def _need_python(self) -> None:  # noqa: B027
        """There are callbacks to run."""

    def _need_python_data(self) -> None:  # noqa: B027
        """There are producers, a filter or reservoirs written in Python."""

    def _after_fork(self) -> None:  # noqa: B027
        """In a forked child."""


class InMemoryMetricReader(MetricReader):
    """Keeps what it collects; for tests."""

    def __init__(
        self,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        cardinality_limits: CardinalityLimits | None = None,
        *,
        metric_producers: Sequence[MetricProducer] = (),
        metric_filter: MetricFilter | None = None,
    ) -> None:
        super().__init__(
            preferred_temporality,
            preferred_aggregation,
            cardinality_limits,
            metric_producers=metric_producers,
            metric_filter=metric_filter,
        )
        self._lock = threading.RLock()
        self._metrics_data: MetricsData | None = None

    def get_metrics_data(self) -> MetricsData | None:
        """Collects now; None when there is nothing."""
        with self._lock:
            self.collect()
            metrics_data, self._metrics_data = self._metrics_data, None
        return metrics_data

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        with self._lock:
            self._metrics_data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        pass

    def _after_fork(self) -> None:
        self._lock = threading.RLock()


class PeriodicExportingMetricReader(MetricReader):
    """Collects and exports every ``export_interval_millis`` (``OTEL_METRIC_EXPORT_INTERVAL``, else a minute;
    ``math.inf``: only when told), each time for at most ``export_timeout_millis``
    (``OTEL_METRIC_EXPORT_TIMEOUT``, else 30 s). With ``max_export_batch_size`` an export holds at most so many
    points. Raises ValueError for an interval that is not positive."""

    def __init__(
        self,
        exporter: MetricExporter,
        export_interval_millis: float | None = None,
        export_timeout_millis: float | None = None,
        cardinality_limits: CardinalityLimits | None = None,
        *,
        max_export_batch_size: int | None = None,
        metric_producers: Sequence[MetricProducer] = (),
        metric_filter: MetricFilter | None = None,
    ) -> None:
        super().__init__(
            exporter._preferred_temporality,
            exporter._preferred_aggregation,
            cardinality_limits,
            otel_component_type="periodic_metric_reader",
            metric_producers=metric_producers,
            metric_filter=metric_filter,
        )
        if export_interval_millis is None:
            export_interval_millis = _env.read("OTEL_METRIC_EXPORT_INTERVAL")
        if export_timeout_millis is None:
            export_timeout_millis = _env.read("OTEL_METRIC_EXPORT_TIMEOUT")
        if export_interval_millis <= 0:
            raise ValueError(
                f"interval value {export_interval_millis} is invalid and needs to be larger than zero."
            )
        if max_export_batch_size is not None and max_export_batch_size < 1:
            raise ValueError("max_export_batch_size must be positive")
        self._exporter = exporter
        self._export_interval_millis = export_interval_millis
        self._export_timeout_millis = export_timeout_millis
        self._batch = max_export_batch_size
        self._export_lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._stop = threading.Event()
        self._shut_down = False
        self._thread: threading.Thread | None = None
        self._python_thread = False
        # None: an exporter written in Python, which is given MetricsData.
        native = getattr(exporter, "_native_sink", None)
        self._sink: tuple[Any, int] | None = native(max_export_batch_size) if native else None
        self._python_data = bool(self._producers or metric_filter)

    def _set_meter_provider(self, meter_provider: Any) -> None:
        super()._set_meter_provider(meter_provider)
        # What takes the time is then timed in Python.
        self._python_thread = self._python_thread or self._metrics is not None
        self._start()

    def _start(self) -> None:
        with self._state_lock:
            if self._shut_down or self._export_interval_millis == math.inf:
                return
            if self._sink and not self._python_thread and not self._python_data:
                self._native.start(*self._sink, self._export_interval_millis)
                return
            self._native.stop()
            if self._thread is None:
                self._thread = threading.Thread(
                    name="VedettePeriodicExportingMetricReader", target=self._ticker, daemon=True
                )
                self._thread.start()

    def _need_python(self) -> None:
        if not self._python_thread:
            self._python_thread = True
            if self._collect is not None:
                self._start()

    def _need_python_data(self) -> None:
        if not self._python_data:
            self._python_data = True
            if self._collect is not None:
                self._start()

    def _after_fork(self) -> None:
        self._export_lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = None
        self._native.abandon()
        self._start()

    def _ticker(self) -> None:
        stop = self._stop
        while not stop.wait(self._export_interval_millis / 1e3):
            try:
                self.collect(timeout_millis=self._export_timeout_millis)
            except MetricsTimeoutError:
                logger.warning("Metric collection timed out; the next one is in its time.")
            except Exception:
                logger.exception("Collecting metrics failed.")

    def collect(self, timeout_millis: float = 10_000) -> None:
        if self._sink is None or self._python_data or self._collect is None:
            return super().collect(timeout_millis)
        lane, points_max = self._sink
        if not self._timed(lambda _: self._consumer.send(self, lane, points_max, timeout_millis)):
            logger.warning("The queue of metrics is full; what did not fit is lost.")
        return None

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            with self._export_lock:
                for piece in split(metrics_data, self._batch) if self._batch else (metrics_data,):
                    self._exporter.export(piece, timeout_millis=timeout_millis)
        except Exception:
            logger.exception("Exception while exporting metrics")
        finally:
            detach(token)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collects and exports now; False when not all of it got through in time."""
        deadline = time.monotonic() + timeout_millis / 1e3
        super().force_flush(timeout_millis=timeout_millis)
        left = max(0.0, (deadline - time.monotonic()) * 1e3)
        return self._exporter.force_flush(timeout_millis=left) is not False

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Collects and exports a last time, and stops."""
        deadline = time.monotonic() + timeout_millis / 1e3
        with self._state_lock:
            if self._shut_down:
                logger.warning("Can't shutdown multiple times")
                return
            self._shut_down = True
        self._stop.set()
        self._native.stop()
        if self._thread is not None:
            self._thread.join(timeout=max(0.0, deadline - time.monotonic()))
        try:
            if self._collect is not None:
                self.collect(timeout_millis=max(1.0, (deadline - time.monotonic()) * 1e3))
        except MetricsTimeoutError:
            logger.warning("The last metric collection timed out.")
        finally:
            left = max(0.0, (deadline - time.monotonic()) * 1e3)
            self._exporter.shutdown(timeout_millis=left)
