"""Vedette, inside the application: traces, metrics, logs and health of a Python API.

import vedette

app = FastAPI()
vedette.instrument(app, service_name="shop", engine=engine)
vedette.health(app, checks={"database": engine, "redis": cache})
"""

from __future__ import annotations

__version__ = "0.1.0"

from vedette._instrument import health, instrument

__all__ = ["__version__", "health", "instrument"]
