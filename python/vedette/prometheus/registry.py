"""Registries: sets of collectors that are exposed together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any, Protocol

from vedette.prometheus._metric import Metric


class Collector(Protocol):
    """Whatever yields metric families when it is asked."""

    def collect(self) -> Iterable[Metric]:
        """The families as they are now."""
        raise NotImplementedError


class _EmptyCollector:
    def collect(self) -> Iterable[Metric]:
        return []


class DuplicateTimeseries(ValueError):
    """A collector would show series that another one has; ``duplicates`` names them."""

    def __init__(self, duplicates: set[str]) -> None:
        super().__init__(f"Duplicated timeseries in CollectorRegistry: {duplicates}")
        self.duplicates = duplicates


_SUFFIXES = {
    "counter": ("_total", "_created"),
    "summary": ("_sum", "_count", "_created"),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "info": ("_info",),
}


class CollectorRegistry:
    """Collectors that are exposed together; no two of them have a name in common.

    ``auto_describe`` asks collectors that have no ``describe()`` for their families to learn their names.
    """

    _shared = False  # shows also what only other processes of the service have

    @property
    def _foreign(self) -> int:
        """What of other processes is shown: 0 nothing of their own, 1 all, 2 all but what meters count."""
        return int(self._shared)

    def __init__(
        self,
        auto_describe: bool = False,
        target_info: dict[str, str] | None = None,
        support_collectors_without_names: bool = False,
    ) -> None:
        self._collector_to_names: dict[Any, list[str]] = {}
        self._names_to_collectors: dict[str, Any] = {}
        self._auto_describe = auto_describe
        self._lock = Lock()
        self._target_info: dict[str, str] | None = None
        self._support_collectors_without_names = support_collectors_without_names
        self._collectors_without_names: list[Any] = []
        self.set_target_info(target_info)

    def register(self, collector: Collector) -> None:
        """Adds a collector; DuplicateTimeseries when one of its names is taken."""
        names = self._get_names(collector)
        with self._lock:
            duplicates = set(names) & self._names_to_collectors.keys()
            if duplicates:
                raise DuplicateTimeseries(duplicates)
            self._names_to_collectors.update(dict.fromkeys(names, collector))
            self._collector_to_names[collector] = names
            if self._support_collectors_without_names and not names:
                self._collectors_without_names.append(collector)
        if self._shared and hasattr(collector, "_show_everyone"):
            collector._show_everyone()

    def unregister(self, collector: Collector) -> None:
        """Removes a collector; KeyError when it is not there."""
        with self._lock:
            for name in self._collector_to_names.pop(collector):
                del self._names_to_collectors[name]
            if collector in self._collectors_without_names:
                self._collectors_without_names.remove(collector)

    def _get_names(self, collector: Any) -> list[str]:
        describe = getattr(collector, "describe", None)
        if describe is None and self._auto_describe:
            # Ours know their names without asking the system for the values.
            describe = getattr(collector, "_describe", collector.collect)
        if describe is None:
            return []
        return [
            family.name + suffix
            for family in describe()
            for suffix in ("", *_SUFFIXES.get(family.type, ()))
        ]

    def _parts(self, meters: bool = True) -> list[Any]:
        """The target's information, if there is any, and the collectors, in order; those of meters if wanted."""
        with self._lock:
            info = [self._target_info_metric()] if self._target_info else []
            parts = [*info, *self._collector_to_names]
        expanded: list[Any] = []
        for part in parts:
            # That of meters is made of several: what is native of it is rendered so.
            if not hasattr(part, "_parts"):
                expanded.append(part)
            elif meters:
                expanded += part._parts()
        return expanded

    def collect(self) -> Iterator[Metric]:
        """The families of all collectors."""
        with self._lock:
            info = [self._target_info_metric()] if self._target_info else []
            collectors = list(self._collector_to_names)
        yield from info
        for collector in collectors:
            yield from collector.collect()

    def restricted_registry(self, names: Iterable[str]) -> RestrictedRegistry:
        """What has only the samples of these names."""
        return RestrictedRegistry(names, self)

    def set_target_info(self, labels: dict[str, str] | None) -> None:
        """The labels of ``target_info``, which describes this program; None: no such metric."""
        with self._lock:
            if labels:
                if not self._target_info and "target_info" in self._names_to_collectors:
                    raise ValueError("CollectorRegistry already contains a target_info metric")
                self._names_to_collectors["target_info"] = _EmptyCollector()
            elif self._target_info:
                self._names_to_collectors.pop("target_info", None)
            self._target_info = labels

    def get_target_info(self) -> dict[str, str] | None:
        """What set_target_info() was told."""
        with self._lock:
            return self._target_info

    def _target_info_metric(self) -> Metric:
        family = Metric("target", "Target metadata", "info")
        family.add_sample("target_info", self._target_info or {}, 1)
        return family

    def get_sample_value(self, name: str, labels: dict[str, str] | None = None) -> float | None:
        """The value of one sample, or None; slow, for tests."""
        for family in self.collect():
            for sample in family.samples:
                if sample.name == name and sample.labels == (labels or {}):
                    return sample.value
        return None


class RestrictedRegistry:
    """The part of a registry that has certain sample names."""

    def __init__(self, names: Iterable[str], registry: CollectorRegistry) -> None:
        self._name_set = set(names)
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """The families that are left, with the samples that are left."""
        registry = self._registry
        with registry._lock:
            collectors = dict.fromkeys(registry._collectors_without_names)
            for name in self._name_set - {"target_info"}:
                if name in registry._names_to_collectors:
                    collectors[registry._names_to_collectors[name]] = None
            info = None
            if "target_info" in self._name_set and registry._target_info:
                info = registry._target_info_metric()
        if info is not None:
            yield info
        for collector in collectors:
            for family in collector.collect():
                restricted = family._restricted_metric(self._name_set)
                if restricted is not None:
                    yield restricted


REGISTRY = CollectorRegistry(auto_describe=True)
REGISTRY._shared = True
