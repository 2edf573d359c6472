"""``opentelemetry.exporter.prometheus``: what OTel meters count, in the exposition of ``vedette.prometheus``.

Names, units and labels follow the specification ("Prometheus and OpenMetrics Compatibility"), spelled as Vedette's
server and Prometheus's own OTLP receiver spell them. Exponential histograms have no form in text and are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from vedette import _env, _native
from vedette.prometheus import REGISTRY, CollectorRegistry, start_http_server
from vedette.prometheus.core import Metric as Family
from vedette.prometheus.samples import Exemplar
from vedette.sdk.metrics.export import (
    CardinalityLimits,
    Gauge,
    Histogram,
    Metric,
    MetricReader,
    MetricsData,
    Sum,
)

logger = logging.getLogger("vedette.sdk.metrics")


class PrometheusMetricReader(MetricReader):
    """Collects whenever the registry is read. ``prefix`` stands before every name; with
    ``scope_info_enabled`` every sample says its meter (``otel_scope_name``, ``otel_scope_version``, …);
    ``resource_attribute_filter`` chooses attributes of the resource that become labels, too; ``target_info``
    has all of them unless ``disable_target_info``."""

    def __init__(
        self,
        disable_target_info: bool = False,
        prefix: str = "",
        scope_info_enabled: bool = True,
        *,
        resource_attribute_filter: Callable[[str], bool] | None = None,
        registry: CollectorRegistry = REGISTRY,
        cardinality_limits: CardinalityLimits | None = None,
    ) -> None:
        super().__init__(
            cardinality_limits=cardinality_limits,
            otel_component_type="prometheus_http_text_metric_exporter",
        )
        self._target_info = not disable_target_info
        self._prefix = prefix
        self._scope_info = scope_info_enabled
        self._resource_attributes = resource_attribute_filter or (lambda key: False)
        self._data: MetricsData | None = None
        self._registry = registry
        self._collector = OtelCollector(self)
        registry.register(self._collector)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Takes the collector out of the registry."""
        try:
            self._registry.unregister(self._collector)
        except KeyError:
            logger.warning("Can't shutdown multiple times")

    def _families(self) -> Iterable[Family]:
        if self._collect is None:
            return ()
        self.collect()
        data, self._data = self._data, None
        families: dict[str, Family] = {}
        for group in data.resource_metrics if data else ():
            resource = dict(group.resource.attributes)
            if self._target_info:
                info = families.setdefault("target", Family("target", "Target metadata", "info"))
                info.add_sample("target_info", _labels(resource), 1)
            chosen = {k: v for k, v in resource.items() if self._resource_attributes(k)}
            for scoped in group.scope_metrics:
                fixed = {**_labels(chosen), **(_scope(scoped.scope) if self._scope_info else {})}
                for metric in scoped.metrics:
                    self._add(families, metric, fixed)
        return families.values()

    def _add(self, families: dict[str, Family], metric: Metric, fixed: dict[str, str]) -> None:
        data = metric.data
        monotonic = isinstance(data, Sum) and data.is_monotonic
        ratio = isinstance(data, Gauge) and metric.unit == "1"
        metric_name = f"{self._prefix}_{metric.name}" if self._prefix else metric.name
        full = _native.prometheus_name(metric_name, metric.unit or "", monotonic, ratio)
        if not full or not isinstance(data, (Sum, Gauge, Histogram)):
            return
        kind = "histogram" if isinstance(data, Histogram) else "counter" if monotonic else "gauge"
        name = full.removesuffix("_total") if monotonic else full
        without = _native.prometheus_name(metric_name, "", monotonic, False)
        stem = without.removesuffix("_total") if monotonic else without
        unit = name.removeprefix(stem + "_") if name.startswith(stem + "_") else ""
        family = families.setdefault(full, Family(name, metric.description or "", kind, unit))
        if family.type != kind:
            logger.warning(
                "%s is a %s already; the %s of this name is left out", name, family.type, kind
            )
            return
        for point in data.data_points:
            labels = {**_labels(point.attributes), **fixed}
            if isinstance(data, Histogram):
                _add_histogram(family, point, labels)
            else:
                exemplar = next(iter(point.exemplars), None) if monotonic else None
                family.add_sample(full, labels, point.value, exemplar=_exemplar(exemplar))


class OtelCollector:
    """What the registry asks: the families of a reader, translated."""

    def __init__(self, reader: PrometheusMetricReader) -> None:
        self._reader = reader

    def describe(self) -> Iterable[Family]:
        """Nothing beforehand: what there is shows when it is collected."""
        return ()

    def collect(self) -> Iterable[Family]:
        return self._reader._families()


class _AutoPrometheusMetricReader(PrometheusMetricReader):
    """For ``OTEL_METRICS_EXPORTER=prometheus``: serves ``/metrics`` at ``OTEL_EXPORTER_PROMETHEUS_HOST`` and
    ``…_PORT``, too."""

    def __init__(self) -> None:
        super().__init__()
        host = _env.read("OTEL_EXPORTER_PROMETHEUS_HOST")
        start_http_server(int(_env.read("OTEL_EXPORTER_PROMETHEUS_PORT")), addr=host)


def _labels(attributes: Any) -> dict[str, str]:
    """Keys that become the same label share it, their values joined, in the order of the keys."""
    labels: dict[str, list[str]] = {}
    for key in sorted(attributes):
        value = attributes[key]
        text = str(value).lower() if isinstance(value, bool) else str(value)
        labels.setdefault(_native.prometheus_label(key), []).append(text)
    return {name: ";".join(values) for name, values in labels.items()}


def _scope(scope: Any) -> dict[str, str]:
    more = {f"otel_scope_{k}": v for k, v in _labels(scope.attributes or {}).items()}
    return {
        **more,
        "otel_scope_name": scope.name or "",
        "otel_scope_version": scope.version or "",
        "otel_scope_schema_url": scope.schema_url or "",
    }


def _exemplar(exemplar: Any) -> Exemplar | None:
    if exemplar is None or exemplar.trace_id is None:
        return None
    ids = {"trace_id": f"{exemplar.trace_id:032x}", "span_id": f"{exemplar.span_id:016x}"}
    return Exemplar(ids, exemplar.value, exemplar.time_unix_nano / 1e9)


def _add_histogram(family: Family, point: Any, labels: dict[str, str]) -> None:
    bounds = [*point.explicit_bounds, float("inf")]
    exemplars = sorted(point.exemplars, key=lambda e: e.value)
    count = 0
    for bound, bucket in zip(bounds, point.bucket_counts, strict=True):
        count += bucket
        within = [e for e in exemplars if e.value <= bound]
        exemplars = exemplars[len(within) :]
        family.add_sample(
            family.name + "_bucket",
            {**labels, "le": "+Inf" if bound == float("inf") else str(float(bound))},
            count,
            exemplar=_exemplar(within[-1] if within else None),
        )
    family.add_sample(family.name + "_count", labels, point.count)
    family.add_sample(family.name + "_sum", labels, point.sum)


__all__ = ["OtelCollector", "PrometheusMetricReader"]
