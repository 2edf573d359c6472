"""Metrics for whoever asks: as text, over HTTP, into a file, to a push gateway.

What serves and pushes is loaded on first use: most applications answer ``/metrics`` themselves.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from vedette.prometheus.openmetrics import exposition as openmetrics
from vedette.prometheus.registry import REGISTRY, Collector
from vedette.prometheus.utils import floatToGoString, parse_version

CONTENT_TYPE_PLAIN_0_0_4 = "text/plain; version=0.0.4; charset=utf-8"
CONTENT_TYPE_PLAIN_1_0_0 = "text/plain; version=1.0.0; charset=utf-8"
CONTENT_TYPE_LATEST = CONTENT_TYPE_PLAIN_1_0_0

_ALLOWED = [("Allow", "OPTIONS,GET")]
_GZIP_LEVEL = 6

if TYPE_CHECKING:
    from vedette.prometheus._gateway import (
        basic_auth_handler,
        default_handler,
        delete_from_gateway,
        instance_ip_grouping_key,
        passthrough_redirect_handler,
        push_to_gateway,
        pushadd_to_gateway,
        tls_auth_handler,
    )
    from vedette.prometheus._server import (
        MetricsHandler,
        ThreadingWSGIServer,
        start_http_server,
        start_wsgi_server,
    )
    from vedette.prometheus.asgi import make_asgi_app

_LATER = {
    "MetricsHandler": "_server",
    "ThreadingWSGIServer": "_server",
    "start_http_server": "_server",
    "start_wsgi_server": "_server",
    "basic_auth_handler": "_gateway",
    "default_handler": "_gateway",
    "delete_from_gateway": "_gateway",
    "instance_ip_grouping_key": "_gateway",
    "passthrough_redirect_handler": "_gateway",
    "push_to_gateway": "_gateway",
    "pushadd_to_gateway": "_gateway",
    "tls_auth_handler": "_gateway",
    "make_asgi_app": "asgi",
}

__all__ = (
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_PLAIN_0_0_4",
    "CONTENT_TYPE_PLAIN_1_0_0",
    "MetricsHandler",
    "ThreadingWSGIServer",
    "basic_auth_handler",
    "choose_encoder",
    "default_handler",
    "delete_from_gateway",
    "floatToGoString",
    "generate_latest",
    "instance_ip_grouping_key",
    "make_asgi_app",
    "make_wsgi_app",
    "passthrough_redirect_handler",
    "push_to_gateway",
    "pushadd_to_gateway",
    "start_http_server",
    "start_wsgi_server",
    "tls_auth_handler",
    "write_to_textfile",
)


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("vedette.prometheus." + _LATER[name]), name)
    globals()[name] = value
    return value


def generate_latest(
    registry: Collector = REGISTRY, escaping: str = openmetrics.UNDERSCORES
) -> bytes:
    """The metrics of a registry, or of whatever has ``collect()``, in Prometheus' text format."""
    from vedette.prometheus._render import render

    return render(registry, escaping, None)


def choose_encoder(accept_header: str | None) -> tuple[Callable[[Any], bytes], str]:
    """The function that renders what an ``Accept`` header asks for, and its content type."""
    for accepted in (accept_header or "").split(","):
        media_type, *pairs = (token.strip() for token in accepted.split(";"))
        parameters = dict(pair.split("=", 1) for pair in reversed(pairs) if "=" in pair)
        version = parameters.get("version", "")
        escaping = parameters.get(openmetrics.ESCAPING_HEADER_TAG, "")
        if escaping not in openmetrics.ESCAPINGS:
            escaping = openmetrics.UNDERSCORES
        recent = bool(version) and _is_at_least_1(version)
        if media_type == "application/openmetrics-text":
            if not version:
                encoder = partial(
                    openmetrics.generate_latest, escaping=openmetrics.UNDERSCORES, version="1.0.0"
                )
                return encoder, openmetrics.CONTENT_TYPE_LATEST
            if recent:
                encoder = partial(openmetrics.generate_latest, escaping=escaping, version=version)
                content_type = f"{media_type}; version={version}; charset=utf-8"
                return encoder, f"{content_type}; escaping={escaping}"
        elif media_type == "text/plain" and recent:
            encoder = partial(generate_latest, escaping=escaping)
            return encoder, f"{CONTENT_TYPE_LATEST}; escaping={escaping}"
    return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def _is_at_least_1(version: str) -> bool:
    try:
        return parse_version(version) >= (1, 0, 0)
    except TypeError:  # parts that are no numbers
        return False


def gzip_accepted(accept_encoding_header: str | None) -> bool:
    """Whether an ``Accept-Encoding`` header names gzip."""
    return any(
        accepted.split(";")[0].strip().lower() == "gzip"
        for accepted in (accept_encoding_header or "").split(",")
    )


def _bake_output(
    registry: Any,
    accept_header: str | None,
    accept_encoding_header: str | None,
    params: Any,
    disable_compression: bool,
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers and body of an answer; ``name[]`` in the query restricts it to these names."""
    encoder, content_type = choose_encoder(accept_header)
    if "name[]" in params:
        registry = registry.restricted_registry(params["name[]"])
    output = encoder(registry)
    headers = [("Content-Type", content_type)]
    if not disable_compression and gzip_accepted(accept_encoding_header):
        import gzip

        output = gzip.compress(output, _GZIP_LEVEL)
        headers.append(("Content-Encoding", "gzip"))
    return "200 OK", headers, output


def make_wsgi_app(
    registry: Collector = REGISTRY, disable_compression: bool = False
) -> Callable[..., Any]:
    """A WSGI app that answers with the metrics, under any path."""

    def prometheus_app(environ: Any, start_response: Any) -> list[bytes]:
        method = environ["REQUEST_METHOD"]
        headers: list[tuple[str, str]] = []
        status, output = "200 OK", b""
        if method == "OPTIONS":
            headers = _ALLOWED
        elif method != "GET":
            status, headers = "405 Method Not Allowed", _ALLOWED
            output = f"# HTTP {status}: {method}; use OPTIONS or GET\n".encode()
        elif environ["PATH_INFO"] != "/favicon.ico":  # browsers ask for it
            status, headers, output = _bake_output(
                registry,
                environ.get("HTTP_ACCEPT"),
                environ.get("HTTP_ACCEPT_ENCODING"),
                parse_qs(environ.get("QUERY_STRING", "")),
                disable_compression,
            )
        start_response(status, headers)
        return [output]

    return prometheus_app


def write_to_textfile(
    path: str,
    registry: Collector,
    escaping: str = openmetrics.ALLOWUTF8,
    tmpdir: str | None = None,
) -> None:
    """Replaces a file by the metrics, at once. For the node exporter its name ends in ``.prom``. ``tmpdir``, on the
    same file system, is where it is written first."""
    beside = path if tmpdir is None else os.path.join(tmpdir, os.path.basename(path))
    temporary = f"{beside}.{os.getpid()}.{threading.get_ident()}"
    try:
        with open(temporary, "wb") as file:
            file.write(generate_latest(registry, escaping))
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise
