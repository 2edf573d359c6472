"""The declarative configuration: providers, processors, exporters, samplers, views from one YAML file.

``OTEL_CONFIG_FILE`` names the file under ``vedette run`` and ``opentelemetry-instrument``; or by hand:

    from vedette.configuration import configure_sdk, load_config_file

    configure_sdk(load_config_file("telemetry.yaml"))

Specification: "Declarative Configuration", schema 1.0. Values may hold ``${NAME}``, ``${env:NAME}`` and ``${NAME:-default}``; ``$$``
is a dollar. What is wrong is said with line and column, all of it at once, by :class:`ConfigurationError`. Needs
PyYAML: ``pip install vedette[config]``.
"""

from __future__ import annotations

from vedette.configuration._create import Sdk, configure_sdk, create, register_component_provider
from vedette.configuration._model import Component, ConfigurationError
from vedette.configuration._parse import load_config_file, parse

__all__ = [
    "Component",
    "ConfigurationError",
    "Sdk",
    "configure_sdk",
    "create",
    "load_config_file",
    "parse",
    "register_component_provider",
]
