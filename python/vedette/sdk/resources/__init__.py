"""``opentelemetry.sdk.resources``: who reports."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

logger = logging.getLogger("vedette")

SERVICE_NAME = "service.name"
SERVICE_NAMESPACE = "service.namespace"
SERVICE_INSTANCE_ID = "service.instance.id"
SERVICE_VERSION = "service.version"
DEPLOYMENT_ENVIRONMENT = "deployment.environment"
TELEMETRY_SDK_LANGUAGE = "telemetry.sdk.language"
TELEMETRY_SDK_NAME = "telemetry.sdk.name"
TELEMETRY_SDK_VERSION = "telemetry.sdk.version"


class Resource:
    """An immutable set of attributes, the same for everything one provider records."""

    def __init__(self, attributes: Mapping[str, Any], schema_url: str | None = None) -> None:
        self._attributes = {key: value for key, value in attributes.items() if value is not None}
        self._schema_url = schema_url or ""

    @staticmethod
    def create(
        attributes: Mapping[str, Any] | None = None, schema_url: str | None = None
    ) -> Resource:
        """The given attributes over those of the environment over the defaults."""
        from vedette import __version__

        resource = (
            Resource(
                {
                    TELEMETRY_SDK_LANGUAGE: "python",
                    TELEMETRY_SDK_NAME: "vedette",
                    TELEMETRY_SDK_VERSION: __version__,
                }
            )
            .merge(OTELResourceDetector().detect())
            .merge(Resource(attributes or {}, schema_url))
        )
        if not resource.attributes.get(SERVICE_NAME):
            program = os.path.basename(sys.orig_argv[0]) if sys.orig_argv else ""
            name = f"unknown_service:{program}" if program else "unknown_service"
            resource = resource.merge(Resource({SERVICE_NAME: name}))
        return resource

    @staticmethod
    def get_empty() -> Resource:
        return Resource({})

    @property
    def attributes(self) -> Mapping[str, Any]:
        return MappingProxyType(self._attributes)

    @property
    def schema_url(self) -> str:
        return self._schema_url

    def merge(self, other: Resource) -> Resource:
        """A resource with the attributes of both; those of ``other`` win."""
        if self._schema_url and other._schema_url and self._schema_url != other._schema_url:
            logger.warning(
                "two resources have different schema URLs, %s and %s; the first is kept as it is",
                self._schema_url,
                other._schema_url,
            )
            return self
        return Resource(
            {**self._attributes, **other._attributes}, self._schema_url or other._schema_url
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return self._attributes == other._attributes and self._schema_url == other._schema_url

    def __hash__(self) -> int:
        return hash(
            (tuple(sorted((k, str(v)) for k, v in self._attributes.items())), self._schema_url)
        )

    def __repr__(self) -> str:
        return f"Resource({self._attributes!r})"


class OTELResourceDetector:
    """``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_SERVICE_NAME``."""

    def detect(self) -> Resource:
        found: dict[str, Any] = {}
        for item in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
            if not item.strip():
                continue
            key, equals, value = item.partition("=")
            if not equals or not key.strip():
                logger.warning("OTEL_RESOURCE_ATTRIBUTES: %r is not key=value; it is ignored", item)
                continue
            found[key.strip()] = unquote(value.strip())
        name = os.environ.get("OTEL_SERVICE_NAME")
        if name:
            found[SERVICE_NAME] = name
        return Resource(found)


__all__ = [name for name in dir() if name.isupper()] + ["OTELResourceDetector", "Resource"]
