"""The instrumentors of OpenTelemetry's ``opentelemetry.instrumentation.*``, over Vedette's own instrumentations.

Under ``vedette run`` and ``import vedette.auto`` they stand behind upstream's names, so that code which calls
``FastAPIInstrumentor.instrument_app(app)`` runs unedited. Hooks and other options of upstream's that ours do not have are
said once and otherwise left out of account.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger("vedette")

_said: set[str] = set()


class Instrumentor:
    """One a class and process, as upstream's ``BaseInstrumentor``."""

    _instance: Any = None
    _is_instrumented = False

    def __new__(cls, *_arguments: Any, **_keywords: Any) -> Any:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        return self._is_instrumented

    def instrumentation_dependencies(self) -> tuple[str, ...]:
        return ()

    def instrument(self, **keywords: Any) -> None:
        """Idempotent."""
        if not self._is_instrumented:
            type(self)._is_instrumented = True
            self._instrument(**keywords)

    def uninstrument(self, **keywords: Any) -> None:
        if self._is_instrumented:
            type(self)._is_instrumented = False
            self._uninstrument(**keywords)

    def _instrument(self, **keywords: Any) -> None:
        raise NotImplementedError

    def _uninstrument(self, **keywords: Any) -> None:
        raise NotImplementedError


def leave_out(instrumentor: str, options: Mapping[str, Any]) -> None:
    """Says which of the given options are without effect."""
    for name, value in options.items():
        if value and f"{instrumentor}.{name}" not in _said:
            _said.add(f"{instrumentor}.{name}")
            logger.warning(
                "%s is Vedette's here and does not know %s; it is left out", instrumentor, name
            )
