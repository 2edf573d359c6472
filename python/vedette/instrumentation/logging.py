"""The logging module: a line that only Vedette's handlers would get is encoded and queued natively, without a LogRecord.

What there is to see stays the same: where another handler, a filter, a formatter, a record factory or somebody else's
method would see the record, the module's own code runs. Correlation and handlers are in :mod:`vedette.logs`.
"""

from __future__ import annotations

import collections.abc
import logging
import time
from typing import Any

from vedette import _env, _native

_METHODS = ("_log", "findCaller", "makeRecord", "handle", "callHandlers", "filter")
_CORRELATION = ("otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName")

_original: Any = None
_native_log: Any = None
_stays_out = False


def instrument() -> bool:
    """Puts the native ``Logger._log`` into its place. Idempotent; says whether it is there: not where somebody else's
    code is in the place of the logging module's."""
    global _stays_out
    _stays_out = False
    return _install()


def uninstrument() -> None:
    """Gives the logging module its own method back; handlers made later leave it alone, too."""
    global _original, _stays_out
    _stays_out = True
    if _original is not None and logging.Logger.__dict__.get("_log") is _native_log:
        logging.Logger._log = _original  # type: ignore[method-assign]
    _original = None


def begin() -> None:
    """What the first handler of ours does, unless it is not wanted."""
    if _original is not None or _stays_out:
        return
    disabled = _env.read("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
    if "logging" not in {name.lower() for name in disabled}:
        _install()


def _install() -> bool:
    global _original, _native_log
    logger = logging.Logger
    if _native_log is not None and logger.__dict__.get("_log") is _native_log:
        return True
    if not all(_is_own(getattr(logger, name)) for name in _METHODS) or not all(
        _is_own(getattr(logging.LogRecord, name)) for name in ("__init__", "getMessage")
    ):
        return False
    original = logger.__dict__["_log"]
    if _native_log is None:
        taken = set(vars(logging.makeLogRecord({}))) | {
            "message",
            "asctime",
            "getMessage",
            "taskName",
        }
        _native_log = _native.native_log(
            logging,
            collections.abc.Mapping,
            frozenset(taken.union(_CORRELATION)),
            hasattr(logging, "_is_internal_frame"),
            # What tests put a clock of their own into the place of, and what turns looking for the caller off.
            (
                (vars(time), "time"),
                (vars(time), "time_ns"),
                (vars(logging), "_srcfile"),
                (vars(logging), "getLevelName"),
            ),
        )
    _original = original
    logger._log = _native_log  # type: ignore[method-assign]
    return True


def _is_own(function: Any) -> bool:
    """Whether a function is the logging module's."""
    code = getattr(function, "__code__", None)
    return (
        code is not None
        and code.co_filename == logging.LogRecord.__init__.__code__.co_filename
        and (function.__module__ == "logging")
    )
