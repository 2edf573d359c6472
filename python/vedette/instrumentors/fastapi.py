"""``opentelemetry.instrumentation.fastapi``."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace

from vedette import _asgi, _boot
from vedette.instrumentors import Instrumentor, leave_out, logger
from vedette.sdk.trace import TracerProvider


class FastAPIInstrumentor(Instrumentor):
    """Observes FastAPI apps: one by :meth:`instrument_app`, all by :meth:`instrument`."""

    @staticmethod
    def instrument_app(
        app: Any, *, tracer_provider: trace.TracerProvider | None = None, **options: Any
    ) -> None:
        """Requests of ``app`` become spans and RED metrics. Idempotent."""
        leave_out("FastAPIInstrumentor", options)
        provider = tracer_provider or trace.get_tracer_provider()
        if not isinstance(provider, TracerProvider):
            logger.warning(
                "the tracer provider is not Vedette's, so Vedette does not observe this app"
            )
            return
        _asgi.observe(app, provider.get_tracer("vedette"))

    def _instrument(self, **options: Any) -> None:
        leave_out("FastAPIInstrumentor", options)
        _boot.observe_frameworks()

    def _uninstrument(self, **_options: Any) -> None:
        logger.warning("FastAPI apps that are observed stay so")
