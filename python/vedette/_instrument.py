"""``vedette.instrument``: everything for one app, in one call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry import trace

from vedette import _asgi, _boot, _env, _meters, logs, masking
from vedette.exporter.otlp._lane import HttpExporter
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from vedette.sdk.resources import SERVICE_NAME, Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
from vedette.sdk.trace.sampling import Sampler

logger = logging.getLogger("vedette")

DEFAULT_ENDPOINT = "http://127.0.0.1:4319"
_SCOPE = "vedette"


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
      :func:`vedette.logs.ship`, go to ``endpoint`` by OTLP/HTTP: an URL without path;
      otherwise ``OTEL_EXPORTER_OTLP_ENDPOINT``, otherwise a Vedette on this machine.

    ``sampling``: which traces are sent, such as ``vedette.sampling.ErrorAware(0.1, slow=2.0)``; otherwise
    ``OTEL_TRACES_SAMPLER``, otherwise all.

    A tracer provider that is set already is used as it is, ours or not, with its own sampler. Requests to ``metrics_path``, to the health
    routes and to the paths in ``exclude`` are not observed. Returns the app to serve, which is ``app`` itself for
    FastAPI and Starlette.
    """
    masking.configure_from_environment()
    provider = _provider(service_name, endpoint, logs_shipping, sampling)
    native = provider if isinstance(provider, TracerProvider) else None
    if native is None:
        logger.warning(
            "the tracer provider is %s.%s; Vedette observes through its own only, so this app is left alone",
            type(provider).__module__,
            type(provider).__qualname__,
        )
        return app
    tracer = native.get_tracer(_SCOPE)
    if not hasattr(tracer, "start_span") or isinstance(tracer, trace.NoOpTracer):
        return app  # OTEL_SDK_DISABLED
    _meters.set_up(native.resource, _url(endpoint, "metrics"))
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


def _provider(
    service_name: str | None, endpoint: str | None, logs_shipping: bool, sampling: Sampler | None
) -> Any:
    current = trace.get_tracer_provider()
    if not isinstance(current, trace.ProxyTracerProvider):
        _say_unused(current, service_name, sampling)
        return current
    resource = Resource.create({SERVICE_NAME: service_name} if service_name else None)
    provider = TracerProvider(sampler=sampling, resource=resource)
    processor = BatchSpanProcessor(
        OTLPSpanExporter(_url(endpoint, "traces")), schedule_delay_millis=_delay()
    )
    provider.add_span_processor(processor)
    if logs_shipping:
        exporter = HttpExporter("logs", "/v1/logs", _url(endpoint, "logs"))
        exporter._set_meter_provider(None)
        logs.configure(processor._add_log_lane(exporter), resource)
        if _env.read("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"):
            logging.getLogger().addHandler(logs.handler())
    logs.correlate_from_environment()
    trace.set_tracer_provider(provider)
    return provider


def _say_unused(current: Any, service_name: str | None, sampling: Sampler | None) -> None:
    """What was asked for and a provider that is there already has otherwise."""
    why = "the tracer provider is set already (by 'vedette run', %s chooses)"
    if sampling is not None and getattr(current, "sampler", None) is not sampling:
        description = sampling.get_description()
        logger.warning(f"sampling=%s is not used: {why}", description, "OTEL_TRACES_SAMPLER")
    ours = isinstance(current, TracerProvider)
    if service_name and ours and current.resource.attributes.get(SERVICE_NAME) != service_name:
        logger.warning(f"service_name=%s is not used: {why}", service_name, "OTEL_SERVICE_NAME")


def _url(endpoint: str | None, signal: str) -> str | None:
    # A variable for the signal alone wins over everything but an argument.
    if endpoint is None and _env.given("OTEL_EXPORTER_OTLP_ENDPOINT", signal, alone=True):
        return None
    base = endpoint or _env.given("OTEL_EXPORTER_OTLP_ENDPOINT") or DEFAULT_ENDPOINT
    return f"{base.rstrip('/')}/v1/{signal}"


def _delay() -> float:
    """Spans are looked at soon after they end: a second, unless the environment says otherwise."""
    return float(_env.given("OTEL_BSP_SCHEDULE_DELAY") or 1000)


def _instrument_libraries(engine: Any) -> None:
    _boot.observe_libraries()
    if engine is None:
        return
    from vedette.instrumentation import sqlalchemy

    for one in engine if isinstance(engine, (list, tuple)) else [engine]:
        if one is not None and not sqlalchemy.instrument_engine(one):
            logger.warning("%r is no SQLAlchemy engine; it is not observed", one)
