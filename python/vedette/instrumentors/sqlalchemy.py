"""``opentelemetry.instrumentation.sqlalchemy``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vedette.instrumentation import sqlalchemy as own
from vedette.instrumentors import Instrumentor, leave_out


class SQLAlchemyInstrumentor(Instrumentor):
    """Observes the engines that are given, and every one made from then on."""

    def instrument(
        self, *, engine: Any = None, engines: Iterable[Any] | None = None, **options: Any
    ) -> None:
        """More calls add their engines."""
        for given in [engine, *(engines or ())]:
            if given is not None:
                own.instrument_engine(given)
        super().instrument(**options)

    def _instrument(self, **options: Any) -> None:
        leave_out("SQLAlchemyInstrumentor", options)
        own.instrument()

    def _uninstrument(self, **_options: Any) -> None:
        own.uninstrument()
