"""Client spans for httpx 0.24 to 0.28, and the trace context in each request.

Every transport of httpx's own is covered, whether its client was made before or after; ``observe_transport`` covers one of
yours. The span ends when the response's headers are there; reading the body is outside, as it is with OpenTelemetry's
instrumentation. A redirect or retry is a span of its own.
Semantic conventions: HTTP client spans and ``http.client.request.duration``, stable.
"""

from __future__ import annotations

from typing import Any

from vedette import _native
from vedette.instrumentation import steps_back
from vedette.instrumentation._patch import HTTP_DURATION, observe, restore
from vedette.instrumentation._semconv import emits_old_names

_KIND = "http.httpx"


def instrument() -> bool:
    """Covers httpx if it can be imported. Idempotent; says whether it is covered."""
    try:
        import httpx
    except ImportError:
        return False
    if steps_back("httpx", "HTTPXClientInstrumentor"):
        return False
    both = emits_old_names("http")
    observe(httpx.HTTPTransport, "handle_request", _KIND, "httpx", helper=both)
    observe(
        httpx.AsyncHTTPTransport, "handle_async_request", _KIND, "httpx", awaits=True, helper=both
    )
    return True


def uninstrument() -> None:
    import httpx

    restore(httpx.HTTPTransport, "handle_request")
    restore(httpx.AsyncHTTPTransport, "handle_async_request")


def observe_transport(transport: Any) -> Any:
    """Covers one transport that is not httpx's own, and returns it. Idempotent.

    ``httpx.AsyncClient(transport=observe_transport(MyTransport()))``
    """
    for name, awaits in (("handle_request", False), ("handle_async_request", True)):
        method = getattr(type(transport), name, None)
        if method is None or isinstance(method, _native.Observed) or name in vars(transport):
            continue
        observed = _native.Observed(
            _KIND, "httpx", HTTP_DURATION, method, awaits, emits_old_names("http")
        )
        setattr(transport, name, observed.__get__(transport))
    return transport
