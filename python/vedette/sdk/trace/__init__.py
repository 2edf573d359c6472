"""``opentelemetry.sdk.trace``: tracer provider, tracer and span, recorded natively.

from opentelemetry import trace
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
from vedette.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://localhost:4317")))
trace.set_tracer_provider(provider)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry import trace as trace_api

from vedette import _native
from vedette.sdk.resources import Resource
from vedette.sdk.trace import sampling
from vedette.sdk.trace._limits import SpanLimits
from vedette.sdk.trace._processors import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
)
from vedette.sdk.trace._provider import (
    TracerProvider,
    _default_tracer_configurator,
    _disable_tracer_configurator,
    _RuleBasedTracerConfigurator,
    _TracerConfig,
)
from vedette.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from vedette.sdk.util import BoundedList
from vedette.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope

if TYPE_CHECKING:
    from vedette.sdk.trace._readable import Event, EventBase, ReadableSpan

Span: TypeAlias = _native.Span
Tracer = _native.Tracer
trace_api.Tracer.register(Tracer)

# What is imported from here is called as if it were made here, in messages and tracebacks.
for _public in (
    *(TracerProvider, SpanProcessor, SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor),
    SpanLimits,
):
    _public.__module__ = __name__


def __getattr__(name: str) -> Any:
    # On first use: only exporters and processors written in Python read spans.
    if name not in ("Event", "EventBase", "ReadableSpan"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vedette.sdk.trace import _readable

    globals()[name] = getattr(_readable, name)
    return globals()[name]


SPAN_ATTRIBUTE_COUNT_LIMIT = SpanLimits().max_span_attributes

__all__ = [
    "SPAN_ATTRIBUTE_COUNT_LIMIT",
    "BoundedList",
    "ConcurrentMultiSpanProcessor",
    "Event",
    "EventBase",
    "IdGenerator",
    "InstrumentationInfo",
    "InstrumentationScope",
    "RandomIdGenerator",
    "ReadableSpan",
    "Resource",
    "Span",
    "SpanLimits",
    "SpanProcessor",
    "SynchronousMultiSpanProcessor",
    "Tracer",
    "TracerProvider",
    "_RuleBasedTracerConfigurator",
    "_TracerConfig",
    "_default_tracer_configurator",
    "_disable_tracer_configurator",
    "sampling",
]
