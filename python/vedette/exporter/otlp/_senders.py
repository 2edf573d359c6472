"""Sending through the application's own clients: a requests.Session, or a channel with grpc credentials. Both run on
the Python thread that exports, and are tried again as the specification has it, until the timeout is over."""

from __future__ import annotations

import gzip
import logging
import random
import threading
import time
import zlib
from typing import Any

from vedette import _env, _native

logger = logging.getLogger("vedette")

_RETRIED_STATUS = (408, 429, 502, 503, 504)


def _retry(attempt: Any, timeout: float, stopped: threading.Event) -> bool:
    """``attempt(seconds left)`` gives True (sent), False (never will be), or how long to wait at least."""
    deadline = time.monotonic() + timeout
    pause = 1.0
    while True:
        answer = attempt(max(0.001, deadline - time.monotonic()))
        if answer is True or answer is False:
            return answer
        wait = max(answer, pause * random.uniform(0.8, 1.2))
        pause *= 2
        if time.monotonic() + wait >= deadline or stopped.wait(wait):
            logger.error("a batch could not be sent in time; it is dropped")
            return False


class SessionSender:
    """OTLP/HTTP through a ``requests.Session``; with ``json_signal`` requests of that signal are sent in JSON."""

    def __init__(self, session: Any, url: str, headers: list[tuple[str, str]], timeout: float,
                 compression: str, ca_file: str, certificate_file: str, key_file: str,
                 json_signal: str | None = None) -> None:  # fmt: skip
        self._session = session
        self._url = url
        self._timeout = timeout
        self._compression = compression
        self._verify: Any = ca_file or True
        self._certificate: Any = certificate_file or None
        if certificate_file and key_file:
            self._certificate = (certificate_file, key_file)
        self._stopped = threading.Event()
        self._json_signal = json_signal
        content_type = "application/json" if json_signal else "application/x-protobuf"
        self._headers = {"content-type": content_type, **dict(headers)}
        if compression != "none":
            self._headers["content-encoding"] = compression

    def send(self, body: bytes) -> bool:
        if self._json_signal:
            body = _native.otlp_json(self._json_signal, body).encode()
        if self._compression == "gzip":
            body = gzip.compress(body, 6)
        elif self._compression == "deflate":
            body = zlib.compress(body)
        return _retry(lambda left: self._attempt(body, left), self._timeout, self._stopped)

    def _attempt(self, body: bytes, left: float) -> bool | float:
        try:
            answer = self._session.post(
                url=self._url, data=body, headers=self._headers, timeout=left,
                verify=self._verify, cert=self._certificate,
            )  # fmt: skip
        except OSError as error:  # requests' exceptions are
            logger.warning("cannot send to %s: %s", self._url, error)
            return 0.0
        if answer.ok:
            return True
        if answer.status_code in _RETRIED_STATUS:
            try:
                return float(answer.headers.get("retry-after", 0))
            except ValueError:
                return 0.0
        logger.error("%s answered %s: %s", self._url, answer.status_code, answer.text[:500])
        return False

    def close(self) -> None:
        self._stopped.set()
        self._session.close()


class ChannelSender:
    """OTLP/gRPC through the grpc package, which alone can use its credentials and channel options."""

    _RETRIED = frozenset({1, 4, 8, 10, 11, 14, 15})

    def __init__(self, method: str, target: str, credentials: Any, insecure: bool, headers: list[tuple[str, str]],
                 timeout: float, gzip_messages: bool, options: Any, retry_codes: int) -> None:  # fmt: skip
        import grpc

        self._grpc = grpc
        compression = grpc.Compression.Gzip if gzip_messages else grpc.Compression.NoCompression
        chosen = {"options": tuple(options or ()), "compression": compression}
        if insecure:
            self._channel = grpc.insecure_channel(target, **chosen)
        else:
            credentials = credentials or grpc.ssl_channel_credentials()
            self._channel = grpc.secure_channel(target, credentials, **chosen)
        self._call = self._channel.unary_unary(method)  # bytes in, bytes out
        self._target = target
        self._metadata = tuple(headers)
        self._timeout = timeout
        self._stopped = threading.Event()
        self._retried = (
            frozenset(n for n in range(17) if retry_codes >> n & 1)
            if retry_codes
            else self._RETRIED
        )

    def send(self, body: bytes) -> bool:
        return _retry(lambda left: self._attempt(body, left), self._timeout, self._stopped)

    def _attempt(self, body: bytes, left: float) -> bool | float:
        try:
            self._call(body, timeout=left, metadata=self._metadata)
            return True
        except self._grpc.RpcError as error:
            code = error.code()
            number = code.value[0] if code is not None else 2
            if number in self._retried:
                return 0.0
            logger.error("%s answered %s: %s", self._target, code, error.details())
            return False

    def close(self) -> None:
        self._stopped.set()
        self._channel.close()


def from_provider(protocol: str, signal: str) -> Any:
    """What the entry point ``opentelemetry_otlp_credential_provider`` named by the environment gives; else ``None``."""
    name = _env.given(f"OTEL_PYTHON_EXPORTER_OTLP_{protocol}_CREDENTIAL_PROVIDER", signal)
    if not name:
        return None
    from importlib.metadata import entry_points

    for entry in entry_points(group="opentelemetry_otlp_credential_provider", name=name):
        return entry.load()()
    raise RuntimeError(
        f"Requested component '{name}' not found in entry point 'opentelemetry_otlp_credential_provider'"
    )
