"""Calls a function once a module has been imported, or at once if it is already."""

from __future__ import annotations

import importlib.machinery
import logging
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

logger = logging.getLogger("vedette")


def when_imported(name: str, then: Callable[[], None]) -> None:
    """Runs ``then()`` after ``name``'s body. What it raises is said, and does not reach the importer."""
    if name in sys.modules:
        _run(name, then)
        return
    finder = next((f for f in sys.meta_path if isinstance(f, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.waiting.setdefault(name, []).append(then)


def _run(name: str, then: Callable[[], None]) -> None:
    try:
        then()
    except Exception:
        logger.warning("%s cannot be observed", name, exc_info=True)


class _Finder:
    """Asks the other finders for the module and adds the functions to its loader's work."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Callable[[], None]]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.waiting:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                self._hook(fullname, spec)
                return spec
        return None

    def _hook(self, fullname: str, spec: importlib.machinery.ModuleSpec) -> None:
        loader = spec.loader
        original = getattr(loader, "exec_module", None)
        if original is None or isinstance(loader, type) or not hasattr(loader, "__dict__"):
            return  # a namespace package, or built in

        def exec_module(module: ModuleType) -> None:
            loader.__dict__.pop("exec_module", None)
            original(module)
            for then in self.waiting.pop(fullname, ()):
                _run(fullname, then)

        loader.__dict__["exec_module"] = exec_module
