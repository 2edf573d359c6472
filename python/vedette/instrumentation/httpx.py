"""Client spans for httpx, and the trace context in each request.

Every transport of httpx's own is covered, whether its client was made before or after. The span ends when the
response's headers are there; reading the body is outside, as it is with OpenTelemetry's instrumentation.
Semantic conventions: HTTP client spans, stable.
"""

from __future__ import annotations

import functools
from typing import Any

from opentelemetry import propagate
from opentelemetry.trace import SpanKind, StatusCode

from vedette.instrumentation import error_type, suppressed, tracer

_MARK = "_vedette_original"
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def instrument() -> bool:
    """Covers httpx if it can be imported. Idempotent; says whether it is covered."""
    try:
        import httpx
    except ImportError:
        return False
    _wrap(httpx.HTTPTransport, "handle_request", _sync_wrapper)
    _wrap(httpx.AsyncHTTPTransport, "handle_async_request", _async_wrapper)
    return True


def uninstrument() -> None:
    import httpx

    for owner, name in (
        (httpx.HTTPTransport, "handle_request"),
        (httpx.AsyncHTTPTransport, "handle_async_request"),
    ):
        original = getattr(getattr(owner, name), _MARK, None)
        if original is not None:
            setattr(owner, name, original)


def _wrap(owner: type, name: str, wrapper: Any) -> None:
    original = getattr(owner, name)
    if hasattr(original, _MARK):
        return
    wrapped = functools.wraps(original)(wrapper(original))
    setattr(wrapped, _MARK, original)
    setattr(owner, name, wrapped)


def _sync_wrapper(original: Any) -> Any:
    def handle_request(self: Any, request: Any) -> Any:
        if suppressed():
            return original(self, request)
        name, attributes = _describe(request)
        with tracer("httpx").start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            propagate.inject(request.headers)
            try:
                response = original(self, request)
            except BaseException as error:
                span.set_attribute("error.type", error_type(error))
                raise
            _finish(span, response)
            return response

    return handle_request


def _async_wrapper(original: Any) -> Any:
    async def handle_async_request(self: Any, request: Any) -> Any:
        if suppressed():
            return await original(self, request)
        name, attributes = _describe(request)
        with tracer("httpx").start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            propagate.inject(request.headers)
            try:
                response = await original(self, request)
            except BaseException as error:
                span.set_attribute("error.type", error_type(error))
                raise
            _finish(span, response)
            return response

    return handle_async_request


def _describe(request: Any) -> tuple[str, dict[str, Any]]:
    """Span name and attributes. A method that HTTP does not know must not make names without end."""
    method = request.method.upper()
    known = method in _METHODS
    attributes: dict[str, Any] = {"http.request.method": method if known else "_OTHER"}
    if not known:
        attributes["http.request.method_original"] = request.method
    url = request.url
    attributes["url.full"] = str(url.copy_with(userinfo=b"") if url.userinfo else url)
    attributes["server.address"] = url.host
    port = url.port or _DEFAULT_PORTS.get(url.scheme)
    if port:
        attributes["server.port"] = port
    return (method if known else "HTTP"), attributes


def _finish(span: Any, response: Any) -> None:
    status = response.status_code
    span.set_attribute("http.response.status_code", status)
    version = response.extensions.get("http_version")
    if isinstance(version, bytes):
        span.set_attribute(
            "network.protocol.version", version.decode("ascii", "replace").removeprefix("HTTP/")
        )
    if status >= 400:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)
