"""What happens before the first line of a program under ``vedette run``, in it and in each of its children.

Upstream's names lead to ours, the providers are set from the environment, libraries are observed as they are imported,
and each FastAPI or Starlette app is observed when its first request (or its lifespan) comes: all its routes and
middleware are known then. Nothing here raises: a program that cannot be observed runs as it would without.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable
from typing import Any

from vedette import _env

logger = logging.getLogger("vedette")

#: What is observed by our own instrumentations, so that nobody else's is loaded for it: the module whose import
#: starts it, and the names of upstream's instrumentations that it stands for.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "httpx": ("httpx",),
    "requests": ("requests",),
    "redis": ("redis",),
    "sqlalchemy": ("sqlalchemy",),
    "psycopg": ("psycopg",),
    "asyncpg": ("asyncpg",),
    "structlog": ("structlog",),
}
#: The oldest releases that are observed, and the newest that the tests have seen.
RELEASES = {
    "fastapi": ((0, 100), (0, 165)),
    "starlette": ((0, 27), (1, 10)),
    "httpx": ((0, 24), (0, 28)),
    "requests": ((2, 25), (2, 34)),
    "redis": ((4, 6), (8, 1)),
    "sqlalchemy": ((2, 0), (2, 1)),
    "psycopg": ((3, 1), (3, 3)),
    "asyncpg": ((0, 27), (0, 32)),
    "structlog": ((21, 1), (26, 1)),
}
#: Where the distribution has another name than the module.
DISTRIBUTIONS = {"sqlalchemy": "SQLAlchemy"}
#: The names by which the instrumentations of FastAPI and Starlette can be left out, one for all.
FRAMEWORKS = ("fastapi", "starlette", "asgi")

_started = False


def started() -> bool:
    """Whether this process is under ``vedette run``."""
    return _started


def start() -> None:
    """Once per process."""
    global _started
    if _started:
        return
    _started = True
    from vedette import _configuration, _redirect, masking

    _redirect.install()
    if _env.read("OTEL_SDK_DISABLED"):
        return
    masking.configure_from_environment()
    _configuration.configure()
    observe()
    load_others()


def observe() -> None:
    """Our own instrumentations, each as soon as its library is imported."""
    observe_libraries()
    if not disabled_names().intersection(FRAMEWORKS):
        observe_frameworks()


def observe_frameworks() -> None:
    """Every FastAPI and Starlette app that is made from now on."""
    from vedette._import_hooks import when_imported

    when_imported("starlette.applications", _observe_starlette)
    when_imported("fastapi.applications", _observe_fastapi)


def observe_libraries() -> None:
    """The same without the frameworks: what an application calls, its event loops, and its runtime."""
    from vedette._import_hooks import when_imported

    disabled = disabled_names()
    for library, names in LIBRARIES.items():
        if not disabled.intersection(names):
            when_imported(library, _starter(library))
    if "asyncio" not in disabled:
        when_imported("asyncio", _starter("asyncio"))
    if "runtime" not in disabled:
        when_imported("sys", _starter("runtime"))  # at once


def disabled_names() -> set[str]:
    return {name.lower() for name in _env.read("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")}


def covered(name: str) -> bool:
    """Whether our own instrumentations do what upstream's of that name does."""
    return name in FRAMEWORKS or any(name in names for names in LIBRARIES.values())


def too_old(library: str, version: str) -> str | None:
    """Why an installed version is not observed; ``None`` where it is."""
    oldest = RELEASES[library][0]
    if _release(version) >= oldest:
        return None
    return f"too old: {'.'.join(map(str, oldest))} is the oldest release that is observed"


def too_new(library: str, version: str) -> str | None:
    """Why it is not sure that an installed version is observed; ``None`` where it is."""
    newest = RELEASES[library][1]
    if _release(version) <= newest:
        return None
    return (
        f"too new: {'.'.join(map(str, newest))} is the newest release that Vedette is tested with; "
        "it is observed as that one would be"
    )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def load_others() -> None:
    """Instrumentations of others (``opentelemetry-instrumentation-*``), for what ours do not cover."""
    from importlib.metadata import entry_points

    disabled = disabled_names()
    for entry in entry_points(group="opentelemetry_pre_instrument"):
        _load(entry, lambda loaded: loaded())
    for entry in entry_points(group="opentelemetry_instrumentor"):
        if not covered(entry.name) and entry.name not in disabled:
            _load(entry, lambda loaded: loaded().instrument())
    for entry in entry_points(group="opentelemetry_post_instrument"):
        _load(entry, lambda loaded: loaded())


def _load(entry: Any, use: Callable[[Any], Any]) -> None:
    try:
        use(entry.load())
    except ImportError as error:
        # Its library is not there: usual, where a whole set of instrumentations is installed.
        logger.debug("%s is left out: %s", entry.name, error)
    except Exception:
        logger.warning("the instrumentation %s fails", entry.name, exc_info=True)


def _starter(library: str) -> Callable[[], None]:
    def begin() -> None:
        importlib.import_module(f"vedette.instrumentation.{library}").instrument()

    return begin


def _observe_starlette() -> None:
    from starlette.applications import Starlette

    _observe_apps_of(Starlette)


def _observe_fastapi() -> None:
    from fastapi.applications import FastAPI

    _observe_apps_of(FastAPI)


def _observe_apps_of(kind: Any) -> None:
    original = kind.__dict__.get("build_middleware_stack")
    if original is None or hasattr(original, "_vedette_original"):
        return

    def build_middleware_stack(self: Any) -> Any:
        if not getattr(self, "_vedette_observed", False) and not getattr(self, _MOUNTED, False):
            _observe_app(self)
            own = self.__dict__.get("build_middleware_stack")
            if own is not None:
                return own()
        return original(self)

    build_middleware_stack._vedette_original = original  # type: ignore[attr-defined]
    kind.build_middleware_stack = build_middleware_stack


# An app below another one: its requests are observed there.
_MOUNTED = "_vedette_mounted"


def _observe_app(app: Any) -> None:
    try:
        _mark_mounted(app)
        from vedette import instrument

        instrument(app)
    except Exception:
        logger.warning("this app cannot be observed", exc_info=True)


def _mark_mounted(app: Any, depth: int = 0) -> None:
    for route in getattr(app, "routes", None) or ():
        below = getattr(route, "_base_app", None) or getattr(route, "app", None)
        if below is not None and hasattr(below, "routes") and depth < 16:
            if hasattr(below, "build_middleware_stack"):
                setattr(below, _MOUNTED, True)
            _mark_mounted(below, depth + 1)
