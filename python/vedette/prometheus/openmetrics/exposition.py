"""OpenMetrics 1.0 text, and how names that the classic formats cannot hold are written in any format."""

from __future__ import annotations

import re
from typing import Any

from vedette.prometheus import validation

CONTENT_TYPE_LATEST = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CONTENT_TYPE_LATEST_2_0 = "application/openmetrics-text; version=2.0.0; charset=utf-8"
ESCAPING_HEADER_TAG = "escaping"

ALLOWUTF8 = "allow-utf-8"
UNDERSCORES = "underscores"
DOTS = "dots"
VALUES = "values"
ESCAPINGS = (UNDERSCORES, ALLOWUTF8, DOTS, VALUES)
"""In the order of the native enumeration."""


def generate_latest(registry: Any, escaping: str = UNDERSCORES, version: str = "1.0.0") -> bytes:
    """The metrics of a registry, or of whatever has ``collect()``."""
    from vedette.prometheus._render import render

    return render(registry, escaping, version) + b"# EOF\n"


def escape_metric_name(s: str, escaping: str = UNDERSCORES) -> str:
    """The name of a metric as this scheme writes it; in quotes where that is needed."""
    return _escape_name(s, escaping, validation._is_valid_legacy_metric_name(s), ":")


def escape_label_name(s: str, escaping: str = UNDERSCORES) -> str:
    """The name of a label as this scheme writes it; in quotes where that is needed."""
    return _escape_name(s, escaping, validation._is_valid_legacy_labelname(s), "")


def _escape_name(name: str, escaping: str, classic: bool, more: str) -> str:
    if escaping == ALLOWUTF8:
        return name if classic or not name else f'"{escape_text(name)}"'
    if not name or (classic and escaping != DOTS) or escaping not in ESCAPINGS:
        return name

    def replace(match: re.Match[str]) -> str:
        char = match.group()
        if escaping == UNDERSCORES:
            return "_"
        if char == "_":
            return "__"
        if escaping == DOTS:
            return "_dot_" if char == "." else "__"
        return "_FFFD_" if "\ud800" <= char <= "\udfff" else f"_{ord(char):x}_"

    foreign = re.sub(rf"^[0-9]|[^a-zA-Z0-9{more}]", replace, name)
    return "U__" + foreign if escaping == VALUES else foreign


def escape_text(text: str) -> str:
    """The value of a label, or OpenMetrics' documentation."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
