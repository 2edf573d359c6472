"""``opentelemetry.exporter.zipkin.encoder``"""

from __future__ import annotations

import enum


class Protocol(enum.Enum):
    """Versions of Zipkin's JSON."""

    V1 = "v1"
    V2 = "v2"


DEFAULT_MAX_TAG_VALUE_LENGTH = 128
