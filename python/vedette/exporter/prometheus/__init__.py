"""``opentelemetry.exporter.prometheus``: what OTel meters count, in the exposition of ``vedette.prometheus``.

Names, units and labels follow the specification ("Prometheus and OpenMetrics Compatibility"), spelled as Vedette's
server and Prometheus's own OTLP receiver spell them. What is recorded is counted natively in the registry itself, so
that all processes of a service answer for all here, too. Exponential histograms have no form in text and are left out.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vedette import _env, _native
from vedette.exporter.prometheus._names import Names, TranslationStrategy
from vedette.instrumentation._metrics import METER
from vedette.prometheus import REGISTRY, CollectorRegistry, start_http_server
from vedette.prometheus.core import Metric as Family
from vedette.prometheus.samples import Exemplar
from vedette.sdk.metrics.export import (
    CardinalityLimits,
    MetricFilter,
    MetricProducer,
    MetricReader,
    MetricsData,
)

logger = logging.getLogger("vedette.sdk.metrics")


class PrometheusMetricReader(MetricReader):
    """Shows what is recorded whenever the registry is read. ``prefix`` stands before every name; with
    ``scope_info_enabled`` every sample says its meter (``otel_scope_name``, ``otel_scope_version``, …);
    ``resource_attribute_filter`` chooses attributes of the resource that become labels, too; ``target_info``
    has all of them unless ``disable_target_info``; ``translation_strategy`` makes the names. What ``metric_producers``
    say is of the process that answers; with a ``metric_filter`` all else is, too. A family of the registry's own whose name it is wins."""

    def __init__(
        self,
        disable_target_info: bool = False,
        prefix: str = "",
        scope_info_enabled: bool = True,
        *,
        resource_attribute_filter: Callable[[str], bool] | None = None,
        registry: CollectorRegistry = REGISTRY,
        cardinality_limits: CardinalityLimits | None = None,
        translation_strategy: TranslationStrategy = TranslationStrategy.UNDERSCORE_ESCAPING_WITH_SUFFIXES,
        metric_producers: Sequence[MetricProducer] = (),
        metric_filter: MetricFilter | None = None,
    ) -> None:
        super().__init__(
            cardinality_limits=cardinality_limits,
            otel_component_type="prometheus_http_text_metric_exporter",
            metric_producers=metric_producers,
            metric_filter=metric_filter,
        )
        self._target_info = not disable_target_info
        self._names = Names(
            TranslationStrategy(translation_strategy),
            prefix,
            scope_info_enabled,
            resource_attribute_filter or (lambda key: False),
        )
        self._resource: Any = None
        self._kinds: dict[str, str] = {}
        self._received: MetricsData | None = None
        self._converted: Any = None
        self._shown = threading.RLock()
        self._families = _native.MetricFamilies()
        self._registry = registry
        self._collector = OtelCollector(self)
        registry.register(self._collector)

    def _set_meter_provider(self, meter_provider: Any) -> None:
        super()._set_meter_provider(meter_provider)
        for other in list(meter_provider._metric_readers):
            # Nothing is shown twice: the reader that somebody asked for wins.
            default = isinstance(other, DefaultReader) and other is not self
            if default and other._registry is self._registry:
                meter_provider.remove_metric_reader(other)

    def collect(self, timeout_millis: float = 10_000) -> None:
        """Runs the callbacks of observable instruments, and asks the producers."""
        self._received = None
        if self._collect is None or self._metric_filter:
            super().collect(timeout_millis)
        else:
            self._timed(lambda _: self._consumer.publish(self, timeout_millis))
            if self._producers:
                produced = self._consumer.produced(self, timeout_millis)
                self._received = self._consumer.data(produced)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        """What is not where it is shown already."""
        self._received = metrics_data

    def _after_fork(self) -> None:
        self._shown = threading.RLock()

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Takes the collector out of the registry."""
        try:
            self._registry.unregister(self._collector)
        except KeyError:
            logger.warning("Can't shutdown multiple times")

    def _connect(self, stream: Any, resource: Any) -> bool:
        if stream.kind == "exponential":
            return False
        self._resource = resource
        monotonic = stream.options.get("monotonic", False)
        named = self._names.of(stream.name, stream.unit or "", stream.kind, monotonic)
        if named is None:
            return False
        if stream.scope.name == METER and named.name in self._registry._names_to_collectors:
            return False  # shown by the registry itself
        known = self._kinds.setdefault(named.full, named.type_name)
        if known != named.type_name:
            logger.warning(
                "%s is a %s already; the %s of this name is left out",
                named.name, known, named.type_name,
            )  # fmt: skip
            return False
        if self._metric_filter:
            return True
        everyone = self._registry._shared
        stream.native.expose(
            self._families,
            named.kind,
            named.name,
            stream.description or "",
            named.unit,
            everyone,
            self._names.fixed(stream.scope, resource),
            self._names.strategy.escapes,
        )
        return True

    def _parts(self) -> list[Any]:
        """What is shown now: families of Python's, and the native collector of all others."""
        if self._collect is None:
            return []
        taken = self._registry._names_to_collectors
        with self._shown:
            try:
                self.collect()
            except Exception:
                logger.exception(
                    "Observable instruments could not be read; they are shown as they were."
                )
            names = self._families.names()
            self._families.hide([name for name in names if name in taken])
            parts = [self._families, *self._more(taken, names)]
        nothing = not names and len(parts) == 1
        if nothing or not self._target_info or self._registry.get_target_info():
            return parts
        info = Family("target", "Target metadata", "info")
        resource = self._resource or self._consumer.resource
        info.add_sample("target_info", self._names.labels(resource.attributes), 1)
        return [info, *parts]

    def _more(self, *taken: Any) -> list[Family]:
        """What was received; a name is shown once."""
        if self._received is None:
            return []
        if self._converted is None:
            from vedette.exporter.prometheus._families import Families

            self._converted = Families(self._names, self._kinds)
        found = self._converted.of(self._received)
        return [family for family in found if not any(family.name in names for names in taken)]


class DefaultReader(PrometheusMetricReader):
    """Shows meters in ``vedette.prometheus.REGISTRY`` where nobody has asked for a reader of his own."""


class OtelCollector:
    """What the registry asks."""

    def __init__(self, reader: PrometheusMetricReader) -> None:
        self._reader = reader

    def describe(self) -> Iterable[Family]:
        """Nothing beforehand: what there is shows when it is collected."""
        return ()

    def _parts(self) -> list[Any]:
        return self._reader._parts()

    def collect(self) -> Iterable[Family]:
        for part in self._parts():
            if isinstance(part, Family):
                yield part
            else:
                yield from families_of(part)


def families_of(collector: Any) -> Iterable[Family]:
    """What a native collector shows."""
    for name, help_text, kind, unit, samples in _native.metrics_collect([collector]):
        family = Family(name, help_text, kind, unit)
        for suffix, labels, value, exemplar in samples:
            kept = Exemplar(*exemplar) if exemplar else None
            family.add_sample(name + suffix, labels, value, exemplar=kept)
        yield family


class _AutoPrometheusMetricReader(PrometheusMetricReader):
    """For ``OTEL_METRICS_EXPORTER=prometheus``: serves ``/metrics`` at ``OTEL_EXPORTER_PROMETHEUS_HOST`` and
    ``…_PORT``, too."""

    def __init__(self) -> None:
        super().__init__()
        host = _env.read("OTEL_EXPORTER_PROMETHEUS_HOST")
        start_http_server(int(_env.read("OTEL_EXPORTER_PROMETHEUS_PORT")), addr=host)


__all__ = ["OtelCollector", "PrometheusMetricReader", "TranslationStrategy"]
