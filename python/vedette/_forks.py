"""What objects do in a forked child, as long as they live: ``os.register_at_fork`` alone would keep a callback for each
object there ever was."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("vedette")

# By id of its owner; in the order in which they came.
_methods: dict[int, weakref.WeakMethod[Callable[[], Any]]] = {}


def after_fork_in_child(method: Callable[[], Any]) -> None:
    """Calls the bound ``method`` in children that are forked from now on. One for each object."""
    key = id(method.__self__)  # type: ignore[attr-defined]

    def forget(gone: Any) -> None:
        if _methods.get(key) is gone:  # the next object may have the same id
            del _methods[key]

    _methods[key] = weakref.WeakMethod(method, forget)


def _call_all() -> None:
    for weak in list(_methods.values()):
        method = weak()
        try:
            if method is not None:
                method()
        except Exception:
            logger.exception("something could not be renewed in a forked process")


os.register_at_fork(after_in_child=_call_all)
