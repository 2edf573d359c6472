"""Structured logs for both services: JSON lines on stdout, tied to the trace, and shipped."""

from __future__ import annotations

import structlog
import vedette.logs


def configure() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            vedette.logs.add_trace_context,
            structlog.processors.TimeStamper(fmt="iso"),
            vedette.logs.ship,
            structlog.processors.JSONRenderer(),
        ],
    )
