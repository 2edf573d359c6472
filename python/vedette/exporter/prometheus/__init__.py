"""``opentelemetry.exporter.prometheus``: what OTel meters count, in the exposition of ``vedette.prometheus``.

Names, units and labels follow the specification ("Prometheus and OpenMetrics Compatibility"), spelled as Vedette's
server and Prometheus's own OTLP receiver spell them. What is recorded is counted natively in the registry itself, so
that all processes of a service answer for all here, too. Exponential histograms have no form in text and are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from vedette import _env, _native
from vedette.prometheus import REGISTRY, CollectorRegistry, start_http_server
from vedette.prometheus.core import Metric as Family
from vedette.prometheus.samples import Exemplar
from vedette.sdk.metrics.export import CardinalityLimits, MetricReader, MetricsData

logger = logging.getLogger("vedette.sdk.metrics")


class TranslationStrategy(Enum):
    """How instruments are named. Escaping leaves letters, digits and underscores; suffixes are the unit and ``_total``."""

    UNDERSCORE_ESCAPING_WITH_SUFFIXES = "underscore_escaping_with_suffixes"
    UNDERSCORE_ESCAPING_WITHOUT_SUFFIXES = "underscore_escaping_without_suffixes"
    NO_UTF8_ESCAPING_WITH_SUFFIXES = "no_utf8_escaping_with_suffixes"
    NO_TRANSLATION = "no_translation"

    @property
    def escapes(self) -> bool:
        """What is not escaped here still is for whoever reads without ``escaping=allow-utf-8``."""
        return self.value.startswith("underscore_escaping")

    @property
    def suffixes(self) -> bool:
        return self.value.endswith("with_suffixes")

    def metric_name(self, own: str, unit: str, monotonic: bool, ratio: bool) -> str:
        """The whole name of a metric; empty if nothing of it can be kept."""
        if not self.suffixes:
            unit, monotonic, ratio = "", False, False
        if self.escapes:
            return _native.prometheus_name(own, unit, monotonic, ratio)
        return _native.prometheus_utf8_name(own, unit, monotonic, ratio)

    def label(self, key: str) -> str:
        return _native.prometheus_label(key) if self.escapes else str(key)


class PrometheusMetricReader(MetricReader):
    """Shows what is recorded whenever the registry is read. ``prefix`` stands before every name; with
    ``scope_info_enabled`` every sample says its meter (``otel_scope_name``, ``otel_scope_version``, …);
    ``resource_attribute_filter`` chooses attributes of the resource that become labels, too; ``target_info``
    has all of them unless ``disable_target_info``; ``translation_strategy`` makes the names. A family of the registry's own whose name it is wins."""

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
    ) -> None:
        super().__init__(
            cardinality_limits=cardinality_limits,
            otel_component_type="prometheus_http_text_metric_exporter",
        )
        self._target_info = not disable_target_info
        self._prefix = prefix
        self._scope_info = scope_info_enabled
        self._strategy = TranslationStrategy(translation_strategy)
        self._resource_attributes = resource_attribute_filter or (lambda key: False)
        self._resource: dict[str, Any] = {}
        self._kinds: dict[str, str] = {}
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
        """Runs the callbacks of observable instruments."""
        if self._collect is None:
            super().collect(timeout_millis)
        else:
            self._timed(lambda _: self._consumer.publish(self, timeout_millis))

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        """Nothing is received: values are where they are shown."""

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Takes the collector out of the registry."""
        try:
            self._registry.unregister(self._collector)
        except KeyError:
            logger.warning("Can't shutdown multiple times")

    def _connect(self, stream: Any, resource: Any) -> bool:
        if stream.kind == "exponential":
            return False
        self._resource = dict(resource.attributes)
        monotonic = stream.options.get("monotonic", False)
        ratio = stream.kind == "last_value" and stream.unit == "1"
        own = f"{self._prefix}_{stream.name}" if self._prefix else stream.name
        full = self._strategy.metric_name(own, stream.unit or "", monotonic, ratio)
        if not full:
            return False
        kind = {"histogram": "histogram", "last_value": "gauge"}.get(stream.kind, "sum")
        if monotonic:
            kind = "counter" if full.endswith("_total") else "plain_counter"
        type_name = {"sum": "gauge", "plain_counter": "counter"}.get(kind, kind)
        name = full.removesuffix("_total") if monotonic else full
        known = self._kinds.setdefault(full, type_name)
        if known != type_name:
            logger.warning(
                "%s is a %s already; the %s of this name is left out", name, known, type_name
            )
            return False
        without = self._strategy.metric_name(own, "", monotonic, False)
        stem = without.removesuffix("_total") if monotonic else without
        unit = name.removeprefix(stem + "_") if name.startswith(stem + "_") else ""
        chosen = {k: v for k, v in self._resource.items() if self._resource_attributes(k)}
        name_of = self._strategy.label
        scope = _scope(stream.scope, name_of) if self._scope_info else {}
        fixed = {**_labels(chosen, name_of), **scope}
        everyone = self._registry._shared
        stream.native.expose(
            self._families,
            kind,
            name,
            stream.description or "",
            unit,
            everyone,
            fixed,
            self._strategy.escapes,
        )
        return True

    def _parts(self) -> list[Any]:
        """What is shown now: families of Python's, and the native collector of all others."""
        if self._collect is None:
            return []
        try:
            self.collect()
        except Exception:
            logger.exception(
                "Observable instruments could not be read; they are shown as they were."
            )
        names = self._families.names()
        taken = self._registry._names_to_collectors
        self._families.hide([name for name in names if name in taken])
        if not names or not self._target_info or self._registry.get_target_info():
            return [self._families]
        info = Family("target", "Target metadata", "info")
        info.add_sample("target_info", _labels(self._resource, self._strategy.label), 1)
        return [info, self._families]


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


def _labels(attributes: Any, name_of: Callable[[str], str]) -> dict[str, str]:
    """Keys that become the same label share it, their values joined, in the order of the keys."""
    labels: dict[str, list[str]] = {}
    for key in sorted(attributes):
        value = attributes[key]
        text = str(value).lower() if isinstance(value, bool) else str(value)
        labels.setdefault(name_of(key), []).append(text)
    return {name: ";".join(values) for name, values in labels.items()}


def _scope(scope: Any, name_of: Callable[[str], str]) -> dict[str, str]:
    more = {f"otel_scope_{k}": v for k, v in _labels(scope.attributes or {}, name_of).items()}
    own = {
        "otel_scope_name": scope.name,
        "otel_scope_version": scope.version,
        "otel_scope_schema_url": scope.schema_url,
    }
    return {**more, **{name: value for name, value in own.items() if value}}


__all__ = ["OtelCollector", "PrometheusMetricReader", "TranslationStrategy"]
