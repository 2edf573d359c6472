"""What the garbage collector did."""

from __future__ import annotations

import gc
import platform
from collections.abc import Iterable

from vedette.prometheus._metric import Metric
from vedette.prometheus.registry import REGISTRY, CollectorRegistry

_FAMILIES = (
    ("collected", "python_gc_objects_collected", "Objects collected during gc"),
    ("uncollectable", "python_gc_objects_uncollectable", "Uncollectable objects found during GC"),
    ("collections", "python_gc_collections", "Number of times this generation was collected"),
)


class GCCollector:
    """``python_gc_*``, by generation."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        if hasattr(gc, "get_stats") and platform.python_implementation() == "CPython":
            registry.register(self)

    def _describe(self) -> Iterable[Metric]:
        return [Metric(name, documentation, "counter") for _, name, documentation in _FAMILIES]

    def collect(self) -> Iterable[Metric]:
        """The counts of this process."""
        from vedette.prometheus.metrics_core import CounterMetricFamily

        found = []
        stats = gc.get_stats()
        for key, name, documentation in _FAMILIES:
            family = CounterMetricFamily(name, documentation, labels=["generation"])
            for generation, counts in enumerate(stats):
                family.add_metric([str(generation)], counts[key])
            found.append(family)
        return found


GC_COLLECTOR = GCCollector()
"""That of ``REGISTRY``."""
