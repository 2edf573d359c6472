"""Client spans for requests 2.25 to 2.34, and the trace context in each request.

``HTTPAdapter.send`` is observed: every session, made before or after, and each redirect as a span of its own.
Semantic conventions: HTTP client spans and ``http.client.request.duration``, stable.
"""

from __future__ import annotations

from vedette.instrumentation import steps_back
from vedette.instrumentation._patch import observe, restore
from vedette.instrumentation._semconv import emits_old_names


def instrument() -> bool:
    """Covers requests if it can be imported. Idempotent; says whether it is covered."""
    try:
        from requests.adapters import HTTPAdapter
    except ImportError:
        return False
    if steps_back("requests", "RequestsInstrumentor"):
        return False
    observe(HTTPAdapter, "send", "http.requests", "requests", helper=emits_old_names("http"))
    return True


def uninstrument() -> None:
    from requests.adapters import HTTPAdapter

    restore(HTTPAdapter, "send")
