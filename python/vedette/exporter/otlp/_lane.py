"""What the OTLP exporters have in common: from arguments and environment to a native queue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from vedette import _env

if TYPE_CHECKING:
    from vedette.sdk._self_observation import ExporterMetrics

logger = logging.getLogger("vedette")


def header_list(headers: Any) -> list[tuple[str, str]]:
    """Headers given as a mapping, as pairs, or as ``key=value,key=value`` with percent-encoded values."""
    if headers is None:
        return []
    if isinstance(headers, str):
        pairs = [item.partition("=") for item in headers.split(",")]
        return [
            (unquote(name).strip(), unquote(value).strip())
            for name, equals, value in pairs
            if equals and name.strip()
        ]
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(str(name), str(value)) for name, value in items]


def compression_name(compression: Any, signal: str) -> str:
    """ "gzip", "deflate" or "none", from upstream's enums, grpc's, or a string; else the environment's."""
    if compression is None:
        return str(_env.read("OTEL_EXPORTER_OTLP_COMPRESSION", signal))
    known = {"none": "none", "nocompression": "none", "gzip": "gzip", "deflate": "deflate"}
    for candidate in (getattr(compression, "name", ""), getattr(compression, "value", compression)):
        name = known.get(str(candidate).strip().lower())
        if name:
            return name
    raise ValueError(f"compression {compression!r} is not supported; use gzip, deflate or none")


class OtlpExporter:
    """Where to send to, and how; carried out by the processor's native thread."""

    _protocol = "http"
    _metrics: ExporterMetrics | None = None
    _sender: Any  # what sends in the native thread's stead; of the class it is mixed with

    def __init__(self, signal: str, endpoint: str, insecure: bool, headers: Any,
                 timeout: float | None, compression: Any, ca_file: str | None,
                 certificate_file: str | None, key_file: str | None,
                 max_request_size: int | None = None) -> None:  # fmt: skip

        def read(name: str) -> Any:
            return _env.read(f"OTEL_EXPORTER_OTLP_{name}", signal)

        self._signal = signal
        self._endpoint = endpoint
        self._timeout = float(read("TIMEOUT") if timeout is None else timeout)
        self._headers = self._all_headers(header_list(headers), list(read("HEADERS")))
        self._compression = compression_name(compression, signal)
        self._max_request_size = (64 << 20) if max_request_size is None else max_request_size
        self._options: dict[str, Any] = {
            "insecure": insecure,
            "headers": self._headers,
            "timeout_ms": int(1000 * self._timeout),
            "gzip": self._compression == "gzip",
            "deflate": self._compression == "deflate",
            "ca_file": ca_file or read("CERTIFICATE") or "",
            "certificate_file": certificate_file or read("CLIENT_CERTIFICATE") or "",
            "key_file": key_file or read("CLIENT_KEY") or "",
            "request_bytes_max": max(0, self._max_request_size),
        }

    @staticmethod
    def _all_headers(
        given: list[tuple[str, str]], environment: list[tuple[str, str]]
    ) -> list[tuple[str, str]]:
        """Those that are given win, one by one."""
        return list({name.lower(): (name, value) for name, value in environment + given}.values())

    def _add_lane(self, thread: Any, *, behind_queue: bool = True, **batch: int) -> Any:
        """``behind_queue``: what waits in it is a processor's still."""
        lane = thread.add_lane(
            self._signal, self._protocol, self._endpoint, **self._options, **batch
        )
        if self._metrics:
            self._metrics.watch(lane, behind_queue)
        return lane

    def _set_meter_provider(self, meter_provider: Any) -> None:
        """Where ``otel.sdk.exporter.*`` goes, if it is wanted; ``None``: to the global provider."""
        if not _env.read("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"):
            return
        from vedette.sdk._self_observation import ExporterMetrics

        former = self._metrics
        self._metrics = ExporterMetrics(
            self._signal, self._protocol, self._endpoint, meter_provider
        )
        if former:
            self._metrics.take_over(former)

    def _names_provider(self, protocol: str) -> bool:
        """Whether the environment names something to send through, or with."""
        name = f"OTEL_PYTHON_EXPORTER_OTLP_{protocol}_CREDENTIAL_PROVIDER"
        return _env.given(name, self._signal) is not None

    def _observed(self, count: int, send: Callable[[], bool]) -> bool:
        """``send()``, as one operation of the exporter."""
        return self._metrics.operation(count, send) if self._metrics else send()

    def shutdown(self) -> None:
        """The processor ends the sending."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def endpoint_arguments(
    kind: Any, signal: str, given: str | None, usual: str | None
) -> dict[str, str]:
    """The ``endpoint`` for an exporter of ours, of a base URL: as ``given``, or the ``usual`` one where the environment has
    none either. Empty for any other class, and where the exporter reads the environment itself."""
    base = given or (None if _env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal) else usual)
    if base is None or not isinstance(kind, type) or not issubclass(kind, OtlpExporter):
        return {}
    if kind._protocol == "file":
        return {}
    whole = issubclass(kind, HttpExporter)
    return {"endpoint": f"{base.rstrip('/')}/v1/{signal}" if whole else base}


class HttpExporter(OtlpExporter):
    """OTLP/HTTP, with bodies in protobuf, or in JSON where ``_protocol`` says so."""

    def __init__(self, signal: str, path: str, endpoint: str | None, headers: Any = None,
                 timeout: float | None = None, compression: Any = None, ca_file: str | None = None,
                 certificate_file: str | None = None, key_file: str | None = None,
                 max_request_size: int | None = None) -> None:  # fmt: skip
        url = endpoint or _env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal, alone=True)
        if not url:
            base = _env.given("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
            url = base.rstrip("/") + path
        super().__init__(signal, url, True, headers, timeout, compression, ca_file,
                         certificate_file, key_file, max_request_size)  # fmt: skip

    def _send_through(self, session: Any) -> None:
        """Python sends, through this ``requests.Session`` or that of the environment's credential provider, if there is
        either."""
        if session is None and not self._names_provider("HTTP"):
            return
        from vedette.exporter.otlp import _senders  # not loaded for the native way

        session = session or _senders.from_provider("HTTP", self._signal)
        if session is None:
            return
        self._sender = _senders.SessionSender(
            session, self._endpoint, self._headers, self._timeout, self._compression,
            self._options["ca_file"], self._options["certificate_file"], self._options["key_file"],
            self._signal if self._protocol == "http/json" else None,
        )  # fmt: skip


class LogLane(HttpExporter):
    """Where ``vedette.instrument`` sends log records: an exporter without the logs SDK, which nobody calls."""

    def __init__(self, endpoint: str | None = None) -> None:
        super().__init__("logs", "/v1/logs", endpoint)
        self._set_meter_provider(None)


class GrpcExporter(OtlpExporter):
    """OTLP/gRPC."""

    _protocol = "grpc"

    def __init__(self, signal: str, endpoint: str | None, insecure: bool | None, headers: Any,
                 timeout: float | None, compression: Any, ca_file: str | None,
                 certificate_file: str | None, key_file: str | None,
                 retryable_error_codes: Iterable[Any] | None = None) -> None:  # fmt: skip
        url = endpoint or _env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal)
        if insecure is None:
            insecure = _env.given("OTEL_EXPORTER_OTLP_INSECURE", signal)
        super().__init__(signal, url or "http://localhost:4317", bool(insecure), headers, timeout,
                         compression, ca_file, certificate_file, key_file)  # fmt: skip
        self._options["retry_codes"] = _code_bits(retryable_error_codes)
        if self._options.pop("deflate"):
            logger.warning("deflate is not supported over gRPC; gzip is taken")
            self._options["gzip"] = True

    def _send_through(self, credentials: Any, channel_options: Any, method: str) -> None:
        """The grpc package sends, where these, or the environment's credential provider, ask for what it alone has."""
        if credentials is None and not channel_options and not self._names_provider("GRPC"):
            return
        from vedette.exporter.otlp import _senders  # not loaded for the native way

        credentials = credentials or _senders.from_provider("GRPC", self._signal)
        if credentials is None and not channel_options:
            return
        url = urlsplit(self._endpoint if "://" in self._endpoint else f"//{self._endpoint}")
        plain = url.scheme == "http" or (not url.scheme and self._options["insecure"])
        self._sender = _senders.ChannelSender(
            method, url.netloc, credentials, plain,
            [(name.lower(), value) for name, value in self._headers], self._timeout,
            self._compression == "gzip", channel_options, self._options["retry_codes"],
        )  # fmt: skip


_CODE_NAMES = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
]


def _code_bits(codes: Iterable[Any] | None) -> int:
    """gRPC status codes to try again after, as bits by number; 0: those of the specification. ``codes`` are
    grpc.StatusCode, names or numbers."""
    if codes is None:
        codes = _env.read("OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES")
    bits = 0
    for code in codes:
        name = str(getattr(code, "name", code)).upper()
        if name in _CODE_NAMES:
            bits |= 1 << _CODE_NAMES.index(name)
        elif isinstance(code, int) and 0 <= code < len(_CODE_NAMES):
            bits |= 1 << code
        else:
            logger.warning("%r is no gRPC status code; it is ignored", code)
    return bits
