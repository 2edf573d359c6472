"""Import redirection: code that imports upstream's packages gets ours, unedited.

``opentelemetry.sdk``, the OTLP exporters, three instrumentors and ``prometheus_client`` are found by :class:`Redirection`, a finder at the
front of ``sys.meta_path``. A module that we mirror is *the same object* under both names, so classes are the same
whichever way they were imported. What we do not mirror comes from the real package, if that is installed. A
package whose real modules are in use already is left alone, and that is said once.

Threads: import's own locks suffice.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

logger = logging.getLogger("vedette")


class Family(NamedTuple):
    """Names that are served or left alone together."""

    name: str
    # Upstream's name of a package, ours.
    packages: tuple[tuple[str, str], ...]
    # Modules that may be loaded already: they hold nothing but names.
    harmless: tuple[str, ...] = ()
    # A family without which this one is not served.
    needs: str = ""


FAMILIES = (
    Family(
        "opentelemetry.sdk",
        (
            ("opentelemetry.sdk", "vedette.sdk"),
            ("opentelemetry.exporter.otlp.proto.grpc", "vedette.exporter.otlp.proto.grpc"),
            ("opentelemetry.exporter.otlp.proto.http", "vedette.exporter.otlp.proto.http"),
            ("opentelemetry.exporter.otlp.json.http", "vedette.exporter.otlp.json.http"),
            ("opentelemetry.exporter.otlp.json.file", "vedette.exporter.otlp.json.file"),
            ("opentelemetry.exporter.prometheus", "vedette.exporter.prometheus"),
            ("opentelemetry.exporter.zipkin", "vedette.exporter.zipkin"),
        ),
        (
            "opentelemetry.sdk",
            "opentelemetry.sdk.environment_variables",
            "opentelemetry.sdk.version",
        ),
    ),
    Family("prometheus_client", (("prometheus_client", "vedette.prometheus"),)),
    Family(
        "opentelemetry.instrumentation",
        tuple(
            (f"opentelemetry.instrumentation.{name}", f"vedette.instrumentors.{name}")
            for name in ("fastapi", "httpx", "sqlalchemy")
        ),
        needs="opentelemetry.sdk",
    ),
)


def install() -> list[str]:
    """Redirects from now on. Idempotent. Returns the families that are served."""
    finder = next((f for f in sys.meta_path if isinstance(f, Redirection)), None)
    if finder is None:
        finder = Redirection()
        sys.meta_path.insert(0, finder)
    for family in FAMILIES:
        served = {f.name for f in finder.families}
        if family.name in served or (family.needs and family.needs not in served):
            continue
        if not _in_use(family):
            finder.families.append(family)
    return [family.name for family in finder.families]


def uninstall() -> None:
    """Ends the redirection; modules that were imported by it stay."""
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, Redirection)]


_said: set[str] = set()


def _in_use(family: Family) -> bool:
    """Whether the real package is imported already; says so, once."""
    for package, _ in family.packages:
        for name, module in list(sys.modules.items()):
            if name != package and not name.startswith(package + "."):
                continue
            if name in family.harmless or getattr(module, "__name__", "").startswith("vedette."):
                continue
            if family.name not in _said:
                _said.add(family.name)
                logger.warning(
                    "%s is imported already, so Vedette does not stand in for it; import vedette.auto first, or start "
                    "the program by 'vedette run'",
                    name if getattr(module, "__file__", None) else family.name,
                )
            return True
    return False


class Redirection:
    """A meta path finder; see :pep:`302`."""

    def __init__(self) -> None:
        self.families: list[Family] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package = self._package(fullname)
        if package is None:
            return self._parent(fullname, path)
        theirs, ours = package
        name = ours + fullname[len(theirs) :]
        if _exists(name):
            loader: Any = _Loader(name)
            return importlib.machinery.ModuleSpec(fullname, loader, is_package=True)
        spec = _real_spec(fullname)
        if spec is None:
            raise ModuleNotFoundError(
                f"Vedette stands in for {theirs} and has no {fullname}; the real package, which might, is not installed",
                name=fullname,
            )
        return spec

    def _parent(self, fullname: str, path: Any) -> importlib.machinery.ModuleSpec | None:
        """An empty package, where there is none, above a package that we serve: ``opentelemetry.exporter``."""
        served = (theirs for family in self.families for theirs, _ in family.packages)
        if not any(theirs.startswith(fullname + ".") for theirs in served):
            return None
        real = importlib.machinery.PathFinder.find_spec(fullname, path)
        return real or importlib.machinery.ModuleSpec(fullname, None, is_package=True)

    def _package(self, fullname: str) -> tuple[str, str] | None:
        for family in self.families:
            for theirs, ours in family.packages:
                if fullname == theirs or fullname.startswith(theirs + "."):
                    return theirs, ours
        return None


class _Loader:
    """Gives the import system our module under upstream's name, and takes care that it stays what it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._name)
        self._own = {
            key: module.__dict__.get(key) for key in ("__spec__", "__loader__", "__package__")
        }
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(self._own)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _real_spec(fullname: str) -> importlib.machinery.ModuleSpec | None:
    """The real module, where its package is installed: looked up from the top, past our own packages."""
    parts = fullname.split(".")
    path: Any = None
    spec: importlib.machinery.ModuleSpec | None = None
    for depth in range(1, len(parts) + 1):
        # A path hook of the parent's folders: PathFinder knows nothing of sys.modules.
        spec = importlib.machinery.PathFinder.find_spec(".".join(parts[:depth]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and depth < len(parts):
            return None
        path = list(path) if path is not None else None
    return spec
