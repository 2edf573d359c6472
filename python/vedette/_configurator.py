"""For ``opentelemetry-instrument``: found by the entry point ``vedette`` of ``opentelemetry_configurator``."""

from __future__ import annotations

from typing import Any

from vedette import _configuration


class VedetteConfigurator:
    """Sets the providers from the environment."""

    def configure(self, **kwargs: Any) -> None:
        version = kwargs.get("auto_instrumentation_version")
        attributes = {"telemetry.auto.version": version} if version else None
        _configuration.configure(_configuration.Said(attributes))
