"""``vedette.instrument``: everything for one app, in one call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry import trace

from vedette import _asgi, _boot, _env, _meters, logs, masking
from vedette.exporter.otlp._lane import LogLane, endpoint_arguments
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.resources import SERVICE_NAME, Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
from vedette.sdk.trace.sampling import Sampler

logger = logging.getLogger("vedette")

DEFAULT_ENDPOINT = "http://127.0.0.1:4319"
_SCOPE = "vedette"
_DELAY_MILLIS = 1000.0  # spans and records are looked at soon after they end


def instrument(
    app: Any = None,
    *,
    service_name: str | None = None,
    endpoint: str | None = None,
    engine: Any = None,
    metrics_path: str | None = "/metrics",
    exclude: Iterable[str] = (),
    logs_shipping: bool = True,
    sampling: Sampler | None = None,
) -> Any:
    """Observes ``app`` and the libraries it uses. Call it once the app exists; more calls add to the first.

    - every request: a server span, named by its route, and ``http_requests_total``,
      ``http_request_duration_seconds``, ``http_requests_in_progress``;
    - ``GET metrics_path``: the metrics in Prometheus text (``None`` leaves it out);
    - httpx calls (trace context passed on), SQLAlchemy statements (of every engine made from now on, and of
      ``engine``, one or several), redis commands: a client span each;
    - spans, metrics of meters (unless ``OTEL_METRICS_EXPORTER`` says otherwise), and logs through
      :func:`vedette.logs.ship`, go to ``endpoint`` by OTLP: an URL without path;
      otherwise ``OTEL_EXPORTER_OTLP_ENDPOINT``, otherwise a Vedette on this machine.

    ``sampling``: which traces are sent, such as ``vedette.sampling.ErrorAware(0.1, slow=2.0)``; otherwise
    ``OTEL_TRACES_SAMPLER``, otherwise all. The other ``OTEL_*`` variables hold, too; what is said here wins.

    A tracer provider that is set already is used as it is, ours or not, with its own sampler. Requests to ``metrics_path``, to the health
    routes and to the paths in ``exclude`` are not observed. Returns the app to serve, which is ``app`` itself for
    FastAPI and Starlette.
    """
    masking.configure_from_environment()
    provider = _provider(service_name, endpoint, logs_shipping, sampling)
    if isinstance(provider, trace.ProxyTracerProvider):
        return app  # what is wrong with the environment, or that it wants nothing, has been said
    native = provider if isinstance(provider, TracerProvider) else None
    if native is None:
        logger.warning(
            "the tracer provider is %s.%s; Vedette observes through its own only, so this app is left alone",
            type(provider).__module__,
            type(provider).__qualname__,
        )
        return app
    tracer = native.get_tracer(_SCOPE)
    if isinstance(tracer, trace.NoOpTracer):
        return app  # OTEL_SDK_DISABLED, and a provider of the application's
    _meters.set_up(native.resource, endpoint, DEFAULT_ENDPOINT)
    _instrument_libraries(engine)
    if app is None:
        return None
    _asgi.exclude(app, exclude)
    if metrics_path:
        _asgi.add_metrics_route(app, metrics_path)
        _asgi.exclude(app, [metrics_path])
    return _asgi.observe(app, tracer)


def health(
    app: Any,
    checks: Mapping[str, Any] | None = None,
    *,
    startup: Mapping[str, Any] | None = None,
    timeout: float = 0.9,
    cache: float = 1.0,
) -> None:
    """Adds ``GET /health/live``, ``/health/ready`` and ``/health/startup`` to a FastAPI or Starlette app.

    ``checks`` names what must work for the app to be ready: a function or coroutine function (an exception or
    ``False`` means it does not), a SQLAlchemy engine, a pool of asyncpg or psycopg, a redis client, or one that
    :mod:`vedette.checks` makes. All run side by side, each for at most ``timeout`` seconds; what they say holds for
    ``cache`` seconds. Ready answers 200, else 503, with ``{"status": …, "checks": {name: "ok", …}}`` and, in words,
    ``"failures"``. Startup is 503 until the checks in ``startup`` (without it those in ``checks``) have all been well
    once. The outcomes are metrics too: ``health_check_up`` and ``health_check_duration_seconds``, by ``check``. Probes
    are neither traced nor counted.
    """
    from vedette import _health

    _health.health(app, checks, startup=startup, timeout=timeout, cache=cache)
    _asgi.exclude(app, _health.PATHS)


# What the environment may name that is not made unless it does, for one signal or for all.
_NAMED = (
    "OTEL_CONFIG_FILE",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_TRACES_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER",
    "OTEL_PYTHON_ID_GENERATOR",
    "OTEL_PYTHON_TRACER_CONFIGURATOR",
    "OTEL_PYTHON_LOGGER_CONFIGURATOR",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
)


def _provider(
    service_name: str | None, endpoint: str | None, logs_shipping: bool, sampling: Sampler | None
) -> Any:
    current = trace.get_tracer_provider()
    if not isinstance(current, trace.ProxyTracerProvider):
        _say_unused(current, service_name, endpoint, logs_shipping, sampling)
        return current
    if _env.read("OTEL_SDK_DISABLED"):
        return current
    global _endpoint
    _endpoint = endpoint
    attributes = {SERVICE_NAME: service_name} if service_name else None
    if _names_something(endpoint):
        _configure(attributes, endpoint, logs_shipping, sampling)
        return trace.get_tracer_provider()
    resource = Resource.create(attributes)
    provider = TracerProvider(sampler=sampling, resource=resource)
    delay = float(_env.given("OTEL_BSP_SCHEDULE_DELAY") or _DELAY_MILLIS)
    processor = BatchSpanProcessor(_otlp(OTLPSpanExporter, "traces", endpoint), None, delay)
    provider.add_span_processor(processor)
    if logs_shipping:
        exporter = _otlp(LogLane, "logs", endpoint)
        logs.configure(processor._add_log_lane(exporter), resource)
        if _env.read("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"):
            logging.getLogger().addHandler(logs.handler())
    logs.correlate_from_environment()
    trace.set_tracer_provider(provider)
    return provider


def _names_something(endpoint: str | None) -> bool:
    """Whether the environment names what ``vedette run`` would make of it, and what need not be loaded otherwise."""
    if any(_env.is_given(name) for name in _NAMED):
        return True
    # gRPC's own port: see _components.otlp_protocol.
    urls = [_env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal) for signal in ("traces", "logs")]
    return endpoint is None and any(":4317" in (url or "") for url in urls)


def _configure(
    attributes: dict[str, Any] | None,
    endpoint: str | None,
    logs_shipping: bool,
    sampling: Sampler | None,
) -> None:
    from vedette import _configuration

    _configuration.configure(
        _configuration.Said(
            attributes, endpoint, sampling, logs_shipping,
            meters=False, usual_endpoint=DEFAULT_ENDPOINT, usual_delay_millis=_DELAY_MILLIS,
        )
    )  # fmt: skip
    if endpoint is not None and _env.config_file() is not None:
        _say_once("endpoint=%s is not used: OTEL_CONFIG_FILE says where to send", endpoint)


_said: set[tuple[Any, ...]] = set()
_endpoint: str | None = None  # of the first call


def _say_once(*message: Any) -> None:
    if message not in _said:
        _said.add(message)
        logger.warning(*message)


def _say_unused(
    current: Any,
    service_name: str | None,
    endpoint: str | None,
    logs_shipping: bool,
    sampling: Sampler | None,
) -> None:
    """What was asked for and a provider that is there already has otherwise."""

    def say(argument: str, value: Any, variable: str) -> None:
        _say_once(
            "%s=%s is not used: the tracer provider is set already%s",
            argument,
            value,
            f" (by 'vedette run'; {variable} chooses)" if _boot.started() else "",
        )

    if sampling is not None and getattr(current, "sampler", None) is not sampling:
        say("sampling", sampling.get_description(), "OTEL_TRACES_SAMPLER")
    if not isinstance(current, TracerProvider):
        return
    if service_name and current.resource.attributes.get(SERVICE_NAME) != service_name:
        say("service_name", service_name, "OTEL_SERVICE_NAME")
    there = _endpoint or _env.given("OTEL_EXPORTER_OTLP_ENDPOINT") or ""
    if endpoint and endpoint.rstrip("/") != there.rstrip("/"):
        say("endpoint", endpoint, "OTEL_EXPORTER_OTLP_ENDPOINT")
    if not logs_shipping and _boot.started() and "none" not in _env.read("OTEL_LOGS_EXPORTER"):
        say("logs_shipping", logs_shipping, "OTEL_LOGS_EXPORTER")


def _otlp(kind: type, signal: str, endpoint: str | None) -> Any:
    return kind(**endpoint_arguments(kind, signal, endpoint, DEFAULT_ENDPOINT))


def _instrument_libraries(engine: Any) -> None:
    _boot.observe_libraries()
    if engine is None:
        return
    from vedette.instrumentation import sqlalchemy

    for one in engine if isinstance(engine, (list, tuple)) else [engine]:
        if one is not None and not sqlalchemy.instrument_engine(one):
            logger.warning("%r is no SQLAlchemy engine; it is not observed", one)
