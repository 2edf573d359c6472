"""Environment variables, read the way the OpenTelemetry specification wants it: empty means unset,
nonsense is reported and ignored."""

from __future__ import annotations

import logging
import os
from urllib.parse import unquote

logger = logging.getLogger("vedette")


def text(*names: str) -> str | None:
    """The first of the variables that is set and not empty."""
    for name in names:
        value = os.environ.get(name, "").strip()
        if value:
            return value
    return None


def flag(*names: str) -> bool | None:
    value = text(*names)
    return None if value is None else value.lower() == "true"


def number(*names: str) -> float | None:
    for name in names:
        value = text(name)
        if value is None:
            continue
        try:
            result = float(value)
        except ValueError:
            result = -1.0
        if result >= 0:
            return result
        logger.warning("%s=%r is not a number of 0 or more; it is ignored", name, value)
    return None


def headers(*names: str) -> list[tuple[str, str]]:
    """``key=value,key=value``, percent-encoded."""
    pairs = []
    for item in (text(*names) or "").split(","):
        name, equals, value = item.partition("=")
        if equals and name.strip():
            pairs.append((unquote(name).strip().lower(), unquote(value).strip()))
    return pairs
