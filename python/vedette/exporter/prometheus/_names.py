"""How what meters and producers count is named in the exposition (OpenTelemetry specification, "Prometheus and
OpenMetrics Compatibility")."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from vedette import _native


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


class Named(NamedTuple):
    full: str
    name: str  # of a counter without "_total"
    unit: str  # which name ends in
    kind: str  # counter, plain_counter (without "_total"), sum, gauge or histogram

    @property
    def type_name(self) -> str:
        """The type a name has once and for all."""
        return {"sum": "gauge", "plain_counter": "counter"}.get(self.kind, self.kind)


class Names(NamedTuple):
    """The settings of one reader."""

    strategy: TranslationStrategy
    prefix: str
    scope_info: bool
    resource_attributes: Callable[[str], bool]

    def of(self, name: str, unit: str, aggregation: str, monotonic: bool) -> Named | None:
        """``aggregation``: sum, last_value or histogram. None if nothing of the name can be kept."""
        own = f"{self.prefix}_{name}" if self.prefix else name
        full = self._whole(own, unit, monotonic, aggregation == "last_value" and unit == "1")
        if not full:
            return None
        kind = {"histogram": "histogram", "last_value": "gauge"}.get(aggregation, "sum")
        if monotonic:
            kind = "counter" if full.endswith("_total") else "plain_counter"
        without = self._whole(own, "", monotonic, False)
        shown, stem = full, without
        if monotonic:
            shown, stem = full.removesuffix("_total"), without.removesuffix("_total")
        ending = shown.removeprefix(stem + "_") if shown.startswith(stem + "_") else ""
        return Named(full, shown, ending, kind)

    def _whole(self, own: str, unit: str, monotonic: bool, ratio: bool) -> str:
        if not self.strategy.suffixes:
            unit, monotonic, ratio = "", False, False
        if self.strategy.escapes:
            return _native.prometheus_name(own, unit, monotonic, ratio)
        return _native.prometheus_utf8_name(own, unit, monotonic, ratio)

    def labels(self, attributes: Any) -> dict[str, str]:
        """Keys that become the same label share it, their values joined, in the order of the keys."""
        labels: dict[str, list[str]] = {}
        for key in sorted(attributes):
            value = attributes[key]
            text = str(value).lower() if isinstance(value, bool) else str(value)
            name = _native.prometheus_label(key) if self.strategy.escapes else str(key)
            labels.setdefault(name, []).append(text)
        return {name: ";".join(values) for name, values in labels.items()}

    def fixed(self, scope: Any, resource: Any) -> dict[str, str]:
        """The labels that all series of a meter have."""
        chosen = {k: v for k, v in resource.attributes.items() if self.resource_attributes(k)}
        return {**self.labels(chosen), **(self._scope(scope) if self.scope_info else {})}

    def _scope(self, scope: Any) -> dict[str, str]:
        more = {f"otel_scope_{k}": v for k, v in self.labels(scope.attributes or {}).items()}
        own = {
            "otel_scope_name": scope.name,
            "otel_scope_version": scope.version,
            "otel_scope_schema_url": scope.schema_url,
        }
        return {**more, **{name: value for name, value in own.items() if value}}
