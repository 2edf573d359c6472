"""A small HTTP server for the metrics alone, with TLS when it is asked for."""

from __future__ import annotations

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, urlparse
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from vedette.prometheus.exposition import _bake_output, make_wsgi_app
from vedette.prometheus.registry import REGISTRY, Collector


class ThreadingWSGIServer(ThreadingMixIn, WSGIServer):
    """A thread a request."""

    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def _tls_context(
    certfile: str,
    keyfile: str,
    protocol: int,
    cafile: str | None,
    capath: str | None,
    client_auth_required: bool,
    tls_min_version: ssl.TLSVersion | None,
    tls_max_version: ssl.TLSVersion | None,
) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    try:
        if cafile is None and capath is None:
            what = "default CA certificate chain"
            context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        else:
            what = f"CA certificate chain from file {cafile!r} or directory {capath!r}"
            context.load_verify_locations(cafile, capath)
        what = f"server certificate file {certfile!r} or its private key file {keyfile!r}"
        if client_auth_required:
            context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(certfile, keyfile)
    except OSError as error:
        raise type(error)(f"Cannot load {what}: {error}") from error
    if tls_min_version is not None:
        context.minimum_version = tls_min_version
    if tls_max_version is not None:
        context.maximum_version = tls_max_version
    return context


def start_wsgi_server(
    port: int,
    addr: str = "0.0.0.0",
    registry: Collector = REGISTRY,
    certfile: str | None = None,
    keyfile: str | None = None,
    client_cafile: str | None = None,
    client_capath: str | None = None,
    protocol: int = ssl.PROTOCOL_TLS_SERVER,
    client_auth_required: bool = False,
    tls_min_version: ssl.TLSVersion | None = None,
    tls_max_version: ssl.TLSVersion | None = None,
) -> tuple[WSGIServer, threading.Thread]:
    """Serves the metrics from a daemon thread, over TLS when there is a certificate. Returns the server, which
    ``shutdown()`` ends, and the thread."""
    context = None
    if certfile and keyfile:
        context = _tls_context(
            certfile, keyfile, protocol, client_cafile, client_capath, client_auth_required,
            tls_min_version, tls_max_version,
        )  # fmt: skip
    family, _, _, _, address = socket.getaddrinfo(
        addr, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]

    class Server(ThreadingWSGIServer):
        address_family = family

    httpd = make_server(
        str(address[0]), port, make_wsgi_app(registry), Server, handler_class=_SilentHandler
    )
    if context is not None:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    return httpd, thread


start_http_server = start_wsgi_server


class MetricsHandler(BaseHTTPRequestHandler):
    """For servers of ``http.server``: answers every GET with the metrics of ``registry``."""

    registry: Collector = REGISTRY

    def do_GET(self) -> None:
        """Answers."""
        status, headers, output = _bake_output(
            self.registry,
            self.headers.get("Accept"),
            self.headers.get("Accept-Encoding"),
            parse_qs(urlparse(self.path).query),
            False,
        )
        self.send_response(int(status.split(" ")[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(output)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing."""

    @classmethod
    def factory(cls, registry: Collector) -> type:
        """The handler for another registry."""
        return type(cls.__name__, (cls, object), {"registry": registry})
