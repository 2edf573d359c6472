"""Numbers as Prometheus writes them."""

from __future__ import annotations

from vedette import _native

INF = float("inf")
MINUS_INF = float("-inf")
NaN = float("NaN")


def floatToGoString(d: float) -> str:
    """``1.0``, ``0.25``, ``1e+06``, ``+Inf``."""
    return _native.metrics_number(float(d))


def parse_version(version_str: str) -> tuple[int | str, ...]:
    """``"1.0.0"`` as ``(1, 0, 0)``; parts that are no numbers stay text."""

    def part(text: str) -> int | str:
        try:
            return int(text)
        except ValueError:
            return text

    return tuple(part(text) for text in version_str.split("."))
