"""Pushing to a Prometheus push gateway (its README, "API")."""

from __future__ import annotations

import base64
import gzip
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Literal
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlparse
from urllib.request import (
    BaseHandler,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from vedette.prometheus.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from vedette.prometheus.registry import REGISTRY, Collector

CompressionType = Literal["gzip", "snappy"] | None
_Headers = Sequence[tuple[str, Any]]
_Handler = Callable[[], None]


class _RedirectHandler(HTTPRedirectHandler):
    """Follows redirects with method, headers and body as they were."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request:
        method = req.get_method()
        reading = code in (301, 302, 303, 307) and method in ("GET", "HEAD")
        writing = code in (301, 302, 303) and method in ("POST", "PUT")
        if not (reading or writing):
            raise HTTPError(req.full_url, code, msg, headers, fp)
        return Request(
            newurl.replace(" ", "%20"),
            data=req.data,
            headers=req.headers,
            origin_req_host=req.origin_req_host,
            unverifiable=True,
            method=method,
        )


def _make_handler(
    url: str,
    method: str,
    timeout: float | None,
    headers: _Headers,
    data: bytes,
    base_handler: BaseHandler | type,
) -> _Handler:
    def handle() -> None:
        request = Request(url, data=data, method=method)
        for name, value in headers:
            request.add_header(name, value)
        answer = build_opener(base_handler).open(request, timeout=timeout)
        if answer.code >= 400:
            raise OSError(f"error talking to pushgateway: {answer.code} {answer.msg}")

    return handle


def default_handler(
    url: str, method: str, timeout: float | None, headers: _Headers, data: bytes
) -> _Handler:
    """Sends by HTTP or HTTPS."""
    return _make_handler(url, method, timeout, headers, data, HTTPHandler)


def passthrough_redirect_handler(
    url: str, method: str, timeout: float | None, headers: _Headers, data: bytes
) -> _Handler:
    """Also follows redirects, with method and body as they were: for gateways whose redirects you trust."""
    return _make_handler(url, method, timeout, headers, data, _RedirectHandler)


def basic_auth_handler(
    url: str,
    method: str,
    timeout: float | None,
    headers: _Headers,
    data: bytes,
    username: str | None = None,
    password: str | None = None,
) -> _Handler:
    """Sends with a user name and password."""
    if username is not None and password is not None:
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        headers = [*headers, ("Authorization", "Basic " + token)]
    return default_handler(url, method, timeout, headers, data)


def tls_auth_handler(
    url: str,
    method: str,
    timeout: float | None,
    headers: _Headers,
    data: bytes,
    certfile: str,
    keyfile: str,
    cafile: str | None = None,
    protocol: int = ssl.PROTOCOL_TLS_CLIENT,
    insecure_skip_verify: bool = False,
) -> _Handler:
    """Sends by HTTPS with a certificate of ours."""
    context = ssl.SSLContext(protocol)
    if cafile is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile)
    if insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certfile, keyfile)
    return _make_handler(url, method, timeout, headers, data, HTTPSHandler(context=context))


def push_to_gateway(
    gateway: str,
    job: str,
    registry: Collector,
    grouping_key: dict[str, Any] | None = None,
    timeout: float | None = 30,
    handler: Callable[..., _Handler] = default_handler,
    compression: CompressionType = None,
) -> None:
    """Replaces all metrics of this job and grouping key (PUT). ``gateway`` is a URL or a host and port; ``handler`` is
    called with url, method, timeout, headers and data and returns what sends them; ``timeout`` in seconds."""
    _use_gateway("PUT", gateway, job, registry, grouping_key, timeout, handler, compression)


def pushadd_to_gateway(
    gateway: str,
    job: str,
    registry: Collector | None,
    grouping_key: dict[str, Any] | None = None,
    timeout: float | None = 30,
    handler: Callable[..., _Handler] = default_handler,
    compression: CompressionType = None,
) -> None:
    """Replaces the metrics of the same names of this job and grouping key (POST)."""
    _use_gateway("POST", gateway, job, registry, grouping_key, timeout, handler, compression)


def delete_from_gateway(
    gateway: str,
    job: str,
    grouping_key: dict[str, Any] | None = None,
    timeout: float | None = 30,
    handler: Callable[..., _Handler] = default_handler,
) -> None:
    """Deletes the metrics of this job and grouping key (DELETE)."""
    _use_gateway("DELETE", gateway, job, None, grouping_key, timeout, handler)


def _use_gateway(
    method: str,
    gateway: str,
    job: str,
    registry: Collector | None,
    grouping_key: dict[str, Any] | None,
    timeout: float | None,
    handler: Callable[..., _Handler],
    compression: CompressionType = None,
) -> None:
    if urlparse(gateway).scheme not in ("http", "https"):
        gateway = "http://" + gateway
    group = [("job", job), *((str(k), str(v)) for k, v in sorted((grouping_key or {}).items()))]
    path = "".join(f"/{name}/{value}" for name, value in (_escape_group(*pair) for pair in group))
    headers = [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)]
    data = b""
    if method != "DELETE":
        data = _compress(generate_latest(registry or REGISTRY), compression, headers)
    handler(
        url=f"{gateway.rstrip('/')}/metrics{path}",
        method=method,
        timeout=timeout,
        headers=headers,
        data=data,
    )()


def _compress(data: bytes, compression: CompressionType, headers: list[tuple[str, str]]) -> bytes:
    if compression is None:
        return data
    encoding = compression.lower()
    if encoding not in ("gzip", "snappy"):
        raise ValueError(f"Unsupported compression type: {compression}")
    headers.append(("Content-Encoding", encoding))
    if encoding == "gzip":
        return gzip.compress(data)
    try:
        import snappy
    except ImportError:
        raise RuntimeError(
            "Snappy compression requires the python-snappy package to be installed."
        ) from None
    compressor = snappy.StreamCompressor()
    flush = getattr(compressor, "flush", bytes)
    return compressor.compress(data) + flush()


def _escape_group(name: str, value: str) -> tuple[str, str]:
    if value == "":
        return name + "@base64", "="
    if "/" in value or " " in value:
        return name + "@base64", base64.urlsafe_b64encode(value.encode()).decode()
    return name, quote_plus(value)


def instance_ip_grouping_key() -> dict[str, Any]:
    """``{"instance": "<the address of this host>"}``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("localhost", 0))
        return {"instance": probe.getsockname()[0]}
