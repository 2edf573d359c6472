"""``prometheus_client``'s multiprocess mode, for code that sets it up: here processes of a service share their metrics
without it, and every registry shows the values of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vedette.prometheus.metrics_core import Metric
from vedette.prometheus.registry import REGISTRY


class MultiProcessCollector:
    """Shows, in a registry of its own, what ``REGISTRY`` has of all processes. ``path`` is not needed."""

    def __init__(self, registry: Any, path: str | None = None) -> None:
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """The metrics of the service; like upstream, without those of the process and the interpreter."""
        for family in REGISTRY.collect():
            if not family.name.startswith(("process_", "python_")):
                yield family


def mark_process_dead(pid: int, path: str | None = None) -> None:
    """Nothing is left to do: a process that has died is noticed."""
