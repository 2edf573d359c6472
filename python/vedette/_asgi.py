"""The native ASGI middleware, put around FastAPI, Starlette or any other ASGI app."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opentelemetry import metrics, propagate, trace

from vedette import _asgi_settings, _meters, _native
from vedette.instrumentation import _metrics
from vedette.prometheus import REGISTRY

logger = logging.getLogger("vedette")

# The attribute of an app that holds the paths not to be observed; on an observed app the middleware has it, too.
_EXCLUDED = "_vedette_excluded"
_OBSERVED = "_vedette_observed"
_http_metrics: Any = None
_DURATION_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


def http_metrics() -> Any:
    """The RED metrics, made on first use and shared by every app of the process."""
    global _http_metrics
    if _http_metrics is None:
        _http_metrics = _native.HttpMetrics(REGISTRY)
        names = ("http_server_request_duration_seconds", "http_server_active_requests")
        _metrics.when_pushed(names, _push_http_metrics)
    return _http_metrics


def _push_http_metrics(meter: Any) -> None:
    """``http.server.*`` through a meter as well. Semantic conventions 1.x, "HTTP metrics"."""
    duration = meter.create_histogram(
        "http.server.request.duration",
        unit="s",
        description="Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=_DURATION_BOUNDS,
    )

    def pusher(
        method: str, status: int, route: str | None, scheme: str, error: str | None
    ) -> Callable[[float], None]:
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "http.response.status_code": status,
            "url.scheme": scheme,
        }
        seen.add((method, scheme))
        if route:
            attributes["http.route"] = route
        if error:
            attributes["error.type"] = error
        if hasattr(duration, "bind"):
            return duration.bind(attributes).record
        return lambda seconds: duration.record(seconds, attributes)

    def active(_options: Any) -> list[metrics.Observation]:
        counts = Counter(_http_metrics.active())
        for known in list(seen):
            counts[known] += 0
        return [
            metrics.Observation(count, {"http.request.method": method, "url.scheme": scheme})
            for (method, scheme), count in counts.items()
        ]

    seen: set[tuple[str, str]] = set()
    meter.create_observable_up_down_counter(
        "http.server.active_requests",
        callbacks=[active],
        unit="{request}",
        description="Number of active HTTP server requests.",
    )
    _http_metrics.push_to(pusher)


def exclude(app: Any, paths: Iterable[str]) -> set[str]:
    """Paths of this app that are not observed, from now on; returns all of them."""
    excluded = getattr(app, _EXCLUDED, None)
    if excluded is None:
        excluded = set()
        setattr(app, _EXCLUDED, excluded)
    excluded.update(paths)
    return excluded


def observe(app: Any, tracer: Any) -> Any:
    """Puts the middleware around ``app``, once. Returns the app to serve: the same object, where it is of a
    framework we know, else one around it."""
    if getattr(app, _OBSERVED, False):
        return app
    if not (hasattr(app, "build_middleware_stack") and hasattr(app, "middleware_stack")):
        return _around(app, tracer)
    # Around everything else: outside of the layer that turns errors into 500, and of all user middleware.
    build = app.build_middleware_stack

    def wrap(stack: Any) -> Any:
        others = _switch_off_fastapi_telemetry(app) or _upstream_middleware(app, stack)
        return _middleware(stack, None if others else tracer, exclude(app, ()), app)

    app.build_middleware_stack = lambda: wrap(build())
    if app.middleware_stack is not None:
        app.middleware_stack = wrap(app.middleware_stack)
    _switch_off_fastapi_telemetry(app)
    setattr(app, _OBSERVED, True)
    return app


def _around(app: Any, tracer: Any) -> Any:
    middleware = _middleware(app, tracer, exclude(app, ()), None)

    # Servers tell ASGI 3 from ASGI 2 by asking whether the app is a coroutine function.
    async def observed_app(scope: Any, receive: Any, send: Any) -> None:
        await middleware(scope, receive, send)

    setattr(observed_app, _OBSERVED, True)
    setattr(observed_app, _EXCLUDED, middleware.excluded)
    return observed_app


def _middleware(app: Any, tracer: Any, excluded: set[str], framework: Any) -> Any:
    """``tracer``: ``None`` leaves the spans to others. ``framework``: the FastAPI or Starlette app whose routes
    ``app`` serves, if there is one."""
    return _native.AsgiMiddleware(
        app,
        tracer,
        http_metrics(),
        excluded,
        _extract,
        _propagates_only_trace_context(),
        _finder(framework) if framework is not None else None,
        hasattr(framework, "openapi"),
        _lifespan,
        _asgi_settings.excluded_urls(),
        _asgi_settings.captured_headers(),
    )


def _propagates_only_trace_context() -> bool:
    """Is the global propagator the usual one? Then a request without tracestate and baggage needs no Python."""
    fields = set(propagate.get_global_textmap().fields)
    return fields <= {"traceparent", "tracestate", "baggage"} and "traceparent" in fields


def _extract(headers: Any) -> Any:
    carrier: dict[str, str] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        carrier[key] = f"{carrier[key]},{text}" if key in carrier else text
    return propagate.extract(carrier)


def _finder(app: Any) -> Any:
    """Finds the route template of a scope that does not tell it."""

    def find_route(scope: Any) -> str | None:
        for route in getattr(app, "routes", ()):
            matched, child = route.matches(scope)
            if getattr(matched, "name", "") == "FULL":
                context = child.get("fastapi", {}).get("effective_route_context")
                return getattr(context, "path_format", None) or getattr(route, "path_format", None)
        return None

    return find_route


def _switch_off_fastapi_telemetry(app: Any) -> bool:
    """FastAPI 0.165 makes spans and metrics of its own once a provider is set, and looks for one on each request
    until then. Ours replace them, in the app and in the apps mounted below it; where the application has set them up
    itself they stay, and this answers True if they make spans: then we make none."""
    config = getattr(app, "_telemetry", None)
    if isinstance(config, dict):
        if _is_set_up(config):
            return bool(config.get("tracing"))
        config.update(tracing=False, metrics=False, logs=False)
    for route in getattr(app, "routes", ()):
        mounted = getattr(route, "app", None)
        if isinstance(getattr(mounted, "_telemetry", None), dict):
            _switch_off_fastapi_telemetry(mounted)
    return False


def _is_set_up(config: Mapping[str, Any]) -> bool:
    """``FastAPI(telemetry=…)`` with more than switches, or ``FASTAPI_OTEL_AUTO_CONFIGURE``."""
    given = ("tracer_provider", "meter_provider", "logger_provider", "exclude", "auto_configure")
    return any(config.get(key) for key in given) or config.get("operation_spans") is False


def _upstream_middleware(app: Any, stack: Any) -> bool:
    """Is opentelemetry-instrumentation-asgi or -fastapi in the stack? Then the spans are its."""
    for _ in range(64):
        if stack is None:
            return False
        kind = type(stack)
        if kind.__name__ == "OpenTelemetryMiddleware" and kind.__module__.startswith(
            "opentelemetry.instrumentation."
        ):
            logger.warning(
                "%s.%s makes the spans of this app already; Vedette counts its requests only",
                kind.__module__,
                kind.__name__,
            )
            return True
        stack = getattr(stack, "app", None)
    return False


async def _lifespan(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Flushes when the app has shut down: servers end the process by a signal soon after."""

    async def send_and_flush(message: Any) -> None:
        if message.get("type") in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            await asyncio.get_running_loop().run_in_executor(None, flush)
        await send(message)

    await app(scope, receive, send_and_flush)


def flush(timeout_millis: int = 2000) -> None:
    """Sends what is queued, for at most two seconds."""
    deadline = time.monotonic() + timeout_millis / 1000
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush is not None:
            try:
                force_flush(max(1, int(1000 * (deadline - time.monotonic()))))
            except Exception:
                logger.debug("flush failed", exc_info=True)


def add_metrics_route(app: Any, path: str) -> bool:
    """``GET /metrics``, unless the app answers there already."""
    routes = getattr(app, "routes", None)
    if routes is None or not hasattr(app, "add_route"):
        return False
    if any(getattr(route, "path", None) == path for route in routes):
        return False
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    async def metrics(request: Any) -> Any:
        from vedette.prometheus.exposition import _bake_output  # not before somebody asks

        wanted, query = request.headers, request.query_params
        # Rendered without the GIL, and off the event loop.
        _, headers, body = await run_in_threadpool(
            _bake_output,
            _meters.registry_for(wanted.get("user-agent")),
            wanted.get("accept"),
            wanted.get("accept-encoding"),
            {name: query.getlist(name) for name in query},
            False,
        )
        return Response(body, headers=dict(headers))

    app.add_route(path, metrics, include_in_schema=False)
    return True
