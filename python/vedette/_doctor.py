"""``vedette doctor [APP | CMD…]``: what is observed, what is not, and why.

Without arguments it looks at this environment: packages, OTEL_* variables, plug-ins, and whether what they name can be
reached. With an app (``module:app``, or a command line that has one, such as ``uvicorn shop:app``) it imports that app as
under ``vedette run`` and looks at it, too. Exit status 1: something is broken.
"""

from __future__ import annotations

import importlib
import os
import re
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

USAGE = """\
vedette doctor [APP | CMD…]

Says what Vedette observes, what it does not, and why. APP is module:attribute, as uvicorn takes it; a command with such
an argument will do: vedette doctor uvicorn shop:app. The app is imported, not served. Exit status 1: something is broken.
"""

_DEADLINE_S = 1.5
_COLOURS = {"ok": "32", "note": "36", "costly": "33", "broken": "31"}


class Report:
    """Lines with a verdict each: ok, note (as it should be, but worth knowing), costly, broken."""

    def __init__(self, colours: bool) -> None:
        self.broken = 0
        self._colours = colours

    def title(self, text: str) -> None:
        print(f"\n\033[1m{text}\033[0m" if self._colours else f"\n{text}")

    def line(self, verdict: str, what: str, why: str = "") -> None:
        self.broken += verdict == "broken"
        word = f"{verdict:7}"
        if self._colours:
            word = f"\033[{_COLOURS[verdict]}m{word}\033[0m"
        print(f"  {word} {what}" + (f": {why}" if why else ""))


def main(words: list[str]) -> int:
    if words[:1] in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    report = Report(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    _packages(report)
    _variables(report)
    _endpoints(report)
    if words:
        # As it would be under `vedette run`.
        from vedette import _boot

        _boot.start()
    _providers(report)
    _libraries(report)
    _plugins(report)
    if words:
        _app(report, words)
    print()
    print(f"{report.broken} broken" if report.broken else "Nothing is broken.")
    return 1 if report.broken else 0


def _packages(report: Report) -> None:
    report.title("Packages")
    import vedette

    report.line("ok", f"vedette {vedette.__version__}, Python {sys.version.split()[0]}")
    try:
        from vedette import _native  # noqa: F401
    except ImportError as error:
        report.line("broken", "the native core cannot be loaded", str(error))
    api = version("opentelemetry-api")
    report.line("ok" if api else "broken", f"opentelemetry-api {api or 'is not installed'}")
    for package in ("opentelemetry-sdk", "prometheus_client"):
        there = version(package)
        if there:
            report.line(
                "note",
                f"{package} {there} is installed",
                "Vedette stands in for it under 'vedette run' only",
            )


def version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _variables(report: Report) -> None:
    from vedette import _env

    names = _env.every_name()
    given = _env.all_set()
    report.title("Environment")
    if not given:
        report.line("ok", "no OTEL_* variable is set", "the defaults hold")
    for name, value in given.items():
        if name not in names:
            near = _nearest(name, names)
            if near:
                report.line("broken", f"{name} is not known", f"{near} is meant?")
            else:
                report.line("note", f"{name} is not Vedette's")
            continue
        reason = _env.why_not(name)
        shown = "…" if name.endswith("_HEADERS") else _without_password(value)
        report.line(
            "broken" if reason else "ok", f"{name}={shown}", f"not {reason}" if reason else ""
        )


def _nearest(name: str, names: list[str]) -> str | None:
    import difflib

    found = difflib.get_close_matches(name, names, 1, 0.9)
    return found[0] if found else None


def _endpoints(report: Report) -> None:
    """Each endpoint that an exporter would send to, tried once."""
    from vedette import _components, _env

    report.title("Where telemetry goes")
    if _env.read("OTEL_SDK_DISABLED"):
        report.line("note", "nowhere", "OTEL_SDK_DISABLED")
        return
    tried: dict[tuple[str, int], str | None] = {}
    for signal in ("traces", "metrics", "logs"):
        names = _env.read(f"OTEL_{signal.upper()}_EXPORTER")
        for name in names:
            if name == "none":
                report.line("note", signal, "not exported (none)")
                continue
            try:
                _components.exporter(signal, name)
            except Exception as error:
                report.line("broken", f"{signal}: {name}", str(error))
                continue
            if not name.startswith("otlp") or name in ("otlp/stdout", "otlp_json_file"):
                report.line("ok", f"{signal}: {name}")
                continue
            protocol = _components.otlp_protocol(signal)
            url = _env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal)
            url = url or f"http://localhost:{4317 if protocol == 'grpc' else 4318}"
            address = _address(url)
            if address not in tried:
                tried[address] = _reach(address)
            reason = tried[address]
            where = f"{signal}: OTLP ({protocol}) to {_without_password(url)}"
            report.line("broken" if reason else "ok", where, reason or "reachable")


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.hostname or "localhost", port or (443 if parts.scheme == "https" else 80)


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", url)


def _reach(address: tuple[str, int]) -> str | None:
    try:
        socket.create_connection(address, timeout=_DEADLINE_S).close()
    except OSError as error:
        return f"{address[0]}:{address[1]} is not reachable: {error.strerror or error}"
    return None


def _providers(report: Report) -> None:
    from opentelemetry import trace

    import vedette.sdk.trace as ours

    report.title("Providers")
    provider = trace.get_tracer_provider()
    kind = f"{type(provider).__module__}.{type(provider).__qualname__}"
    if isinstance(provider, ours.TracerProvider):
        report.line("ok", "the tracer provider is Vedette's")
    elif isinstance(provider, trace.ProxyTracerProvider):
        report.line(
            "note", "no tracer provider is set yet", "vedette run or vedette.instrument sets one"
        )
    else:
        report.line(
            "broken", f"the tracer provider is {kind}", "Vedette observes through its own only"
        )
    real = [
        name
        for name in ("opentelemetry.sdk.trace", "prometheus_client")
        if name in sys.modules and not sys.modules[name].__name__.startswith("vedette.")
    ]
    for name in real:
        report.line(
            "broken",
            f"{name} was imported before Vedette",
            "it is the real one; import vedette.auto first",
        )


def _libraries(report: Report) -> None:
    from vedette import _boot

    report.title("Libraries")
    disabled = _boot.disabled_names()
    for library in ("fastapi", "starlette", *_boot.LIBRARIES):
        there = version(_boot.DISTRIBUTIONS.get(library, library))
        if there is None:
            report.line("note", f"{library} is not observed", "it is not installed")
        elif disabled.intersection(_boot.LIBRARIES.get(library, _boot.FRAMEWORKS)):
            report.line(
                "note",
                f"{library} {there} is not observed",
                "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
            )
        else:
            _release(report, library, there)


def _release(report: Report, library: str, there: str) -> None:
    from vedette import _boot

    old, new = _boot.too_old(library, there), _boot.too_new(library, there)
    if old:
        report.line("broken", f"{library} {there} is not observed", old)
    elif new:
        report.line("note", f"{library} {there}", new)
    else:
        report.line("ok", f"{library} {there}", "observed")


def _plugins(report: Report) -> None:
    from importlib.metadata import entry_points

    from vedette import _boot

    entries = sorted(entry_points(group="opentelemetry_instrumentor"), key=lambda entry: entry.name)
    if not entries:
        return
    report.title("Instrumentations of others")
    for entry in entries:
        if _boot.covered(entry.name):
            report.line("note", f"{entry.name} is not loaded", "Vedette observes it itself")
            continue
        try:
            entry.load()
        except ImportError as error:
            report.line("note", f"{entry.name} is left out", str(error))
        except Exception as error:
            report.line("broken", entry.name, f"{type(error).__name__}: {error}")
        else:
            report.line("ok", entry.name)


_APP = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<attribute>[A-Za-z_][\w.]*)(?P<call>\(\))?$")


def _app(report: Report, words: list[str]) -> None:
    report.title("The app")
    found = next((match for word in words if (match := _APP.match(word))), None)
    if found is None:
        report.line("note", " ".join(words), "no module:app in it, so there is no app to look at")
        return
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        app: Any = importlib.import_module(found["module"])
        for name in found["attribute"].split("."):
            app = getattr(app, name)
        if found["call"] or "--factory" in words:
            app = app()
    except Exception as error:
        report.line("broken", f"{found[0]} cannot be imported", f"{type(error).__name__}: {error}")
        return
    if hasattr(app, "build_middleware_stack"):
        report.line(
            "ok", f"{found[0]} is observed", f"{type(app).__module__}.{type(app).__qualname__}"
        )
    else:
        report.line(
            "note",
            f"{found[0]} is not FastAPI's or Starlette's",
            "serve vedette.instrument(app) instead of it",
        )
    _providers_of_app(report)
    for middleware in getattr(app, "user_middleware", ()):
        _middleware(report, getattr(middleware, "cls", None))


def _providers_of_app(report: Report) -> None:
    from opentelemetry import trace

    import vedette.sdk.trace as ours

    provider = trace.get_tracer_provider()
    if not isinstance(provider, (ours.TracerProvider, trace.ProxyTracerProvider)):
        kind = f"{type(provider).__module__}.{type(provider).__qualname__}"
        report.line(
            "broken",
            "the app sets a tracer provider of its own",
            f"{kind}; its requests are not observed",
        )


def _middleware(report: Report, kind: Any) -> None:
    name = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', kind)}"
    bases = {f"{base.__module__}.{base.__qualname__}" for base in getattr(kind, "__mro__", ())}
    if "starlette.middleware.base.BaseHTTPMiddleware" in bases:
        report.line(
            "costly",
            f"the middleware {name}",
            "BaseHTTPMiddleware starts a task group for each request and hides context variables; "
            "write it as plain ASGI",
        )
    else:
        report.line("ok", f"the middleware {name}")
