"""Providers from the environment: what ``OTEL_TRACES_EXPORTER``, ``OTEL_TRACES_SAMPLER`` and the others name.

:func:`configure` sets all three global providers, once per process. What is wrong in the environment is said and left
out: the application starts in any case. Specification: "Environment Variable Specification".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

from vedette import _components, _env

logger = logging.getLogger("vedette")

_done = False


def configure(resource_attributes: dict[str, Any] | None = None) -> bool:
    """Sets the global providers and the propagator. Idempotent; ``False`` if there was nothing to do."""
    global _done
    if _done:
        return False
    _done = True
    mend_propagators()
    file = _env.given("OTEL_CONFIG_FILE") or _env.given("OTEL_EXPERIMENTAL_CONFIG_FILE")
    if file is not None:
        return _from_file(file)
    if _env.read("OTEL_SDK_DISABLED"):
        return False
    from vedette import _handover, _meters

    resource = _resource(resource_attributes)
    _handover.set_tracer_provider(tracer_provider(resource))
    meters = _try("metrics", lambda: meter_provider(resource))
    if meters is not None:
        _handover.set_meter_provider(meters)
        if not _meters.is_off():
            _meters.show(meters)
    loggers = _try("logs", lambda: logger_provider(resource))
    if loggers is not None:
        _handover.set_logger_provider(loggers, _handle_logging(loggers))
    return True


def _from_file(file: str) -> bool:
    try:
        from vedette.configuration import configure_sdk, load_config_file

        return not configure_sdk(load_config_file(file)).disabled
    except Exception as error:
        logger.error("the configuration file %s is not used; nothing is recorded: %s", file, error)
    return False


def tracer_provider(resource: Any = None) -> Any:
    """A provider with the sampler and the exporters that the environment names. Also the entry point ``vedette`` of
    ``opentelemetry_tracer_provider``."""
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    provider = TracerProvider(
        sampler=sampler(),
        resource=resource or _resource(),
        id_generator=id_generator(),
        _tracer_configurator=_configurator("tracer"),
    )
    for name, exporter in _made_exporters("traces"):
        processor = SimpleSpanProcessor if name == "console" else BatchSpanProcessor
        provider.add_span_processor(processor(exporter))
    return provider


def meter_provider(resource: Any = None) -> Any:
    """As :func:`tracer_provider`, for metrics: exporters get a reader that exports periodically."""
    from vedette.sdk.metrics import MeterProvider
    from vedette.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers = []
    for _, made in _made_exporters("metrics"):
        is_reader = isinstance(made, MetricReader)
        readers.append(made if is_reader else PeriodicExportingMetricReader(made))
    return MeterProvider(
        metric_readers=readers,
        resource=resource or _resource(),
        _meter_configurator=_configurator("meter"),
    )


def logger_provider(resource: Any = None) -> Any:
    """As :func:`tracer_provider`, for logs."""
    from vedette.sdk._logs import LoggerProvider
    from vedette.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor

    provider = LoggerProvider(
        resource=resource or _resource(), _logger_configurator=_configurator("logger")
    )
    for name, exporter in _made_exporters("logs"):
        processor = SimpleLogRecordProcessor if name == "console" else BatchLogRecordProcessor
        provider.add_log_record_processor(processor(exporter))
    return provider


def _configurator(kind: str) -> Any:
    """What decides by scope whether a ``tracer``, ``meter`` or ``logger`` records; ``None``: they all do."""
    variable = f"OTEL_PYTHON_{kind.upper()}_CONFIGURATOR"
    name = _env.given(variable)
    if name is None:
        return None
    return _try(variable, lambda: _components.find(f"_opentelemetry_{kind}_configurator", name))


def id_generator() -> Any:
    """The plug-in that ``OTEL_PYTHON_ID_GENERATOR`` names; ``None``: the provider's own."""
    name = _env.read("OTEL_PYTHON_ID_GENERATOR")
    if name == "random":
        return None
    return _try(
        "OTEL_PYTHON_ID_GENERATOR", lambda: _components.find(_components.ID_GENERATOR, name)()
    )


def sampler() -> Any:
    """The sampler that ``OTEL_TRACES_SAMPLER`` names, a plug-in's too; ``None``: the provider's own choice."""
    name = _env.read("OTEL_TRACES_SAMPLER").lower()
    built_in = ("always_on", "always_off", "traceidratio", "error_aware")
    if name.removeprefix("parentbased_") in built_in:
        return None  # TracerProvider reads it itself
    argument = _env.given("OTEL_TRACES_SAMPLER_ARG")
    found = _try(
        "OTEL_TRACES_SAMPLER", lambda: _components.find(_components.SAMPLER, name)(argument)
    )
    if found is None:
        # Said already; TracerProvider would say it again.
        from vedette.sdk.trace import sampling

        return sampling.ParentBased(sampling.ALWAYS_ON)
    return found


def mend_propagators() -> None:
    """``opentelemetry.propagate`` raises at import where ``OTEL_PROPAGATORS`` names one that is not installed, or
    fails; such a name is said and left out instead."""
    names = _env.given("OTEL_PROPAGATORS")
    if names is None or any(name.lower() == "none" for name in names):
        return
    known = []
    for name in names:
        try:
            _components.find(_components.PROPAGATOR, name)()
            known.append(name)
        except Exception as error:
            logger.warning("OTEL_PROPAGATORS: %s: %s; it is left out", name, error)
    if len(known) < len(names):
        os.environ["OTEL_PROPAGATORS"] = ",".join(known) or "none"


def _resource(attributes: dict[str, Any] | None = None) -> Any:
    from vedette.sdk.resources import Resource

    return Resource.create(attributes)


def _exporters(signal: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name and class of each exporter that the environment names and that can be had."""
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    names = _env.read(variable)
    if any(name.lower() == "none" for name in names):
        return
    for name in names:
        found = _try(variable, lambda name=name: _components.exporter(signal, name))
        if found is not None:
            yield name, found


def _made_exporters(signal: str) -> Iterator[tuple[str, Any]]:
    """As :func:`_exporters`, made; one that cannot be is said and left out."""
    for name, kind in _exporters(signal):
        made = _try(f"OTEL_{signal.upper()}_EXPORTER: {name}", kind)
        if made is not None:
            yield name, made


def _try(what: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        logger.warning("%s: %s", what, error or type(error).__name__)
        return None


def _handle_logging(provider: Any) -> Callable[[], None]:
    """Ships structlog's events, and what the application logs otherwise if
    ``OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED`` says so. Returns what ends the latter."""
    from vedette import logs

    logs.use(provider)
    logs.correlate_from_environment()
    if not _env.read("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"):
        return lambda: None
    from vedette.sdk._logs import LoggingHandler

    handler = LoggingHandler(level=logging.NOTSET, logger_provider=provider)
    root = logging.getLogger()
    root.addHandler(handler)
    return lambda: root.removeHandler(handler)
