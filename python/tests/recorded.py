"""What instrumentations record, through Vedette's provider and through the upstream SDK's."""

from __future__ import annotations

import importlib

import pytest
from opentelemetry import trace


@pytest.fixture(params=["vedette", "opentelemetry"])
def spans(request, monkeypatch):
    """Called, it gives the finished spans so far."""
    sdk = importlib.import_module(f"{request.param}.sdk.trace")
    export = importlib.import_module(f"{request.param}.sdk.trace.export")
    memory = importlib.import_module(f"{request.param}.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter.get_finished_spans
