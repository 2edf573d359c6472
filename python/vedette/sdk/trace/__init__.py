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

import atexit
import logging
import os
import sys
import threading
from typing import Any, NamedTuple

from opentelemetry import trace as trace_api

from vedette import _native
from vedette.sdk.resources import Resource
from vedette.sdk.trace import sampling
from vedette.sdk.trace.export import BatchSpanProcessor, SpanProcessor

Span = _native.Span
Tracer = _native.Tracer
trace_api.Tracer.register(Tracer)

logger = logging.getLogger("vedette")


class InstrumentationScope(NamedTuple):
    """Who records: name and version of a library, and what else it says of itself."""

    name: str
    version: str | None = None
    schema_url: str | None = None
    attributes: Any = None


class SpanLimits:
    """Limits of what a span may hold. ``None`` takes the environment's value or the default; ``UNSET``
    is no limit."""

    UNSET = -1

    def __init__(
        self,
        max_attributes: int | None = None,
        max_events: int | None = None,
        max_links: int | None = None,
        max_span_attributes: int | None = None,
        max_event_attributes: int | None = None,
        max_link_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_span_attribute_length: int | None = None,
    ) -> None:
        pick = self._pick
        common = pick(max_attributes, "OTEL_ATTRIBUTE_COUNT_LIMIT", 128)
        self.max_attributes = common
        self.max_events = pick(max_events, "OTEL_SPAN_EVENT_COUNT_LIMIT", 128)
        self.max_links = pick(max_links, "OTEL_SPAN_LINK_COUNT_LIMIT", 128)
        self.max_span_attributes = pick(
            max_span_attributes, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_event_attributes = pick(
            max_event_attributes, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_link_attributes = pick(
            max_link_attributes, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", common
        )
        self.max_attribute_length = pick(
            max_attribute_length, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", None
        )
        self.max_span_attribute_length = pick(
            max_span_attribute_length,
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            self.max_attribute_length,
        )

    @classmethod
    def _pick(cls, given: int | None, variable: str, default: int | None) -> int | None:
        if given == cls.UNSET:
            return None
        if given is not None:
            if given < 0:
                raise ValueError(f"{variable} must be a non-negative integer but got {given}")
            return given
        text = os.environ.get(variable, "").strip().lower()
        if not text:
            return default
        if text == "unset":
            return None
        try:
            value = int(text)
        except ValueError:
            value = -1
        if value < 0:
            logger.warning("%s=%r is not a number of 0 or more; it is ignored", variable, text)
            return default
        return value

    def __repr__(self) -> str:
        return f"SpanLimits({', '.join(f'{k}={v}' for k, v in vars(self).items())})"


class TracerProvider(trace_api.TracerProvider):
    """Makes tracers; holds what they share: sampler, resource, limits and processors."""

    def __init__(
        self,
        sampler: sampling.Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        span_limits: SpanLimits | None = None,
    ) -> None:
        self.sampler = sampler or sampling.sampler_from_environment()
        self._resource = resource or Resource.create()
        self._limits = span_limits or SpanLimits()
        self._native = _native.Provider(self.sampler._native(), self._limits, self._resource)
        self._processors: tuple[SpanProcessor, ...] = ()
        self._tracers: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        self._shutdown_on_exit = shutdown_on_exit
        if shutdown_on_exit:
            _at_exit(self)

    @property
    def resource(self) -> Resource:
        return self._resource

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,
    ) -> trace_api.Tracer:
        if self._disabled:
            return trace_api.NoOpTracer()
        if not instrumenting_module_name:
            logger.error("get_tracer called with missing module name.")
            instrumenting_module_name = ""
        fixed = tuple(sorted(attributes.items())) if attributes else None
        key = (instrumenting_module_name, instrumenting_library_version or "", schema_url, fixed)
        try:
            known = self._tracers.get(key)
        except TypeError:  # an attribute that cannot be hashed
            key = (*key[:3], repr(fixed))
            known = self._tracers.get(key)
        if known is None:
            scope = InstrumentationScope(
                instrumenting_module_name,
                instrumenting_library_version or "",
                schema_url,
                attributes,
            )
            known = self._native.tracer(
                scope.name, scope.version, scope.schema_url, scope.attributes, scope
            )
            with self._lock:
                known = self._tracers.setdefault(key, known)
        return known

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Ended spans go to this processor, too."""
        if not isinstance(span_processor, BatchSpanProcessor):
            raise TypeError(
                f"{type(span_processor).__name__} is written in Python; this version takes "
                "vedette.sdk.trace.export.BatchSpanProcessor and SimpleSpanProcessor only"
            )
        with self._lock:
            self._native.add_sink(span_processor._lane)
            self._processors += (span_processor,)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what is queued now; False when not all of it got through in time."""
        done = True
        for processor in self._processors:
            done = processor.force_flush(timeout_millis) and done
        return done

    def shutdown(self) -> None:
        """Sends what is queued, for at most five seconds, and stops."""
        for processor in self._processors:
            processor.shutdown()
        if self._shutdown_on_exit:
            _forget_exit(self)


# Providers to shut down when the process ends: at exit, and at the end of a multiprocessing child,
# which leaves through os._exit().
_open_providers: list[TracerProvider] = []
_hooked_multiprocessing = False


def _at_exit(provider: TracerProvider) -> None:
    _open_providers.append(provider)
    _hook_multiprocessing()


def _forget_exit(provider: TracerProvider) -> None:
    if provider in _open_providers:
        _open_providers.remove(provider)


def _shutdown_all() -> None:
    for provider in list(_open_providers):
        provider.shutdown()


def _hook_multiprocessing() -> None:
    """Lets multiprocessing's children flush. It forgets what was to be done at the end of a process when it
    forks, but not what is to be done after a fork; and it need not be imported for that."""
    global _hooked_multiprocessing
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _hooked_multiprocessing:
        _hooked_multiprocessing = True
        util.register_after_fork(
            _anchor, lambda _: util.Finalize(None, _shutdown_all, exitpriority=-10)
        )


class _Anchor:
    """multiprocessing keeps its hooks in a weak dictionary; this is what ours hangs on."""


_anchor = _Anchor()

os.register_at_fork(after_in_child=_hook_multiprocessing)
atexit.register(_shutdown_all)

__all__ = [
    "InstrumentationScope",
    "Resource",
    "Span",
    "SpanLimits",
    "SpanProcessor",
    "Tracer",
    "TracerProvider",
    "sampling",
]
