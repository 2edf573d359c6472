"""``opentelemetry.exporter.otlp.proto.http``"""

from __future__ import annotations

import enum


class Compression(enum.Enum):
    NoCompression = "none"
    Deflate = "deflate"
    Gzip = "gzip"
