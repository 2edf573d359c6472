"""structlog 21 to 26: events of a chain that was configured without us are shipped, too.

``structlog.configure`` is observed: before the last processor of the chain, the renderer, :func:`vedette.logs.ship` is put
in, unless one of ours is there, or the events go on to the logging module, whose handler ships them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from vedette import _native, logs

_MARK = "_vedette_original"
_RENDERERS = ("JSONRenderer", "ConsoleRenderer", "KeyValueRenderer", "LogfmtRenderer", "EventRenderer")  # fmt: skip


def instrument() -> bool:
    """Covers structlog if it can be imported. Idempotent; says whether it is covered."""
    try:
        import structlog
    except ImportError:
        return False
    for name in ("configure", "configure_once"):
        _observe(structlog, name)
    if structlog.is_configured():
        structlog.configure(**structlog.get_config())
    return True


def uninstrument() -> None:
    import structlog

    for name in ("configure", "configure_once"):
        original = getattr(getattr(structlog, name), _MARK, None)
        if original is not None:
            setattr(structlog, name, original)


def _observe(module: Any, name: str) -> None:
    original: Callable[..., Any] = getattr(module, name)
    if hasattr(original, _MARK):
        return

    @functools.wraps(original)
    def configure(processors: Any = None, *args: Any, **kwargs: Any) -> Any:
        return original(_with_shipping(processors), *args, **kwargs)

    setattr(configure, _MARK, original)
    setattr(module, name, configure)


def _with_shipping(processors: Sequence[Any] | None) -> Any:
    if not processors or not _renders(processors[-1]):
        return processors
    if any(one is logs.ship or isinstance(one, _native.JsonRenderer) for one in processors):
        return processors
    return [*processors[:-1], logs.ship, processors[-1]]


def _renders(processor: Any) -> bool:
    return type(processor).__name__ in _RENDERERS
