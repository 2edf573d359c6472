"""The schema of a configuration file, and what a file becomes: dicts, lists and scalars that are known to be right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class ConfigurationError(ValueError):
    """Everything that is wrong with a file, one ``FILE:LINE:COLUMN: key: message`` a line."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Component(NamedTuple):
    """An exporter, a sampler, …: ``name`` says which, ``properties`` how. ``group`` is the kind of component:
    ``"SpanExporter"``."""

    group: str
    name: str
    properties: Mapping[str, Any]
    where: str


class Scalar(NamedTuple):
    """``kind``: string, integer, number, boolean or any. Null is allowed, and is ``None``."""

    kind: str = "string"
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()


class ListOf(NamedTuple):
    items: Any
    at_least: int = 1


class Map(NamedTuple):
    """``keys`` names what may be in it; ``open``: anything may."""

    keys: Mapping[str, Any]
    required: tuple[str, ...] = ()
    open: bool = False


class OneOf(NamedTuple):
    """A mapping with one key, which names a component. Other names are plug-ins', unless ``closed``."""

    group: str
    keys: Mapping[str, Any]
    closed: bool = False


TEXT = Scalar()
FLAG = Scalar("boolean")
COUNT = Scalar("integer", 0)
SIZE = Scalar("integer", 1)
RATIO = Scalar("number", 0, 1)
NOTHING = Map({})
ANYTHING = Scalar("any")
PLUGIN = Map({}, open=True)

_NAME_VALUE = Map({"name": TEXT, "value": TEXT}, ("name", "value"))
_INCLUDE = Map({"included": ListOf(TEXT), "excluded": ListOf(TEXT)})
_TLS = {"ca_file": TEXT, "key_file": TEXT, "cert_file": TEXT}
_OTLP = {
    "endpoint": TEXT,
    "headers": ListOf(_NAME_VALUE),
    "headers_list": TEXT,
    "compression": Scalar(choices=("gzip", "none")),
    "timeout": COUNT,
}
_OTLP_HTTP = {**_OTLP, "tls": Map(_TLS), "encoding": Scalar(choices=("protobuf", "json"))}
_OTLP_GRPC = {**_OTLP, "tls": Map({**_TLS, "insecure": FLAG})}
_FOR_METRICS = {
    "temporality_preference": Scalar(choices=("cumulative", "delta", "low_memory")),
    "default_histogram_aggregation": Scalar(
        choices=("explicit_bucket_histogram", "base2_exponential_bucket_histogram")
    ),
}


def _exporters(group: str, more: Mapping[str, Any]) -> OneOf:
    return OneOf(
        group,
        {
            "otlp_http": Map({**_OTLP_HTTP, **more}),
            "otlp_grpc": Map({**_OTLP_GRPC, **more}),
            "otlp_file/development": Map({"output_stream": TEXT, **more}),
            "console": Map(more),
        },
    )


def _processors(group: str, exporter: OneOf) -> OneOf:
    batch = {
        "schedule_delay": COUNT,
        "export_timeout": COUNT,
        "max_queue_size": SIZE,
        "max_export_batch_size": SIZE,
        "exporter": exporter,
    }
    return OneOf(
        group,
        {
            "batch": Map(batch, ("exporter",)),
            "simple": Map({"exporter": exporter}, ("exporter",)),
        },
    )


def _sampler() -> OneOf:
    keys: dict[str, Any] = {
        "always_on": NOTHING,
        "always_off": NOTHING,
        "trace_id_ratio_based": Map({"ratio": RATIO}),
        "probability/development": Map({"ratio": RATIO}),
    }
    sampler = OneOf("Sampler", keys)
    branches = ("root", "remote_parent_sampled", "remote_parent_not_sampled",
                "local_parent_sampled", "local_parent_not_sampled")  # fmt: skip
    keys["parent_based"] = Map(dict.fromkeys(branches, sampler))
    return sampler


_LIMITS = {"attribute_value_length_limit": COUNT, "attribute_count_limit": COUNT}
_INSTRUMENTS = ("counter", "gauge", "histogram", "observable_counter", "observable_gauge",
                "observable_up_down_counter", "up_down_counter")  # fmt: skip
_CARDINALITY = Map(dict.fromkeys(("default", *_INSTRUMENTS), SIZE))

_AGGREGATION = OneOf(
    "Aggregation",
    {
        "default": NOTHING,
        "drop": NOTHING,
        "sum": NOTHING,
        "last_value": NOTHING,
        "explicit_bucket_histogram": Map(
            {"boundaries": ListOf(Scalar("number"), 0), "record_min_max": FLAG}
        ),
        "base2_exponential_bucket_histogram": Map(
            {
                "max_scale": Scalar("integer", -10, 20),
                "max_size": Scalar("integer", 2),
                "record_min_max": FLAG,
            }
        ),
    },
    closed=True,
)

_READER = OneOf(
    "MetricReader",
    {
        "periodic": Map(
            {
                "interval": COUNT,
                "timeout": COUNT,
                "exporter": _exporters("PushMetricExporter", _FOR_METRICS),
                "cardinality_limits": _CARDINALITY,
            },
            ("exporter",),
        ),
        "pull": Map(
            {
                "exporter": OneOf(
                    "PullMetricExporter",
                    {
                        "prometheus/development": Map(
                            {
                                "host": TEXT,
                                "port": Scalar("integer", 0, 65535),
                                "scope_info_enabled": FLAG,
                                "without_scope_info": FLAG,
                                "target_info_enabled/development": FLAG,
                                "without_target_info/development": FLAG,
                                "resource_constant_labels": _INCLUDE,
                                "with_resource_constant_labels": _INCLUDE,
                                "translation_strategy": Scalar(
                                    choices=(
                                        "underscore_escaping_with_suffixes",
                                        "underscore_escaping_without_suffixes/development",
                                        "no_utf8_escaping_with_suffixes/development",
                                        "no_translation/development",
                                    )
                                ),
                            }
                        )
                    },
                ),
                "cardinality_limits": _CARDINALITY,
            },
            ("exporter",),
        ),
    },
    closed=True,
)

_VIEW = Map(
    {
        "selector": Map(
            {
                "instrument_name": TEXT,
                "instrument_type": Scalar(choices=_INSTRUMENTS),
                "unit": TEXT,
                "meter_name": TEXT,
                "meter_version": TEXT,
                "meter_schema_url": TEXT,
            }
        ),
        "stream": Map(
            {
                "name": TEXT,
                "description": TEXT,
                "aggregation": _AGGREGATION,
                "aggregation_cardinality_limit": SIZE,
                "attribute_keys": _INCLUDE,
            }
        ),
    },
    ("selector", "stream"),
)

_SEVERITIES = tuple(
    f"{name}{number}"
    for name in ("trace", "debug", "info", "warn", "error", "fatal")
    for number in ("", "2", "3", "4")
)

FILE = Map(
    {
        "file_format": TEXT,
        "disabled": FLAG,
        "log_level": Scalar(choices=_SEVERITIES),
        "attribute_limits": Map(_LIMITS),
        "resource": Map(
            {
                "attributes": ListOf(
                    Map(
                        {
                            "name": TEXT,
                            "value": ANYTHING,
                            "type": Scalar(
                                choices=("string", "bool", "int", "double", "string_array",
                                         "bool_array", "int_array", "double_array")
                            ),
                        },
                        ("name", "value"),
                    )
                ),
                "attributes_list": TEXT,
                "schema_url": TEXT,
                "detection/development": Map(
                    {
                        "attributes": _INCLUDE,
                        "detectors": ListOf(
                            OneOf(
                                "ResourceDetector",
                                dict.fromkeys(("container", "host", "process", "service"), NOTHING),
                            )
                        ),
                    }
                ),
            }
        ),
        "propagator": Map(
            {
                "composite": ListOf(
                    OneOf(
                        "TextMapPropagator",
                        dict.fromkeys(("tracecontext", "baggage", "b3", "b3multi"), NOTHING),
                    )
                ),
                "composite_list": TEXT,
            }
        ),
        "tracer_provider": Map(
            {
                "processors": ListOf(_processors("SpanProcessor", _exporters("SpanExporter", {}))),
                "limits": Map(
                    {
                        **_LIMITS,
                        "event_count_limit": COUNT,
                        "link_count_limit": COUNT,
                        "event_attribute_count_limit": COUNT,
                        "link_attribute_count_limit": COUNT,
                    }
                ),
                "sampler": _sampler(),
                "id_generator": OneOf("IdGenerator", {"random": NOTHING}),
            },
            ("processors",),
        ),
        "meter_provider": Map(
            {
                "readers": ListOf(_READER),
                "views": ListOf(_VIEW),
                "exemplar_filter": Scalar(choices=("always_on", "always_off", "trace_based")),
                "view_matching_mode/development": Scalar(choices=("independent", "composable")),
            },
            ("readers",),
        ),
        "logger_provider": Map(
            {
                "processors": ListOf(
                    _processors("LogRecordProcessor", _exporters("LogRecordExporter", {}))
                ),
                "limits": Map(_LIMITS),
            },
            ("processors",),
        ),
        # Of other programs and languages; nothing in it concerns us.
        "instrumentation/development": PLUGIN,
        "distribution": PLUGIN,
    },
    ("file_format",),
)  # fmt: skip
