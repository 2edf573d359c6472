"""``opentelemetry.instrumentation.httpx``."""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import importlib.util
from typing import Any

from vedette.instrumentation import httpx as own
from vedette.instrumentors import Instrumentor, leave_out


class HTTPXClientInstrumentor(Instrumentor):
    """Observes every client, those made before as well."""

    def _instrument(self, **options: Any) -> None:
        leave_out("HTTPXClientInstrumentor", options)
        own.instrument()

    def _uninstrument(self, **_options: Any) -> None:
        own.uninstrument()

    @classmethod
    def instrument_client(cls, client: Any, **options: Any) -> None:
        """Observes one client with a transport of its own."""
        leave_out("HTTPXClientInstrumentor", options)
        own.observe_transport(client._transport)


@functools.cache
def _upstream() -> Any:
    """The real module, which this one stands in for."""
    name = "opentelemetry.instrumentation.httpx"
    folder = importlib.import_module("opentelemetry.instrumentation").__path__
    spec = importlib.machinery.PathFinder.find_spec(name, folder)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not installed")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def __getattr__(name: str) -> Any:
    """httpx2 is upstream's to observe."""
    if name != "HTTPX2ClientInstrumentor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("httpx2")
    return getattr(_upstream(), name)
