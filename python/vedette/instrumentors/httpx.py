"""``opentelemetry.instrumentation.httpx``."""

from __future__ import annotations

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
