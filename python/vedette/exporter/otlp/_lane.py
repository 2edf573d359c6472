"""What the OTLP exporters have in common: from arguments and environment to a native queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vedette import _env
from vedette.sdk.trace.export import SpanExporter


def header_list(headers: Any) -> list[tuple[str, str]]:
    """Headers given as a mapping, as pairs, or as ``key=value,key=value``."""
    if headers is None:
        return []
    if isinstance(headers, str):
        pairs = [item.partition("=") for item in headers.split(",")]
        return [(name.strip().lower(), value.strip()) for name, equals, value in pairs if equals]
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(str(name), str(value)) for name, value in items]


def is_gzip(compression: Any, signal: str) -> bool:
    """``compression`` as upstream's enums, as grpc's, or as a string; else the environment's."""
    if compression is None:
        compression = _env.text(
            f"OTEL_EXPORTER_OTLP_{signal}_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"
        )
    name = getattr(compression, "value", compression)
    if name in (None, "none", "None", 0):
        return False
    if str(name).lower() == "gzip" or getattr(compression, "name", "") == "Gzip":
        return True
    raise ValueError(f"compression {compression!r} is not supported; use gzip or none")


class OtlpExporter(SpanExporter):
    """Where to send to, and how; carried out by the processor's native thread."""

    _protocol = "http"

    def __init__(self, signal: str, endpoint: str, insecure: bool, headers: Any,
                 timeout: float | None, compression: Any, ca_file: str | None,
                 certificate_file: str | None, key_file: str | None) -> None:  # fmt: skip
        upper = signal.upper()

        def both(name: str) -> tuple[str, str]:
            return f"OTEL_EXPORTER_OTLP_{upper}_{name}", f"OTEL_EXPORTER_OTLP_{name}"

        if timeout is None:
            timeout = _env.number(*both("TIMEOUT"))
        self._signal = signal
        self._endpoint = endpoint
        self._options = {
            "insecure": insecure,
            "headers": header_list(headers) or _env.headers(*both("HEADERS")),
            "timeout_ms": int(1000 * (10 if timeout is None else timeout)),
            "gzip": is_gzip(compression, upper),
            "ca_file": ca_file or _env.text(*both("CERTIFICATE")) or "",
            "certificate_file": certificate_file or _env.text(*both("CLIENT_CERTIFICATE")) or "",
            "key_file": key_file or _env.text(*both("CLIENT_KEY")) or "",
        }

    def _add_lane(self, thread: Any, **batch: int) -> Any:
        return thread.add_lane(
            self._signal, self._protocol, self._endpoint, **self._options, **batch
        )

    def shutdown(self) -> None:
        """The processor ends the sending."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class HttpExporter(OtlpExporter):
    """OTLP/HTTP with protobuf bodies."""

    def __init__(self, signal: str, path: str, endpoint: str | None, headers: Any,
                 timeout: float | None, compression: Any, ca_file: str | None,
                 certificate_file: str | None, key_file: str | None) -> None:  # fmt: skip
        url = endpoint or _env.text(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
        if not url:
            base = _env.text("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
            url = base.rstrip("/") + path
        super().__init__(signal, url, True, headers, timeout, compression, ca_file,
                         certificate_file, key_file)  # fmt: skip


class GrpcExporter(OtlpExporter):
    """OTLP/gRPC."""

    _protocol = "grpc"

    def __init__(self, signal: str, endpoint: str | None, insecure: bool | None, headers: Any,
                 timeout: float | None, compression: Any, ca_file: str | None,
                 certificate_file: str | None, key_file: str | None) -> None:  # fmt: skip
        upper = signal.upper()
        url = endpoint or _env.text(
            f"OTEL_EXPORTER_OTLP_{upper}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        if insecure is None:
            insecure = _env.flag(
                f"OTEL_EXPORTER_OTLP_{upper}_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"
            )
        super().__init__(signal, url or "http://localhost:4317", bool(insecure), headers, timeout,
                         compression, ca_file, certificate_file, key_file)  # fmt: skip
