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
from vedette.sdk.trace._readable import Event, EventBase, ReadableSpan
from vedette.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from vedette.sdk.util import BoundedList
from vedette.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope

Span = _native.Span
Tracer = _native.Tracer
trace_api.Tracer.register(Tracer)

# What is imported from here is called as if it were made here, in messages and tracebacks.
for _public in (
    *(TracerProvider, SpanProcessor, SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor),
    *(EventBase, Event, ReadableSpan, SpanLimits),
):
    _public.__module__ = __name__

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
