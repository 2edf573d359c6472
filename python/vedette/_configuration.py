"""Providers from the environment: what ``OTEL_TRACES_EXPORTER``, ``OTEL_TRACES_SAMPLER`` and the others name.

:func:`configure` sets all three global providers, once per process: for ``vedette run`` and ``opentelemetry-instrument``, and for
``vedette.instrument`` where the environment names something. What is wrong in the environment is said and left
out: the application starts in any case. Specification: "Environment Variable Specification".
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from vedette import _components, _env

logger = logging.getLogger("vedette")

_done = False


class Said(NamedTuple):
    """What the program has said in code, which wins over the environment; and what holds where neither says a thing."""

    attributes: dict[str, Any] | None = None  # of the resource
    endpoint: str | None = None  # base URL for all that is sent by OTLP
    sampler: Any = None
    ships_logs: bool = True  # of structlog, and of the logging module where that is asked for
    meters: bool = True  # whether a meter provider is to be set
    usual_endpoint: str | None = None
    usual_delay_millis: float | None = None  # between exports of spans and logs
    usual_interval_millis: float | None = None  # between exports of metrics


_NOTHING = Said()


def configure(said: Said = _NOTHING) -> bool:
    """Sets the global providers and the propagator. Idempotent; ``False`` if there was nothing to do."""
    global _done
    if _done:
        return False
    _done = True
    mend_propagators()
    file = _env.config_file()
    if file is not None:
        return _from_file(file, said)
    if _env.read("OTEL_SDK_DISABLED"):
        return False
    from vedette import _handover, _meters

    resource = _resource(said.attributes)
    _handover.set_tracer_provider(tracer_provider(resource, said))
    meters = _try("metrics", lambda: meter_provider(resource, said)) if said.meters else None
    if meters is not None:
        _handover.set_meter_provider(meters)
        if not _meters.is_off():
            _meters.show(meters)
        _meters.push_through(meters)
    loggers = _try("logs", lambda: logger_provider(resource, said))
    if loggers is not None:
        retire = _handle_logging(loggers) if said.ships_logs else lambda: None
        _handover.set_logger_provider(loggers, retire)
    return True


def _from_file(file: str, said: Said) -> bool:
    try:
        from vedette import _meters, logs
        from vedette.configuration import configure_sdk, load_config_file

        model = load_config_file(file)
        for name, value in (said.attributes or {}).items():
            resource = model["resource"] = model.get("resource") or {}
            others = [one for one in resource.get("attributes") or () if one["name"] != name]
            resource["attributes"] = [*others, {"name": name, "value": value}]
        if said.sampler is not None and model.get("tracer_provider"):
            model["tracer_provider"]["sampler"] = said.sampler
        sdk = configure_sdk(model)
        _meters.push_through(sdk.meter_provider)
        if sdk.logger_provider is not None and said.ships_logs:
            logs.use(sdk.logger_provider)
        return not sdk.disabled
    except Exception as error:
        logger.error("the configuration file %s is not used; nothing is recorded: %s", file, error)
    return False


def tracer_provider(resource: Any = None, said: Said = _NOTHING) -> Any:
    """A provider with the sampler and the exporters that the environment names. Also the entry point ``vedette`` of
    ``opentelemetry_tracer_provider``."""
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    provider = TracerProvider(
        sampler=said.sampler or sampler(),
        resource=resource or _resource(),
        id_generator=id_generator(),
        _tracer_configurator=_configurator("tracer"),
    )
    delay = said.usual_delay_millis if _env.given("OTEL_BSP_SCHEDULE_DELAY") is None else None
    for name, exporter in _made_exporters("traces", said):
        if name == "console":
            provider.add_span_processor(SimpleSpanProcessor(exporter))
        else:
            provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=delay))
    return provider


def meter_provider(resource: Any = None, said: Said = _NOTHING, without: type | None = None) -> Any:
    """As :func:`tracer_provider`, for metrics: exporters get a reader that exports periodically. ``without``: a kind of
    reader that is not made, whatever the environment names."""
    from vedette.sdk.metrics import MeterProvider
    from vedette.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers = []
    every = _env.given("OTEL_METRIC_EXPORT_INTERVAL") or said.usual_interval_millis
    for _, made in _made_exporters("metrics", said, without):
        is_reader = isinstance(made, MetricReader)
        readers.append(made if is_reader else PeriodicExportingMetricReader(made, every))
    return MeterProvider(
        metric_readers=readers,
        resource=resource or _resource(),
        _meter_configurator=_configurator("meter"),
    )


def logger_provider(resource: Any = None, said: Said = _NOTHING) -> Any:
    """As :func:`tracer_provider`, for logs."""
    from vedette.sdk._logs import LoggerProvider
    from vedette.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor

    provider = LoggerProvider(
        resource=resource or _resource(), _logger_configurator=_configurator("logger")
    )
    delay = said.usual_delay_millis if _env.given("OTEL_BLRP_SCHEDULE_DELAY") is None else None
    for name, exporter in _made_exporters("logs", said):
        if name == "console":
            provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        else:
            provider.add_log_record_processor(BatchLogRecordProcessor(exporter, delay))
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
        found = _try(variable, partial(_components.exporter, signal, name))
        if found is not None:
            yield name, found


def _made_exporters(
    signal: str, said: Said, without: type | None = None
) -> Iterator[tuple[str, Any]]:
    """As :func:`_exporters`, made; one that cannot be is said and left out."""
    from vedette.exporter.otlp._lane import endpoint_arguments

    for name, kind in _exporters(signal):
        if without is not None and isinstance(kind, type) and issubclass(kind, without):
            continue
        where = endpoint_arguments(kind, signal, said.endpoint, said.usual_endpoint)
        made = _try(
            f"OTEL_{signal.upper()}_EXPORTER: {name}",
            partial(kind, **where),
        )
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
