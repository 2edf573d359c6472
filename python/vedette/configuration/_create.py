"""From a model to providers. Specification: "Declarative Configuration", ``Create`` and ``PluginComponentProvider``."""

from __future__ import annotations

import fnmatch
import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from vedette import _components
from vedette.configuration._model import Component, ConfigurationError

logger = logging.getLogger("vedette")


class Sdk(NamedTuple):
    """What a configuration makes. A provider it does not mention is ``None``: there is none then."""

    tracer_provider: Any
    meter_provider: Any
    logger_provider: Any
    propagator: Any
    resource: Any
    disabled: bool


_plugins: dict[tuple[str, str], Callable[[Mapping[str, Any]], Any]] = {}


def register_component_provider(
    group: str, name: str, create: Callable[[Mapping[str, Any]], Any]
) -> None:
    """Makes ``create(properties)`` the maker of components called ``name``. ``group``: SpanExporter, SpanProcessor, Sampler,
    IdGenerator, PushMetricExporter, PullMetricExporter, LogRecordExporter, LogRecordProcessor, TextMapPropagator or
    ResourceDetector. Later registrations win. Entry points of upstream's groups are found without."""
    _plugins[group, name] = create


# The entry points that upstream's plug-ins have, by the group of the schema.
_ENTRY_POINTS = {
    "SpanExporter": _components.TRACES_EXPORTER,
    "PushMetricExporter": _components.METRICS_EXPORTER,
    "PullMetricExporter": _components.METRICS_EXPORTER,
    "LogRecordExporter": _components.LOGS_EXPORTER,
    "Sampler": _components.SAMPLER,
    "IdGenerator": _components.ID_GENERATOR,
    "TextMapPropagator": _components.PROPAGATOR,
    "ResourceDetector": _components.RESOURCE_DETECTOR,
}


def create(model: Mapping[str, Any]) -> Sdk:
    """Makes the components of a model, without setting anything. Raises ConfigurationError, naming the place."""
    if model.get("disabled"):
        return Sdk(None, None, None, None, None, True)
    resource = _resource(model.get("resource") or {})
    return Sdk(
        _tracer_provider(model, resource),
        _meter_provider(model, resource),
        _logger_provider(model, resource),
        _propagator(model.get("propagator")),
        resource,
        False,
    )


def configure_sdk(model: Mapping[str, Any]) -> Sdk:
    """As :func:`create`, and sets what was made as the global providers and propagator."""
    from opentelemetry import propagate

    from vedette import _env, _handover

    if model.get("log_level"):
        _env.set_log_level(model["log_level"].rstrip("0123456789"))
    sdk = create(model)
    if sdk.disabled:
        return sdk
    if sdk.tracer_provider is not None:
        _handover.set_tracer_provider(sdk.tracer_provider)
    if sdk.meter_provider is not None:
        _handover.set_meter_provider(sdk.meter_provider)
    if sdk.logger_provider is not None:
        _handover.set_logger_provider(sdk.logger_provider)
    if sdk.propagator is not None:
        propagate.set_global_textmap(sdk.propagator)
    return sdk


def _plugin(component: Component) -> Any:
    """A component that is not ours: registered, or an entry point, which takes its properties as arguments."""
    made = _plugins.get((component.group, component.name))
    try:
        if made is not None:
            return made(component.properties)
        group = _ENTRY_POINTS.get(component.group)
        if group is None:
            raise _components.UnknownComponentError(f"there is no {component.name!r}")
        return _components.find(group, component.name)(**component.properties)
    except Exception as error:
        raise ConfigurationError([f"{component.where}: {error or type(error).__name__}"]) from error


def _make(component: Component, own: Mapping[str, Callable[..., Any]]) -> Any:
    """``own`` makes what we have, from the properties that are set."""
    maker = own.get(component.name)
    if (component.group, component.name) in _plugins or maker is None:
        return _plugin(component)
    try:
        return maker(
            **{_python(name): v for name, v in component.properties.items() if v is not None}
        )
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError([f"{component.where}: {error or type(error).__name__}"]) from error


def _python(name: str) -> str:
    return name.partition("/")[0]


# Resource


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "string": str,
    "bool": lambda v: v if isinstance(v, bool) else str(v).lower() == "true",
    "int": int,
    "double": float,
}


def _attribute(entry: Mapping[str, Any]) -> Any:
    kind, value = entry.get("type") or "", entry["value"]
    convert = _CONVERT.get(kind.removesuffix("_array"))
    if convert is None:
        return value if not isinstance(value, dict) else str(value)
    try:
        return [convert(one) for one in value] if kind.endswith("_array") else convert(value)
    except (TypeError, ValueError):
        raise ConfigurationError(
            [f"resource.attributes: {entry['name']} is not of type {kind}: {value!r}"]
        ) from None


def _resource(model: Mapping[str, Any]) -> Any:
    from vedette.sdk import resources

    attributes: dict[str, Any] = {}
    detection = model.get("detection/development") or {}
    keep = _filter(detection.get("attributes") or {})
    own = {
        "host": lambda: _detector("host"),
        "process": lambda: _detector("process"),
        "service": lambda: resources.OTELResourceDetector(),
        "container": lambda: _detector("container"),
    }
    for component in detection.get("detectors") or ():
        if component is not None:
            found = _make(component, own).detect().attributes
            attributes.update({k: v for k, v in found.items() if keep(k)})
    for item in filter(
        None, (part.strip() for part in (model.get("attributes_list") or "").split(","))
    ):
        key, _, value = item.partition("=")
        attributes[key.strip()] = value.strip()
    for entry in model.get("attributes") or ():
        if entry["value"] is not None:
            attributes[entry["name"]] = _attribute(entry)
    # Not the environment's: the file alone speaks.
    base = {
        resources.TELEMETRY_SDK_LANGUAGE: "python",
        resources.TELEMETRY_SDK_NAME: "vedette",
        resources.TELEMETRY_SDK_VERSION: _version(),
        resources.SERVICE_NAME: "unknown_service",
    }
    return resources.Resource({**base, **attributes}, model.get("schema_url"))


def _version() -> str:
    from vedette import __version__

    return __version__


def _detector(name: str) -> Any:
    return _components.find(_components.RESOURCE_DETECTOR, name)()


def _filter(model: Mapping[str, Any]) -> Callable[[str], bool]:
    """Included unless excluded; both are lists of patterns with ``*`` and ``?``."""
    included, excluded = model.get("included") or ["*"], model.get("excluded") or []

    def keep(key: str) -> bool:
        def among(patterns: Any) -> bool:
            return any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)

        return among(included) and not among(excluded)

    return keep


# Exporters


def _headers(headers: Any, headers_list: str | None) -> dict[str, str]:
    result = {}
    for item in (headers_list or "").split(","):
        name, equals, value = item.partition("=")
        if equals:
            result[name.strip()] = value.strip()
    result.update({h["name"]: h["value"] or "" for h in headers or ()})
    return result


_DEFAULT_ENDPOINTS = {
    "http": "http://localhost:4318/v1/{signal}",
    "grpc": "http://localhost:4317",
}


def _otlp(signal: str, protocol: str) -> Callable[..., Any]:
    """Makes our OTLP exporter of a signal from the properties of the schema."""

    def make(endpoint: str | None = None, tls: Any = None, headers: Any = None,
             headers_list: str | None = None, compression: str | None = None,
             timeout: int | None = None, encoding: str | None = None, **more: Any) -> Any:  # fmt: skip
        tls = tls or {}
        arguments: dict[str, Any] = {
            "endpoint": endpoint or _DEFAULT_ENDPOINTS[protocol].format(signal=signal),
            "headers": _headers(headers, headers_list) or None,
            "timeout": None if timeout is None else timeout / 1000,
            "compression": compression or "none",
            "certificate_file": tls.get("ca_file"),
            "client_key_file": tls.get("key_file"),
            "client_certificate_file": tls.get("cert_file"),
        }
        if protocol == "grpc":
            arguments["insecure"] = bool(tls.get("insecure"))
        name = "otlp_json_http" if encoding == "json" else f"otlp_proto_{protocol}"
        exporter = _components.find(_components.EXPORTER_GROUPS[signal], name)
        return exporter(
            **{k: v for k, v in arguments.items() if v is not None}, **_preferences(**more)
        )

    return make


def _file(signal: str) -> Callable[..., Any]:
    def make(output_stream: str = "stdout", **more: Any) -> Any:
        exporter = _components.find(_components.EXPORTER_GROUPS[signal], "otlp_json_file")
        if output_stream == "stdout":
            return exporter(**_preferences(**more))
        url = urlsplit(output_stream)
        if url.scheme != "file" or url.netloc not in ("", "localhost") or not url.path:
            raise ValueError(
                f"output_stream: stdout or file:///PATH is expected, not {output_stream!r}"
            )
        return exporter(unquote(url.path), **_preferences(**more))

    return make


def _console(signal: str) -> Callable[..., Any]:
    def make(**more: Any) -> Any:
        exporter = _components.find(_components.EXPORTER_GROUPS[signal], "console")
        return exporter(**_preferences(**more))

    return make


def _exporter(component: Component, signal: str) -> Any:
    return _make(
        component,
        {
            "otlp_http": _otlp(signal, "http"),
            "otlp_grpc": _otlp(signal, "grpc"),
            "otlp_file/development": _file(signal),
            "console": _console(signal),
        },
    )


def _preferences(
    temporality_preference: str | None = None, default_histogram_aggregation: str | None = None
) -> dict[str, Any]:
    """The arguments of a metric exporter that say how instruments are aggregated."""
    if temporality_preference is None and default_histogram_aggregation is None:
        return {}
    from vedette.sdk import metrics
    from vedette.sdk.metrics.export import AggregationTemporality
    from vedette.sdk.metrics.view import (
        ExplicitBucketHistogramAggregation,
        ExponentialBucketHistogramAggregation,
    )

    more: dict[str, Any] = {}
    if temporality_preference is not None:
        delta = {
            "cumulative": (),
            "delta": (metrics.Counter, metrics.Histogram, metrics.ObservableCounter),
            "low_memory": (metrics.Counter, metrics.Histogram),
        }[temporality_preference]
        kinds = (metrics.Counter, metrics.UpDownCounter, metrics.Histogram, metrics.ObservableCounter,
                 metrics.ObservableUpDownCounter, metrics.ObservableGauge)  # fmt: skip
        more["preferred_temporality"] = {
            kind: AggregationTemporality.DELTA
            if kind in delta
            else AggregationTemporality.CUMULATIVE
            for kind in kinds
        }
    if default_histogram_aggregation is not None:
        exponential = default_histogram_aggregation == "base2_exponential_bucket_histogram"
        more["preferred_aggregation"] = {
            metrics.Histogram: ExponentialBucketHistogramAggregation()
            if exponential
            else ExplicitBucketHistogramAggregation()
        }
    return more


# Traces


def _tracer_provider(model: Mapping[str, Any], resource: Any) -> Any:
    settings = model.get("tracer_provider")
    if settings is None:
        return None
    from vedette.sdk.trace import SpanLimits, TracerProvider, sampling

    common, limits = model.get("attribute_limits") or {}, settings.get("limits") or {}

    def limit(name: str, default: int | None) -> int:
        value = limits.get(name)
        if value is None:
            value = common.get(name, default)
        return SpanLimits.UNSET if value is None else value

    count = limit("attribute_count_limit", 128)
    length = limit("attribute_value_length_limit", None)
    more: dict[str, Any] = {}
    generator = settings.get("id_generator")
    if generator is not None and generator.name != "random":
        more["id_generator"] = _plugin(generator)
    sampler = settings.get("sampler")
    provider = TracerProvider(
        # The application may have put one that is made already into the model.
        sampler=_sampler(sampler)
        if isinstance(sampler, Component)
        else sampler or sampling.ParentBased(sampling.ALWAYS_ON),
        resource=resource,
        span_limits=SpanLimits(
            max_attributes=count,
            max_span_attributes=count,
            max_attribute_length=length,
            max_span_attribute_length=length,
            max_events=limit("event_count_limit", 128),
            max_links=limit("link_count_limit", 128),
            max_event_attributes=limit("event_attribute_count_limit", 128),
            max_link_attributes=limit("link_attribute_count_limit", 128),
        ),
        **more,
    )
    for component in settings["processors"] or ():
        provider.add_span_processor(_make(component, _span_processors()))
    return provider


def _span_processors() -> dict[str, Callable[..., Any]]:
    from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    def batch(exporter: Component, **settings: Any) -> Any:
        return BatchSpanProcessor(_exporter(exporter, "traces"), **_batch(settings))

    def simple(exporter: Component) -> Any:
        return SimpleSpanProcessor(_exporter(exporter, "traces"))

    return {"batch": batch, "simple": simple}


def _batch(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a batch processor; its defaults are the schema's, not the environment's."""
    size = settings.get("max_queue_size", 2048)
    return {
        "schedule_delay_millis": settings.get("schedule_delay", 5000) or 1,
        "export_timeout_millis": settings.get("export_timeout", 30000),
        "max_queue_size": size,
        "max_export_batch_size": settings.get("max_export_batch_size", min(512, size)),
    }


def _sampler(component: Component) -> Any:
    from vedette.sdk.trace import sampling

    def parent_based(**branches: Component) -> Any:
        made = {name: _sampler(branch) for name, branch in branches.items()}
        return sampling.ParentBased(**{"root": sampling.ALWAYS_ON, **made})

    def ratio(ratio: float = 1.0) -> Any:
        return sampling.TraceIdRatioBased(ratio)

    return _make(
        component,
        {
            "always_on": lambda: sampling.ALWAYS_ON,
            "always_off": lambda: sampling.ALWAYS_OFF,
            "trace_id_ratio_based": ratio,
            "probability/development": ratio,
            "parent_based": parent_based,
        },
    )


# Metrics


def _meter_provider(model: Mapping[str, Any], resource: Any) -> Any:
    settings = model.get("meter_provider")
    if settings is None:
        return None
    from vedette.sdk import metrics

    more: dict[str, Any] = {}
    if settings.get("exemplar_filter"):
        filters: dict[str, Callable[[], metrics.ExemplarFilter]] = {
            "always_on": metrics.AlwaysOnExemplarFilter,
            "always_off": metrics.AlwaysOffExemplarFilter,
            "trace_based": metrics.TraceBasedExemplarFilter,
        }
        more["exemplar_filter"] = filters[settings["exemplar_filter"]]()
    return metrics.MeterProvider(
        metric_readers=[_reader(component) for component in settings["readers"] or ()],
        resource=resource,
        views=[_view(view) for view in settings.get("views") or ()],
        view_matching_mode=settings.get("view_matching_mode/development") or "independent",
        **more,
    )


def _reader(component: Component) -> Any:
    from vedette.sdk.metrics.export import PeriodicExportingMetricReader

    properties = component.properties
    exporter: Component = properties["exporter"]
    limits = {k: v for k, v in (properties.get("cardinality_limits") or {}).items() if v}
    others = limits.pop("default", None)
    kinds = _instrument_kinds()
    by_kind = dict.fromkeys(kinds.values(), others) if others else {}
    by_kind.update({kinds[name]: limit for name, limit in limits.items()})
    more: dict[str, Any] = {"cardinality_limits": by_kind} if by_kind else {}
    if component.name == "pull":
        prometheus = functools.partial(_prometheus, more)
        return _make(exporter, {"prometheus/development": prometheus})
    return PeriodicExportingMetricReader(
        _exporter(exporter, "metrics"),
        export_interval_millis=properties.get("interval") or 60000,
        export_timeout_millis=properties.get("timeout") or 30000,
        **more,
    )


def _prometheus(
    more: Mapping[str, Any],
    *,
    host: str = "localhost",
    port: int = 9464,
    scope_info_enabled: bool = True,
    without_scope_info: bool = False,
    target_info_enabled: bool = True,
    without_target_info: bool = False,
    resource_constant_labels: Mapping[str, Any] | None = None,
    with_resource_constant_labels: Mapping[str, Any] | None = None,
    translation_strategy: str = "underscore_escaping_with_suffixes",
) -> Any:
    """What is called ``without_…`` and ``with_…`` here, releases of the schema up to 1.0 have."""
    from vedette.exporter.prometheus import PrometheusMetricReader, TranslationStrategy
    from vedette.prometheus import start_http_server

    labels = resource_constant_labels or with_resource_constant_labels
    start_http_server(port=port, addr=host)
    return PrometheusMetricReader(
        disable_target_info=without_target_info or not target_info_enabled,
        scope_info_enabled=scope_info_enabled and not without_scope_info,
        resource_attribute_filter=_filter(labels) if labels else None,
        translation_strategy=TranslationStrategy(_python(translation_strategy)),
        **more,
    )


def _instrument_kinds() -> dict[str, type]:
    from vedette.sdk import metrics

    return {
        "counter": metrics.Counter,
        "gauge": metrics._Gauge,
        "histogram": metrics.Histogram,
        "observable_counter": metrics.ObservableCounter,
        "observable_gauge": metrics.ObservableGauge,
        "observable_up_down_counter": metrics.ObservableUpDownCounter,
        "up_down_counter": metrics.UpDownCounter,
    }


def _view(model: Mapping[str, Any]) -> Any:
    from vedette.sdk.metrics import view

    selector, stream = model["selector"] or {}, model["stream"] or {}
    arguments: dict[str, Any] = {
        "instrument_type": _instrument_kinds().get(selector.get("instrument_type") or ""),
        "instrument_name": selector.get("instrument_name"),
        "instrument_unit": selector.get("unit"),
        "meter_name": selector.get("meter_name"),
        "meter_version": selector.get("meter_version"),
        "meter_schema_url": selector.get("meter_schema_url"),
        "name": stream.get("name"),
        "description": stream.get("description"),
        "aggregation": _aggregation(stream["aggregation"]) if stream.get("aggregation") else None,
        "aggregation_cardinality_limit": stream.get("aggregation_cardinality_limit"),
    }
    keys = stream.get("attribute_keys") or {}
    if keys.get("included") is not None:
        arguments["attribute_keys"] = set(keys["included"])
    if keys.get("excluded") is not None:
        arguments["excluded_attribute_keys"] = set(keys["excluded"])
    return view.View(**{k: v for k, v in arguments.items() if v is not None})


def _aggregation(component: Component) -> Any:
    from vedette.sdk.metrics import view

    def exponential(max_scale: int = 20, max_size: int = 160, record_min_max: bool = True) -> Any:
        return view.ExponentialBucketHistogramAggregation(max_size=max_size, max_scale=max_scale)

    return _make(
        component,
        {
            "default": view.DefaultAggregation,
            "drop": view.DropAggregation,
            "sum": view.SumAggregation,
            "last_value": view.LastValueAggregation,
            "explicit_bucket_histogram": view.ExplicitBucketHistogramAggregation,
            "base2_exponential_bucket_histogram": exponential,
        },
    )


# Logs


def _logger_provider(model: Mapping[str, Any], resource: Any) -> Any:
    settings = model.get("logger_provider")
    if settings is None:
        return None
    from vedette.sdk._logs import LoggerProvider, LogRecordLimits
    from vedette.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor

    def batch(exporter: Component, **more: Any) -> Any:
        return BatchLogRecordProcessor(_exporter(exporter, "logs"), **_batch(more))

    def simple(exporter: Component) -> Any:
        return SimpleLogRecordProcessor(_exporter(exporter, "logs"))

    common, limits = model.get("attribute_limits") or {}, settings.get("limits") or {}
    merged = {**common, **{name: value for name, value in limits.items() if value is not None}}
    length = merged.get("attribute_value_length_limit")
    provider = LoggerProvider(
        resource=resource,
        log_record_limits=LogRecordLimits(
            max_attributes=merged.get("attribute_count_limit", 128),
            max_attribute_length=LogRecordLimits.UNSET if length is None else length,
        ),
    )
    for component in settings["processors"] or ():
        provider.add_log_record_processor(_make(component, {"batch": batch, "simple": simple}))
    return provider


# Propagation


def _propagator(model: Mapping[str, Any] | None) -> Any:
    if model is None:
        return None
    from opentelemetry.propagators.composite import CompositePropagator

    components = list(model.get("composite") or ())
    named = {component.name for component in components if component is not None}
    for name in filter(
        None, (part.strip() for part in (model.get("composite_list") or "").split(","))
    ):
        if name != "none" and name not in named:
            components.append(
                Component("TextMapPropagator", name, {}, f"propagator.composite_list: {name}")
            )
    return CompositePropagator(
        [_plugin(component) for component in components if component is not None]
    )
