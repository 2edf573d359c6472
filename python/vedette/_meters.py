"""The meters of an application that has set up none itself, and what ``/metrics`` shows of meters.

``vedette.instrument`` sets a meter provider that is made when the first meter is asked for: an application without
meters does not pay for them. What is recorded is pushed where spans go, as ``OTEL_METRICS_EXPORTER`` says, and shown in
``vedette.prometheus.REGISTRY`` beside the metrics there. A Vedette that scrapes an application which pushes gets what is
not pushed: no metric reaches it twice.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import _internal as metrics_internal

from vedette import _env
from vedette.instrumentation import _metrics
from vedette.prometheus import REGISTRY, CollectorRegistry

logger = logging.getLogger("vedette")

# Soon enough to look at; upstream's minute holds where a provider is made otherwise.
_INTERVAL_MILLIS = 10_000


class DefaultMeterProvider(metrics.MeterProvider):
    """Makes the provider proper with the first meter. Threads: any."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._made: Any = None

    def _provider(self) -> Any:
        with self._lock:
            if self._made is None:
                try:
                    self._made = self._make()
                except Exception:
                    logger.warning("meters cannot be set up; nothing is counted", exc_info=True)
                    self._made = metrics.NoOpMeterProvider()
                push_through(self._made)
            return self._made

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> metrics.Meter:
        return self._provider().get_meter(name, version, schema_url, attributes)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        flush = getattr(self._made, "force_flush", None)
        return flush(timeout_millis) if flush else True

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        shutdown = getattr(self._made, "shutdown", None)
        if shutdown:
            shutdown(timeout_millis)

    def add_metric_reader(self, metric_reader: Any) -> None:
        self._provider().add_metric_reader(metric_reader)


def set_up(resource: Any, endpoint: str | None, usual_endpoint: str) -> None:
    """Sets the global provider where there is none, unless a configuration file speaks for itself. ``endpoint``: base URL;
    ``usual_endpoint``: where neither it nor the environment says one. A provider of ours that is there is shown in the
    registry."""
    current = metrics.get_meter_provider()
    if isinstance(current, metrics_internal._ProxyMeterProvider):
        if _env.config_file() is None:
            default = DefaultMeterProvider(lambda: _make(resource, endpoint, usual_endpoint))
            metrics.set_meter_provider(default)
            named = _env.given("OTEL_METRICS_EXPORTER") or ()
            if not is_off() and set(named) - {"prometheus"}:
                default._provider()  # for what our instrumentations count
    else:
        if not is_off():
            show(current)
        push_through(current)


def is_off() -> bool:
    """Whether meters are not wanted at all."""
    return any(name.lower() == "none" for name in _env.read("OTEL_METRICS_EXPORTER"))


def _make(resource: Any, endpoint: str | None, usual_endpoint: str) -> Any:
    from vedette import _configuration
    from vedette.exporter.prometheus import PrometheusMetricReader

    said = _configuration.Said(
        endpoint=endpoint, usual_endpoint=usual_endpoint, usual_interval_millis=_INTERVAL_MILLIS
    )
    # /metrics is there already.
    provider = _configuration.meter_provider(resource, said, without=PrometheusMetricReader)
    if not is_off():
        show(provider)
    return provider


def _native_provider(provider: Any) -> Any:
    """The MeterProvider of ours behind what is set; ``None``: it is somebody else's, or not made yet."""
    module = sys.modules.get("vedette.sdk.metrics")
    for inner in ("", "_real", "_made"):
        found = getattr(provider, inner, None) if inner else provider
        if module is not None and isinstance(found, module.MeterProvider):
            return found
    return None


def show(provider: Any) -> None:
    """Shows what this provider's meters count in the registry, unless somebody has seen to that."""
    native = _native_provider(provider)
    if native is None:
        return
    from vedette.exporter.prometheus import DefaultReader, PrometheusMetricReader

    shown = (r for r in native._metric_readers if isinstance(r, PrometheusMetricReader))
    if not any(reader._registry is REGISTRY for reader in shown):
        native.add_metric_reader(DefaultReader())


def push_through(provider: Any) -> None:
    """Exports what our instrumentations count, where this provider of ours exports what its meters do. Once it is set."""
    native = _native_provider(provider)
    if native is None:
        return
    from vedette.sdk.metrics.export import PeriodicExportingMetricReader

    readers = native._metric_readers
    if any(isinstance(reader, PeriodicExportingMetricReader) for reader in readers):
        _metrics.push()


class _WithoutMeters(CollectorRegistry):
    """The registry without what meters have counted, in any process of the service, and without what is pushed beside
    it."""

    _foreign = 2

    def _parts(self, meters: bool = False) -> list[Any]:
        pushed = _metrics.pushed()
        return [part for part in REGISTRY._parts(meters) if part not in pushed]

    def restricted_registry(self, names: Any) -> Any:
        return REGISTRY.restricted_registry(names)


_without_meters: CollectorRegistry | None = None


def registry_for(user_agent: str | None) -> CollectorRegistry:
    """What a scrape is to see."""
    global _without_meters
    if user_agent != "vedette" or not _pushes():
        return REGISTRY
    if _without_meters is None:
        _without_meters = _WithoutMeters()
    return _without_meters


def _pushes() -> bool:
    """Whether meters go to a server by OTLP, here or in the other processes of the service."""
    native = _native_provider(metrics.get_meter_provider())
    if native is None:
        return "otlp" in _env.read("OTEL_METRICS_EXPORTER")
    module = sys.modules.get("vedette.exporter.otlp._metrics")
    return module is not None and any(
        isinstance(exporter := getattr(reader, "_exporter", None), module.OtlpMetricExporter)
        and exporter._protocol != "file"
        for reader in native._metric_readers
    )
