"""TracerProvider, and what happens to providers when a process forks or ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from opentelemetry import trace as trace_api
from opentelemetry.metrics import MeterProvider
from opentelemetry.util import types

from vedette import _env, _exit, _native
from vedette._forks import after_fork_in_child
from vedette.sdk.resources import Resource, _get_process_dependent_resource
from vedette.sdk.trace import sampling
from vedette.sdk.trace._limits import SpanLimits
from vedette.sdk.trace._processors import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
)
from vedette.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from vedette.sdk.util._configurator import RuleBasedConfigurator
from vedette.sdk.util.instrumentation import InstrumentationScope

logger = logging.getLogger("vedette")


class _TracerConfig:
    """Whether the tracers of a scope record."""

    def __init__(self, is_enabled: bool) -> None:
        self.is_enabled = is_enabled

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _TracerConfig) and self.is_enabled == other.is_enabled

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"_TracerConfig(is_enabled={self.is_enabled})"

    @classmethod
    def default(cls) -> _TracerConfig:
        return cls(is_enabled=True)


_TracerConfiguratorT = Callable[[InstrumentationScope], _TracerConfig]
_RuleBasedTracerConfigurator = RuleBasedConfigurator[_TracerConfig]


def _default_tracer_configurator(tracer_scope: InstrumentationScope) -> _TracerConfig:
    return _TracerConfig.default()


def _disable_tracer_configurator(tracer_scope: InstrumentationScope) -> _TracerConfig:
    return _TracerConfig(is_enabled=False)


class TracerProvider(trace_api.TracerProvider):
    """Makes tracers; holds what they share: sampler, resource, limits, id generator and processors.

    With the samplers, processors, exporters and id generators of Vedette no Python runs when a span starts or ends;
    those written by the application are called where it has put them.
    """

    def __init__(
        self,
        sampler: sampling.Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        active_span_processor: SynchronousMultiSpanProcessor
        | ConcurrentMultiSpanProcessor
        | None = None,
        id_generator: IdGenerator | None = None,
        span_limits: SpanLimits | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        _tracer_configurator: _TracerConfiguratorT | None = None,
    ) -> None:
        self.sampler = sampler or sampling._get_from_env_or_default()
        self.id_generator = id_generator or RandomIdGenerator()
        self._resource = Resource.create() if resource is None else resource
        self._span_limits = span_limits or SpanLimits()
        self._disabled = bool(_env.read("OTEL_SDK_DISABLED"))
        self._active_span_processor = active_span_processor or SynchronousMultiSpanProcessor()
        self._native = _native.Provider(
            sampling._describe(self.sampler),
            self._span_limits,
            self._resource,
            self.sampler,
            self.id_generator,
            type(self.id_generator) is RandomIdGenerator,
            self._active_span_processor,
        )
        if getattr(self._active_span_processor, "_span_processors", True):
            self._native.set_hooks(self._active_span_processor)
        self._tracer_configurator = _tracer_configurator or _default_tracer_configurator
        self._tracers: dict[InstrumentationScope, Any] = {}
        self._tracers_lock = threading.Lock()
        self._shutdown_on_exit = shutdown_on_exit
        after_fork_in_child(self._handle_fork)
        if _env.read("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"):
            from vedette.sdk import _self_observation

            _self_observation.observe_spans(self, meter_provider)
        if shutdown_on_exit:
            _exit.at_exit(self)

    @property
    def resource(self) -> Resource:
        return self._resource

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ) -> trace_api.Tracer:
        """The tracer of a scope: the same one for the same name, version, schema URL and attributes."""
        if self._disabled:
            return trace_api.NoOpTracer()
        if not instrumenting_module_name:
            logger.error("get_tracer called with missing module name.")
            instrumenting_module_name = ""
        scope = InstrumentationScope(
            instrumenting_module_name,
            instrumenting_library_version or "",
            schema_url,
            attributes,
        )
        with self._tracers_lock:
            tracer = self._tracers.get(scope)
            if tracer is None:
                tracer = self._native.tracer(
                    scope.name, scope.version, scope.schema_url, scope.attributes, scope
                )
                tracer._set_enabled(self._config_of(scope).is_enabled)
                self._tracers[scope] = tracer
        return tracer

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Processors are called in the order they are added."""
        active = self._active_span_processor
        # Behind one that is called, a processor must see what that one made of the span.
        direct = type(active) is ConcurrentMultiSpanProcessor or (
            type(active) is SynchronousMultiSpanProcessor and not active._called
        )
        lane = getattr(span_processor, "_lane_for_spans", lambda: None)() if direct else None
        if lane is not None:
            active._add_native(span_processor)
            self._native.add_sink(lane)
        else:
            active.add_span_processor(span_processor)
            self._native.set_hooks(active)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what is queued now; False when not all of it got through in time."""
        self._native.settle(False)
        return self._active_span_processor.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Sends what is queued, for at most five seconds, and stops."""
        self._native.settle(True)
        self._active_span_processor.shutdown()
        if self._shutdown_on_exit:
            _exit.forget(self)

    def _config_of(self, scope: InstrumentationScope) -> _TracerConfig:
        try:
            return self._tracer_configurator(scope)
        except Exception:
            logger.exception("Failed to create a Tracer Config for %s, using default", scope)
            return _TracerConfig.default()

    def _set_tracer_configurator(self, *, tracer_configurator: _TracerConfiguratorT) -> None:
        """For the tracers there are, too."""
        self._tracer_configurator = tracer_configurator
        with self._tracers_lock:
            for scope, tracer in self._tracers.items():
                tracer._set_enabled(self._config_of(scope).is_enabled)

    def _update_resource(self, resource: Resource) -> None:
        """Lays ``resource`` over the provider's: for the spans that end from now on."""
        with self._tracers_lock:
            self._resource = self._resource.merge(resource)
            self._native.set_resource(self._resource)
            for tracer in self._tracers.values():
                tracer._renew_source()

    def _handle_fork(self) -> None:
        self._tracers_lock = threading.Lock()
        self._update_resource(_get_process_dependent_resource())
