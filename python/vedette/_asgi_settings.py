"""What the environment says of observed requests: which URLs to leave out, which headers to keep.

Names and meaning are those of ``opentelemetry-instrumentation``'s ASGI and FastAPI instrumentors; attribute names are
the semantic conventions' (``http.request.header.<name>``, the name in lower case with its dashes).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from vedette import _env

_EXCLUDED = (
    "OTEL_PYTHON_EXCLUDED_URLS",
    "OTEL_PYTHON_ASGI_EXCLUDED_URLS",
    "OTEL_PYTHON_FASTAPI_EXCLUDED_URLS",
    "OTEL_PYTHON_STARLETTE_EXCLUDED_URLS",
)
_CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
_HIDDEN = "[REDACTED]"


def _pattern(*variables: str, flags: int = 0) -> re.Pattern[str] | None:
    """One pattern of all that the variables have."""
    found = [f"(?:{pattern})" for variable in variables for pattern in _env.read(variable)]
    return re.compile("|".join(found), flags) if found else None


def excluded_urls() -> Callable[[Any], bool] | None:
    """Tells of a scope whether its URL is left out; ``None`` when none is."""
    pattern = _pattern(*_EXCLUDED)
    if pattern is None:
        return None

    def is_excluded(scope: Any) -> bool:
        host, port = scope.get("server") or ("", None)
        for name, value in scope.get("headers") or ():
            if name == b"host":
                host, port = value.decode("latin-1"), None
        place = f"{host}:{port}" if port else host
        return bool(pattern.search(f"{scope.get('scheme', 'http')}://{place}{scope['path']}"))

    return is_excluded


class _Headers:
    """Sets the headers that are wanted as attributes of the span."""

    def __init__(self, request: Any, response: Any, sanitize: Any) -> None:
        self._wanted = (request, response)
        self._sanitize = sanitize
        # The names of headers come again and again; a client cannot fill this.
        self._attribute = functools.lru_cache(maxsize=512)(self._find_attribute)

    def _find_attribute(self, raw: bytes, response: bool) -> tuple[str, bool] | None:
        name = raw.decode("latin-1").lower()
        wanted = self._wanted[response]
        if wanted is None or not wanted.fullmatch(name):
            return None
        hidden = self._sanitize is not None and self._sanitize.fullmatch(name) is not None
        return f"http.{'response' if response else 'request'}.header.{name}", hidden

    def __call__(self, span: Any, headers: Any, response: bool) -> None:
        if self._wanted[response] is None:
            return
        found: dict[str, list[str]] = {}
        for name, value in headers:
            attribute = self._attribute(bytes(name), response)
            if attribute is not None:
                text = _HIDDEN if attribute[1] else value.decode("utf-8", "replace")
                found.setdefault(attribute[0], []).append(text)
        span.set_attributes(found)


def captured_headers() -> _Headers | None:
    """``None`` when no header is kept."""
    request = _pattern(_CAPTURE + "SERVER_REQUEST", flags=re.IGNORECASE)
    response = _pattern(_CAPTURE + "SERVER_RESPONSE", flags=re.IGNORECASE)
    if request is None and response is None:
        return None
    return _Headers(request, response, _pattern(_CAPTURE + "SANITIZE_FIELDS", flags=re.IGNORECASE))
