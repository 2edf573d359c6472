"""Vedette, inside the application: traces, metrics, logs and health of a Python API.

import vedette

app = FastAPI()
vedette.instrument(app, service_name="shop", engine=engine)
vedette.health(app, checks={"database": engine, "redis": cache})
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vedette import checks as checks
    from vedette import logs as logs
    from vedette import masking as masking
    from vedette import sampling as sampling
    from vedette._instrument import health as health
    from vedette._instrument import instrument as instrument


def __getattr__(name: str) -> Any:
    # On first use: an application that takes only vedette.sdk or vedette.prometheus need not load the rest.
    if name in ("health", "instrument"):
        from vedette import _env

        if _env.given("OTEL_PROPAGATORS") is not None:
            # Before opentelemetry.propagate is imported, which would raise.
            from vedette import _configuration

            _configuration.mend_propagators()
        from vedette import _instrument

        globals().update(health=_instrument.health, instrument=_instrument.instrument)
        return globals()[name]
    if name in ("checks", "logs", "masking", "sampling"):
        return importlib.import_module(f"vedette.{name}")
    raise AttributeError(f"module 'vedette' has no attribute {name!r}")


__all__ = ["__version__", "checks", "health", "instrument", "logs", "masking", "sampling"]
