"""For ``opentelemetry-instrument``: found by the entry point ``vedette`` of ``opentelemetry_distro``."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]

from vedette import _boot, _redirect


class VedetteDistro(BaseDistro):
    """Our own instrumentations, and those of others for what ours do not cover."""

    def _configure(self, **kwargs: Any) -> None:
        _redirect.install()
        _boot.observe()

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        if not _boot.covered(entry_point.name):
            super().load_instrumentor(entry_point, **kwargs)
