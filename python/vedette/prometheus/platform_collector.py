"""Which Python this is."""

from __future__ import annotations

import platform as _platform
from collections.abc import Iterable
from typing import Any

from vedette.prometheus._metric import Metric
from vedette.prometheus.registry import REGISTRY, CollectorRegistry


class PlatformCollector:
    """``python_info``; ``platform`` stands in for the standard library's module."""

    def __init__(
        self, registry: CollectorRegistry | None = REGISTRY, platform: Any | None = None
    ) -> None:
        source = _platform if platform is None else platform
        major, minor, patchlevel = source.python_version_tuple()
        info = {
            "version": source.python_version(),
            "implementation": source.python_implementation(),
            "major": major,
            "minor": minor,
            "patchlevel": patchlevel,
        }
        if source.system() == "Java":
            version, _, machine, _ = source.java_ver()
            info["jvm_version"] = version
            info |= {"jvm_release": machine[1], "jvm_vendor": machine[2], "jvm_name": machine[0]}
        self._info = info
        if registry is not None:
            registry.register(self)

    def _describe(self) -> Iterable[Metric]:
        return [Metric("python_info", "Python platform information", "gauge")]

    def collect(self) -> Iterable[Metric]:
        """The one family."""
        families = list(self._describe())
        for family in families:
            family.add_sample(family.name, dict(self._info), 1)
        return families


PLATFORM_COLLECTOR = PlatformCollector()
"""That of ``REGISTRY``."""
