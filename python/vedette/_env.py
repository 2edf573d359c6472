"""Every ``OTEL_*`` variable: its name, kind, default and range, and how it is read.

Empty means unset. What cannot be understood is said once, on the ``vedette`` logger, and the default holds; of a list,
what is understood. No other module reads them (``tools/house.py`` holds to it).
A variable ``per_signal`` exists also for traces, metrics and logs alone (``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``),
which wins over the one for all. Threads: any. Specification: "Environment Variable Specification", 1.58, and what
``opentelemetry.sdk.environment_variables`` 1.45 adds for Python.

    _env.read("OTEL_BSP_SCHEDULE_DELAY")              # 5000
    _env.read("OTEL_EXPORTER_OTLP_TIMEOUT", "traces")  # 10.0
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

logger = logging.getLogger("vedette")

SIGNALS = ("TRACES", "METRICS", "LOGS")


class Variable(NamedTuple):
    """One row. ``kind`` is a key of ``_PARSERS``; ``low`` and ``high`` are inclusive."""

    name: str
    kind: str
    default: Any = None
    low: float = 0
    high: float = math.inf
    choices: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    about: str = ""

    def names(self, signal: str | None = None) -> tuple[str, ...]:
        """The variables that say it, the strongest first."""
        if signal and signal.upper() in self.signals:
            return (self.of_signal(signal), self.name)
        return (self.name,)

    def of_signal(self, signal: str) -> str:
        head, mark, tail = self.name.partition("OTLP_")
        protocol = tail[:5] if tail.startswith(("GRPC_", "HTTP_")) else ""
        return f"{head}{mark}{protocol}{signal.upper()}_{tail[len(protocol) :]}"


def _otlp(name: str, kind: str, default: Any = None, **more: Any) -> Variable:
    return Variable(f"OTEL_EXPORTER_OTLP_{name}", kind, default, signals=SIGNALS, **more)


_DELAY: dict[str, Any] = {"low": 1, "high": 2**31 - 1}
_MILLIS: dict[str, Any] = {"low": 0, "high": 2**31 - 1}
_COUNT: dict[str, Any] = {"low": 1, "high": 2**31 - 1}

TABLE: tuple[Variable, ...] = (
    # In general
    Variable("OTEL_SDK_DISABLED", "boolean", False, about="nothing is recorded"),
    Variable("OTEL_CONFIG_FILE", "string", about="the declarative configuration; then most others are not read"),
    Variable("OTEL_EXPERIMENTAL_CONFIG_FILE", "string", about="the older name of OTEL_CONFIG_FILE"),
    Variable("OTEL_RESOURCE_ATTRIBUTES", "pairs", about="key=value,key=value, percent-encoded"),
    Variable("OTEL_SERVICE_NAME", "string", about="service.name; wins over OTEL_RESOURCE_ATTRIBUTES"),
    Variable("OTEL_LOG_LEVEL", "choice", "info", about="level of the SDK's own log",
             choices=("trace", "debug", "info", "warn", "error", "fatal", "none")),
    Variable("OTEL_PROPAGATORS", "list", ("tracecontext", "baggage"), about="names of propagators; none: no propagation"),
    # Sampling
    Variable("OTEL_TRACES_SAMPLER", "string", "parentbased_always_on",
             about="always_on, always_off, traceidratio, their parentbased_ forms, or a plug-in's name"),
    Variable("OTEL_TRACES_SAMPLER_ARG", "string", about="the sampler's argument: a ratio from 0 to 1"),
    # Batches
    Variable("OTEL_BSP_SCHEDULE_DELAY", "integer", 5000, about="ms between exports", **_DELAY),
    Variable("OTEL_BSP_EXPORT_TIMEOUT", "integer", 30000, about="ms one export may take", **_MILLIS),
    Variable("OTEL_BSP_MAX_QUEUE_SIZE", "integer", 2048, about="spans", **_COUNT),
    Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "integer", 512, about="spans, at most the queue's size", **_COUNT),
    Variable("OTEL_BLRP_SCHEDULE_DELAY", "integer", 5000, about="ms between exports; the specification says 1000, upstream 5000", **_DELAY),
    Variable("OTEL_BLRP_EXPORT_TIMEOUT", "integer", 30000, about="ms one export may take", **_MILLIS),
    Variable("OTEL_BLRP_MAX_QUEUE_SIZE", "integer", 2048, about="records", **_COUNT),
    Variable("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "integer", 512, about="records, at most the queue's size", **_COUNT),
    # Limits; "unset" is no limit
    Variable("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "limit", None, about="characters"),
    Variable("OTEL_ATTRIBUTE_COUNT_LIMIT", "limit", 128),
    Variable("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "limit", None, about="characters; else the one for all"),
    Variable("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "limit", 128),
    Variable("OTEL_SPAN_EVENT_COUNT_LIMIT", "limit", 128),
    Variable("OTEL_SPAN_LINK_COUNT_LIMIT", "limit", 128),
    Variable("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "limit", 128),
    Variable("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "limit", 128),
    Variable("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "limit", None, about="characters; else the one for all"),
    Variable("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "limit", 128),
    # Exporters
    Variable("OTEL_TRACES_EXPORTER", "list", ("otlp",), about="otlp, otlp/stdout, console, none, or plug-ins' names"),
    Variable("OTEL_METRICS_EXPORTER", "list", ("otlp",), about="otlp, otlp/stdout, console, prometheus, none, or plug-ins' names"),
    Variable("OTEL_LOGS_EXPORTER", "list", ("otlp",), about="otlp, otlp/stdout, console, none, or plug-ins' names"),
    _otlp("ENDPOINT", "url", about="base URL; of one signal: the whole URL"),
    _otlp("PROTOCOL", "choice", None, choices=("grpc", "http/protobuf", "http/json"),
          about="grpc where the endpoint's port is 4317, else http/protobuf"),
    _otlp("INSECURE", "boolean", None, about="gRPC without TLS, for endpoints without a scheme"),
    _otlp("CERTIFICATE", "string", about="file: the authorities to trust, PEM"),
    _otlp("CLIENT_CERTIFICATE", "string", about="file: the client's chain, PEM"),
    _otlp("CLIENT_KEY", "string", about="file: the client's key, PEM"),
    _otlp("HEADERS", "headers", (), about="key=value,key=value, percent-encoded"),
    _otlp("COMPRESSION", "choice", "none", choices=("gzip", "deflate", "none"), about="deflate: over HTTP alone"),
    _otlp("TIMEOUT", "seconds", 10.0, about="seconds, as in upstream's Python; the specification has milliseconds"),
    Variable("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "string", signals=SIGNALS,
             about="the entry point that gives a requests.Session to send through"),
    Variable("OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER", "string", signals=SIGNALS,
             about="the entry point that gives a grpc.ChannelCredentials to send with"),
    Variable("OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES", "list", (),
             about="names of gRPC status codes to try again after; otherwise the specification's"),
    Variable("OTEL_EXPORTER_PROMETHEUS_HOST", "string", "localhost"),
    Variable("OTEL_EXPORTER_PROMETHEUS_PORT", "integer", 9464, low=0, high=65535),
    Variable("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "url", "http://localhost:9411/api/v2/spans"),
    Variable("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "seconds", 10.0, about="seconds, as in upstream's Python"),
    # Metrics
    Variable("OTEL_METRIC_EXPORT_INTERVAL", "number", 60000.0, low=1, about="ms"),
    Variable("OTEL_METRIC_EXPORT_TIMEOUT", "number", 30000.0, low=1, about="ms"),
    Variable("OTEL_METRICS_EXEMPLAR_FILTER", "choice", "trace_based",
             choices=("always_on", "always_off", "trace_based")),
    Variable("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "choice", "cumulative",
             choices=("cumulative", "delta", "lowmemory")),
    Variable("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "choice", "explicit_bucket_histogram",
             choices=("explicit_bucket_histogram", "base2_exponential_bucket_histogram")),
    # Python's own
    Variable("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "list", ("otel",), about="names of resource detectors"),
    Variable("OTEL_PYTHON_ID_GENERATOR", "string", "random", about="random, or a plug-in's name"),
    Variable("OTEL_PYTHON_TRACER_CONFIGURATOR", "string", about="the entry point that switches tracers off by scope"),
    Variable("OTEL_PYTHON_METER_CONFIGURATOR", "string", about="as for traces"),
    Variable("OTEL_PYTHON_LOGGER_CONFIGURATOR", "string", about="as for traces"),
    Variable("OTEL_PYTHON_CONTEXT", "string", "contextvars_context", about="read by opentelemetry-api"),
    Variable("OTEL_PYTHON_TRACER_PROVIDER", "string", about="vedette: ours, at the first use; read by opentelemetry-api"),
    Variable("OTEL_PYTHON_METER_PROVIDER", "string", about="as for traces"),
    Variable("OTEL_PYTHON_LOGGER_PROVIDER", "string", about="as for traces"),
    Variable("OTEL_PYTHON_LOG_CORRELATION", "boolean", False, about="logging's records get the ids of the current span"),
    Variable("OTEL_PYTHON_LOG_FORMAT", "string", about="with the ids: the format of the root logger"),
    Variable("OTEL_PYTHON_LOG_LEVEL", "string", "info", about="with the ids: its level"),
    Variable("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "boolean", False,
             about="a handler on the root logger sends what the application logs"),
    Variable("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "boolean", False, about="the SDK counts itself: otel.sdk.*"),
    Variable("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "list", (), about="names of instrumentations to leave out"),
    Variable("OTEL_SEMCONV_STABILITY_OPT_IN", "list", (), about="http, http/dup, database, database/dup"),
    Variable("OTEL_PYTHON_EXCLUDED_URLS", "patterns", (), about="patterns of URLs whose requests are not observed"),
    Variable("OTEL_PYTHON_ASGI_EXCLUDED_URLS", "patterns", (), about="more of them"),
    Variable("OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "patterns", (), about="more of them"),
    Variable("OTEL_PYTHON_STARLETTE_EXCLUDED_URLS", "patterns", (), about="more of them"),
    Variable("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", "patterns", (),
             about="names of headers kept as attributes of the server's spans"),
    Variable("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", "patterns", (), about="as for requests"),
    Variable("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "patterns", (),
             about="names of those whose values are hidden"),
)  # fmt: skip
_BY_NAME = {variable.name: variable for variable in TABLE}


def read(name: str, signal: str | None = None) -> Any:
    """The value of a variable of the table, or its default. ``signal``: ``"traces"``, ``"metrics"``, ``"logs"``."""
    variable = _BY_NAME[name]
    value = given(name, signal)
    return variable.default if value is None else value


def given(name: str, signal: str | None = None, *, alone: bool = False) -> Any:
    """As :func:`read`, but ``None`` where nothing (understandable) is set: for defaults that depend. ``alone``: of the
    signal's own variable, not of the one for all."""
    variable = _BY_NAME[name]
    names = variable.names(signal)
    for one in names[:1] if alone else names:
        raw = _text(one)
        if raw is None:
            continue
        try:
            return _PARSERS[variable.kind](raw, variable)
        except PartlyWrongError as error:
            _say_once(one, raw, f"{error}; the rest is used")
            return error.rest
        except ValueError as error:
            instead = (
                "it is ignored" if variable.default is None else f"{variable.default!r} is used"
            )
            _say_once(one, raw, f"{error}; {instead}")
    return None


def is_given(name: str) -> bool:
    """Whether anything, understandable or not, is set, for all signals or for one."""
    variable = _BY_NAME[name]
    return any(_text(one) for one in (name, *map(variable.of_signal, variable.signals)))


def config_file() -> str | None:
    """The declarative configuration, if there is one: then most other variables are not read."""
    return given("OTEL_CONFIG_FILE") or given("OTEL_EXPERIMENTAL_CONFIG_FILE")


def why_not(name: str) -> str | None:
    """What the variable, of the table or of one signal, should be and is not; ``None`` where it is right."""
    raw = _text(name)
    for variable in TABLE:
        if raw is not None and name in (variable.name, *map(variable.of_signal, variable.signals)):
            try:
                _PARSERS[variable.kind](raw, variable)
            except ValueError as error:
                return str(error)
    return None


def every_name() -> list[str]:
    """All variables, those of single signals too."""
    return [
        name
        for variable in TABLE
        for name in (variable.name, *(variable.of_signal(signal) for signal in variable.signals))
    ]


_said: set[tuple[str, str]] = set()


def _say_once(name: str, raw: str, reason: str) -> None:
    if (name, raw) in _said:
        return
    _said.add((name, raw))
    logger.warning("%s=%r is not %s", name, raw, reason)


class PartlyWrongError(ValueError):
    """Some items of a list are not understood; ``rest`` has the others."""

    def __init__(self, reason: str, rest: tuple[Any, ...]) -> None:
        super().__init__(reason)
        self.rest = rest


def _boolean(raw: str, _: Variable) -> bool:
    if raw.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return raw.lower() == "true"


def _ranged(value: float, variable: Variable, what: str) -> None:
    if not variable.low <= value <= variable.high:  # false for NaN, too
        upper = "" if variable.high == math.inf else f" to {variable.high:g}"
        raise ValueError(f"{what} from {variable.low:g}{upper}")


def _integer(raw: str, variable: Variable) -> int:
    try:
        value = int(raw)
    except ValueError:
        raise ValueError("a whole number") from None
    _ranged(value, variable, "a whole number")
    return value


def _number(raw: str, variable: Variable) -> float:
    try:
        value = float(raw)
    except ValueError:
        raise ValueError("a number") from None
    if math.isinf(value):
        raise ValueError("a finite number")
    _ranged(value, variable, "a number")
    return value


def _limit(raw: str, variable: Variable) -> int | None:
    return UNLIMITED if raw.lower() == "unset" else _integer(raw, variable)


# What a limit set to "unset" is: more than anything holds.
UNLIMITED = 2**31 - 1


def _choice(raw: str, variable: Variable) -> str:
    if raw.lower() not in variable.choices:
        raise ValueError(f"one of {', '.join(variable.choices)}")
    return raw.lower()


def _list(raw: str, _: Variable | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.strip() for item in raw.split(",") if item.strip()))


def _url(raw: str, _: Variable) -> str:
    if any(c.isspace() or ord(c) < 32 for c in raw):
        raise ValueError("a URL")
    return raw


def _each(raw: str, what: str, parse: Callable[[str], Any]) -> tuple[Any, ...]:
    """The items of a list; ``parse`` raises ValueError for what is none."""
    found, wrong = [], False
    for item in _list(raw, None):
        try:
            found.append(parse(item))
        except ValueError:
            wrong = True
    if wrong and found:
        raise PartlyWrongError(what, tuple(found))
    if wrong:
        raise ValueError(what)
    return tuple(found)


def _pair(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals or not name.strip():
        raise ValueError
    return unquote(name.strip()), unquote(value.strip())


def _pairs(raw: str, _: Variable) -> tuple[Any, ...]:
    return _each(raw, "key=value, separated by commas", _pair)


def _header(item: str) -> tuple[str, str]:
    name, value = _pair(item)
    return name.lower(), value


def _headers(raw: str, _: Variable) -> tuple[Any, ...]:
    return _each(raw, "key=value, separated by commas", _header)


def _pattern(item: str) -> str:
    try:
        re.compile(item)
    except re.error as error:
        raise ValueError from error
    return item


def _patterns(raw: str, _: Variable) -> tuple[Any, ...]:
    return _each(raw, "regular expressions, separated by commas", _pattern)


_PARSERS: dict[str, Callable[[str, Variable], Any]] = {
    "boolean": _boolean,
    "choice": _choice,
    "headers": _headers,
    "integer": _integer,
    "limit": _limit,
    "list": _list,
    "number": _number,
    "pairs": _pairs,
    "patterns": _patterns,
    "seconds": _number,
    "string": lambda raw, _: raw,
    "url": _url,
}


def _text(name: str) -> str | None:
    """What is set and not empty."""
    return os.environ.get(name, "").strip() or None


def all_set() -> dict[str, str]:
    """The ``OTEL_*`` variables that are set, of the table or not, by name."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("OTEL_") and value.strip()
    }


def limit(given_value: int | None, name: str, default: int | None = None) -> int | None:
    """A limit: as given (-1: none), or the environment's. ``None``: no limit. Raises ValueError where the one given is
    no number of 0 or more."""
    if given_value == -1:
        return None
    if given_value is None:
        value = given(name)
        return default if value is None else None if value == UNLIMITED else int(value)
    if given_value < 0:
        raise ValueError(f"{name} must be a non-negative integer but got {given_value}")
    return given_value


_LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50, "none": 100}


def set_log_level(level: str | None = None) -> None:
    """The level of our own log: as given, or ``OTEL_LOG_LEVEL``, where that is set."""
    level = level or given("OTEL_LOG_LEVEL")
    if level is not None:
        logger.setLevel(_LEVELS[level])


set_log_level()
