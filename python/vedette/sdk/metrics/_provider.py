"""MeterProvider and Meter."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from opentelemetry import metrics as api

from vedette import _env, _exit
from vedette._forks import after_fork_in_child
from vedette.sdk.metrics import _instruments as instruments
from vedette.sdk.metrics._aggregation import check_boundaries
from vedette.sdk.metrics._consumer import Consumer, MetricsTimeoutError
from vedette.sdk.metrics._exemplar import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    TraceBasedExemplarFilter,
)
from vedette.sdk.metrics._view import View
from vedette.sdk.resources import Resource, _get_process_dependent_resource
from vedette.sdk.util.instrumentation import InstrumentationScope

logger = logging.getLogger("vedette.sdk.metrics")


@dataclass
class _MeterConfig:
    is_enabled: bool = True

    @classmethod
    def default(cls) -> _MeterConfig:
        return cls()


class Meter(api.Meter):
    """Makes instruments. Asked again for the same name, kind, unit and description it answers the same one;
    names do not depend on case."""

    def __init__(
        self,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: Consumer,
        *,
        _meter_config: _MeterConfig | None = None,
    ) -> None:
        scope = instrumentation_scope
        super().__init__(scope.name, scope.version, scope.schema_url)
        self._instrumentation_scope = scope
        self._measurement_consumer = measurement_consumer
        self._known: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._names: dict[str, tuple[Any, ...]] = {}
        self._lock = threading.Lock()
        self._meter_config = _meter_config or _MeterConfig.default()

    def _set_meter_config(self, meter_config: _MeterConfig) -> None:
        with self._lock:
            self._meter_config = meter_config
            for instrument, _ in self._known.values():
                instrument._enable(meter_config.is_enabled)

    def _create(self, cls: Any, name: str, unit: str, description: str, *,
                advice: tuple[Any, Any] = (None, None), callbacks: Any = None) -> Any:  # fmt: skip
        name, unit, description = instruments.check(name, unit, description)
        identity = (name, cls, unit, description)
        with self._lock:
            instrument, known_advice = self._known.get(identity, (None, advice))
            if instrument is None:
                instrument = cls()
                instrument._set_up(name, unit, description, self._instrumentation_scope)
                instrument._advised_boundaries, instrument._advised_attributes = advice
                if cls._asynchronous:
                    instrument._set_callbacks(callbacks)
                instrument._enable(self._meter_config.is_enabled)
                self._known[identity] = (instrument, advice)
                self._measurement_consumer.add_instrument(instrument)
            first = self._names.setdefault(name, identity)
        if first != identity or known_advice != advice:
            logger.warning(
                "An instrument with name %s was already registered in meter %r as %s, unit %r, description "
                "%r; a second one of its name makes metrics that contradict each other",
                name, self._name, first[1].__name__.lstrip("_"), first[2], first[3],
            )  # fmt: skip
        return instrument

    def create_counter(self, name: str, unit: str = "", description: str = "", *,
                       attributes_advisory: Iterable[str] | None = None) -> Any:  # fmt: skip
        """A sum that only grows. ``attributes_advisory``: the attribute keys to keep, unless a view says so."""
        return self._create(instruments._Counter, name, unit, description,
                            advice=(None, _keys(attributes_advisory)))  # fmt: skip

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "", *,
                               attributes_advisory: Iterable[str] | None = None) -> Any:  # fmt: skip
        """A sum that grows and shrinks."""
        return self._create(instruments._UpDownCounter, name, unit, description,
                            advice=(None, _keys(attributes_advisory)))  # fmt: skip

    def create_histogram(self, name: str, unit: str = "", description: str = "", *,
                         explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
                         attributes_advisory: Iterable[str] | None = None) -> Any:  # fmt: skip
        """Distributions. Boundaries advised hold unless a view has others."""
        boundaries = _boundaries(explicit_bucket_boundaries_advisory)
        return self._create(instruments._Histogram, name, unit, description,
                            advice=(boundaries, _keys(attributes_advisory)))  # fmt: skip

    def create_gauge(self, name: str, unit: str = "", description: str = "", *,
                     attributes_advisory: Iterable[str] | None = None) -> Any:  # fmt: skip
        """A value that is set."""
        return self._create(instruments._Gauge, name, unit, description,
                            advice=(None, _keys(attributes_advisory)))  # fmt: skip

    def create_observable_counter(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> Any:
        """A sum that only grows, read by ``callbacks`` when metrics are collected."""
        return self._create(
            instruments._ObservableCounter, name, unit, description, callbacks=callbacks
        )

    def create_observable_up_down_counter(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> Any:
        """A sum that grows and shrinks, read by ``callbacks``."""
        return self._create(
            instruments._ObservableUpDownCounter, name, unit, description, callbacks=callbacks
        )

    def create_observable_gauge(
        self, name: str, callbacks: Any = None, unit: str = "", description: str = ""
    ) -> Any:
        """A value read by ``callbacks``."""
        return self._create(
            instruments._ObservableGauge, name, unit, description, callbacks=callbacks
        )


def _keys(advisory: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if advisory is None else tuple(sorted(advisory))


def _boundaries(advisory: Any) -> tuple[float, ...] | None:
    if advisory is None:
        return None
    try:
        if isinstance(advisory, Sequence) and all(isinstance(e, (float, int)) for e in advisory):
            check_boundaries(advisory)
            return tuple(advisory)
    except Exception:
        pass
    logger.warning("explicit_bucket_boundaries_advisory must be a sequence of increasing numbers")
    return None


def _filter_from_environment() -> ExemplarFilter:
    known: dict[str, type[ExemplarFilter]] = {
        "always_on": AlwaysOnExemplarFilter,
        "always_off": AlwaysOffExemplarFilter,
    }
    name = _env.read("OTEL_METRICS_EXEMPLAR_FILTER")
    return known.get(name, TraceBasedExemplarFilter)()


class MeterProvider(api.MeterProvider):
    """Makes meters; holds what they share: readers, views, resource and exemplar filter. With the
    ``view_matching_mode`` "composable" all views that match an instrument and do not name different streams make one; else
    ("independent") each makes its own. Unless
    ``shutdown_on_exit`` is false the end of the process flushes, within two seconds."""

    _all_metric_readers_lock = threading.Lock()
    _all_metric_readers: ClassVar[weakref.WeakSet[Any]] = weakref.WeakSet()

    def __init__(
        self,
        metric_readers: Sequence[Any] = (),
        resource: Resource | None = None,
        exemplar_filter: ExemplarFilter | None = None,
        shutdown_on_exit: bool = True,
        views: Sequence[View] = (),
        *,
        view_matching_mode: str = "independent",
        _meter_configurator: Callable[[Any], _MeterConfig] | None = None,
    ) -> None:
        if view_matching_mode not in ("independent", "composable"):
            raise ValueError(
                f"view_matching_mode must be independent or composable, not {view_matching_mode!r}"
            )
        self._resource = Resource.create({}) if resource is None else resource
        self._consumer = Consumer(
            self._resource,
            views,
            exemplar_filter or _filter_from_environment(),
            composable=view_matching_mode == "composable",
        )
        self._metric_readers: list[Any] = []
        self._meters: dict[tuple[Any, ...], Meter] = {}
        self._lock = threading.Lock()
        self._disabled = bool(_env.read("OTEL_SDK_DISABLED"))
        self._is_shut_down = False
        self._meter_configurator = _meter_configurator or (lambda scope: _MeterConfig.default())
        for reader in metric_readers:
            with self._all_metric_readers_lock:
                if reader in self._all_metric_readers:
                    raise Exception(
                        f"MetricReader {reader} has been registered already in other MeterProvider instance"
                    )
                self._all_metric_readers.add(reader)
            self._take(reader)
        self._exit = _Exit(self) if shutdown_on_exit else None
        if self._exit:
            _exit.at_exit(self._exit)
        after_fork_in_child(self._after_fork)

    def _take(self, reader: Any) -> None:
        self._metric_readers.append(reader)
        self._consumer.add_reader(reader)
        reader._consumer = self._consumer
        reader._set_collect_callback(self._consumer.collect)
        reader._set_meter_provider(self)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        type(self)._all_metric_readers_lock = threading.Lock()
        self._consumer.after_fork(_get_process_dependent_resource())
        for reader in self._metric_readers:
            reader._after_fork()

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> api.Meter:
        """A meter of this instrumentation scope. An empty name is said, and kept."""
        if self._disabled:
            return api.NoOpMeter(name, version=version, schema_url=schema_url)
        if self._is_shut_down:
            logger.warning("A shutdown `MeterProvider` can not provide a `Meter`")
            return api.NoOpMeter(name, version=version, schema_url=schema_url)
        if not name:
            logger.warning("Meter name cannot be None or empty.")
        scope = InstrumentationScope(name, version, schema_url, attributes)
        key = (name, version, schema_url, repr(sorted(attributes.items())) if attributes else "")
        with self._lock:
            meter = self._meters.get(key)
            if meter is None:
                meter = Meter(scope, self._consumer, _meter_config=self._config_of(scope))
                self._meters[key] = meter
        return meter

    def _config_of(self, scope: Any) -> _MeterConfig:
        try:
            return self._meter_configurator(scope)
        except Exception:
            logger.exception(
                "meter configurator failed for scope '%s', using default config", scope.name
            )
            return _MeterConfig.default()

    def _set_meter_configurator(self, *, meter_configurator: Callable[[Any], _MeterConfig]) -> None:
        """Applies to the meters there are, and to those to come."""
        with self._lock:
            self._meter_configurator = meter_configurator
            for meter in self._meters.values():
                meter._set_meter_config(self._config_of(meter._instrumentation_scope))

    def add_metric_reader(self, metric_reader: Any) -> None:
        """Instruments made before and after record for this reader, too."""
        with self._all_metric_readers_lock:
            if metric_reader in self._all_metric_readers:
                logger.warning("MetricReader '%s' has been registered already!", metric_reader)
                return
            self._all_metric_readers.add(metric_reader)
        self._take(metric_reader)

    def remove_metric_reader(self, metric_reader: Any) -> None:
        """Shuts the reader down and forgets it."""
        with self._all_metric_readers_lock:
            if metric_reader not in self._metric_readers:
                logger.warning("MetricReader '%s' has not been registered!", metric_reader)
                return
            self._all_metric_readers.discard(metric_reader)
            self._metric_readers.remove(metric_reader)
        metric_reader.shutdown()
        metric_reader._set_collect_callback(None)
        self._consumer.remove_reader(metric_reader)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Collects and exports now. Raises an Exception that names the readers that failed."""
        self._each_reader("force_flush", timeout_millis)
        return True

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Exports a last time and stops; only once."""
        with self._lock:
            if self._is_shut_down:
                logger.warning("shutdown can only be called once")
                return
            self._is_shut_down = True
        if self._exit:
            _exit.forget(self._exit)
        self._each_reader("shutdown", timeout_millis)

    def _each_reader(self, what: str, timeout_millis: float) -> None:
        deadline = time.monotonic() + timeout_millis / 1e3
        failed = []
        for reader in list(self._metric_readers):
            left = (deadline - time.monotonic()) * 1e3
            try:
                if left <= 0:
                    raise MetricsTimeoutError(f"Timed out before {what}")
                if getattr(reader, what)(timeout_millis=left) is False:
                    raise MetricsTimeoutError(f"{what} did not get everything through in time")
            except Exception as error:
                failed.append(f"{type(reader).__name__}: {error!r}")
        if failed:
            raise Exception(f"MeterProvider.{what} failed:\n" + "\n".join(failed))


class _Exit:
    """What is shut down when the process ends."""

    def __init__(self, provider: MeterProvider) -> None:
        self._provider = provider

    def shutdown(self) -> None:
        self._provider.shutdown(1e3 * _exit.SECONDS)
