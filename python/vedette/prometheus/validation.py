"""Which names may be used. Any UTF-8 by default; only the classic ones with ``enable_legacy_validation()`` or
``PROMETHEUS_LEGACY_NAME_VALIDATION``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

_METRIC_NAME = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
_LABEL_NAME = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
_PUBLIC = {
    "METRIC_NAME_RE": _METRIC_NAME,
    "METRIC_LABEL_NAME_RE": _LABEL_NAME,
    "RESERVED_METRIC_LABEL_NAME_RE": r"^__.*$",
}

_EXEMPLAR_MAX = 128  # characters; OpenMetrics 1.0, "Exemplars"

_legacy_validation = os.environ.get("PROMETHEUS_LEGACY_NAME_VALIDATION", "").lower() in (
    "true",
    "1",
    "t",
)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:  # patterns are compiled on first use
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return re.compile(_PUBLIC[name])


def get_legacy_validation() -> bool:
    """Whether only classic names may be used."""
    return _legacy_validation


def disable_legacy_validation() -> None:
    """From now on names may be any UTF-8."""
    global _legacy_validation
    _legacy_validation = False


def enable_legacy_validation() -> None:
    """From now on names must be classic."""
    global _legacy_validation
    _legacy_validation = True


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _validate_metric_name(name: str) -> None:
    if not name:
        raise ValueError("metric name cannot be empty")
    if (_legacy_validation and not re.match(_METRIC_NAME, name)) or not _is_text(name):
        raise ValueError(f"invalid metric name {name!r}")


def _is_valid_legacy_metric_name(name: str) -> bool:
    return re.match(_METRIC_NAME, name) is not None


def _is_valid_legacy_labelname(name: str) -> bool:
    return re.match(_LABEL_NAME, name) is not None and not name.startswith("__")


def _validate_metric_label_name_token(tok: str) -> None:
    """A label name as an exposition has it: anything in quotes, else a classic name."""
    quoted = len(tok) > 1 and tok[0] == tok[-1] == '"'
    if quoted and not _legacy_validation:
        if not _is_text(tok):
            raise ValueError(f"invalid label name token {tok!r}")
    elif not re.match(_LABEL_NAME, tok):
        raise ValueError(f"invalid label name token {tok!r}")


def _validate_labelname(name: str) -> None:
    if (_legacy_validation and not re.match(_LABEL_NAME, name)) or not _is_text(name):
        raise ValueError(f"Invalid label metric name: {name!r}")
    if name.startswith("__"):
        raise ValueError("Reserved label metric name: " + name)


def _validate_labelnames(cls: Any, labelnames: Iterable[str]) -> tuple[str, ...]:
    names = tuple(labelnames)
    for name in names:
        _validate_labelname(name)
        if name in cls._reserved_labelnames:
            raise ValueError("Reserved label metric name: " + name)
    return names


def _validate_exemplar(exemplar: Mapping[str, str]) -> None:
    size = 0
    for name, value in exemplar.items():
        _validate_labelname(name)
        size += len(name) + len(value)
    if size > _EXEMPLAR_MAX:
        raise ValueError(
            f"Exemplar labels have {size} UTF-8 characters, exceeding the limit of {_EXEMPLAR_MAX}"
        )
