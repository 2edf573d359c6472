"""Log records as processors and exporters see them, and what they may hold."""

from __future__ import annotations

import base64
import json
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import format_span_id, format_trace_id

from vedette._env import limit
from vedette.sdk.resources import Resource
from vedette.sdk.util import ns_to_iso_str
from vedette.sdk.util.instrumentation import InstrumentationScope


class LogRecordDroppedAttributesWarning(UserWarning):
    """Attributes were dropped because there were more than the limit; shown once."""


class LogDroppedAttributesWarning(LogRecordDroppedAttributesWarning):
    """The former name."""


warnings.simplefilter("once", LogRecordDroppedAttributesWarning)


class LogRecordLimits:
    """How many attributes a record may have, and how long (in characters) their values may be. ``None`` takes the
    environment's value or the default; ``UNSET`` is no limit; so is a variable that says ``unset`` (specification: common,
    "Attribute Limits"). Raises ValueError for what is no number of 0 or more."""

    UNSET = -1

    def __init__(
        self,
        max_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_log_record_attributes: int | None = None,
        max_log_record_attribute_length: int | None = None,
    ) -> None:
        self.max_attributes = limit(max_attributes, "OTEL_ATTRIBUTE_COUNT_LIMIT", 128)
        self.max_attribute_length = limit(max_attribute_length, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
        self.max_log_record_attributes = limit(
            max_log_record_attributes, "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", self.max_attributes
        )
        self.max_log_record_attribute_length = limit(
            max_log_record_attribute_length,
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            self.max_attribute_length,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in vars(self).items())})"


class LogLimits(LogRecordLimits):
    """The former name."""


def _dropped(record: LogRecord) -> int:
    attributes = record.attributes
    return attributes.dropped if isinstance(attributes, BoundedAttributes) else 0


def _encode(value: Any) -> Any:
    """For json: bytes as base64, mappings and sequences of other kinds as plain ones."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


@dataclass(frozen=True)
class ReadableLogRecord:
    """A record on its way to an exporter."""

    log_record: LogRecord
    resource: Resource
    instrumentation_scope: InstrumentationScope | None = None
    limits: LogRecordLimits | None = None

    @property
    def dropped_attributes(self) -> int:
        return _dropped(self.log_record)

    def to_json(self, indent: int | None = 4) -> str:
        record = self.log_record
        severity, trace_id, span_id = record.severity_number, record.trace_id, record.span_id
        return json.dumps(
            {
                "body": record.body,
                "severity_number": None if severity is None else severity.value,
                "severity_text": record.severity_text,
                "attributes": dict(record.attributes) if record.attributes else None,
                "dropped_attributes": self.dropped_attributes,
                "timestamp": None if record.timestamp is None else ns_to_iso_str(record.timestamp),
                "observed_timestamp": ns_to_iso_str(record.observed_timestamp),
                "trace_id": "" if trace_id is None else f"0x{format_trace_id(trace_id)}",
                "span_id": "" if span_id is None else f"0x{format_span_id(span_id)}",
                "trace_flags": record.trace_flags,
                "resource": json.loads(self.resource.to_json()),
                "event_name": record.event_name or "",
            },
            indent=indent,
            default=_encode,
        )


@dataclass
class ReadWriteLogRecord:
    """A record on its way through the processors, which may change it. Its attributes are bounded."""

    log_record: LogRecord
    resource: Resource | None = None
    instrumentation_scope: InstrumentationScope | None = None
    limits: LogRecordLimits = field(default_factory=LogRecordLimits)

    def __post_init__(self) -> None:
        if self.resource is None:
            self.resource = Resource.create({})
        self.log_record.attributes = BoundedAttributes(
            maxlen=self.limits.max_log_record_attributes,
            attributes=self.log_record.attributes or None,
            immutable=False,
            max_value_len=self.limits.max_log_record_attribute_length,
        )
        if self.dropped_attributes > 0:
            warnings.warn(
                "Log record attributes were dropped due to limits",
                LogRecordDroppedAttributesWarning,
                stacklevel=2,
            )

    @property
    def dropped_attributes(self) -> int:
        return _dropped(self.log_record)


def with_exception(record: LogRecord) -> LogRecord:
    """A record like the given one, with what its exception says in its attributes; those given win."""
    exception = record.exception
    if exception is None:
        return record
    copied = LogRecord(
        timestamp=record.timestamp,
        observed_timestamp=record.observed_timestamp,
        context=record.context,
        severity_text=record.severity_text,
        severity_number=record.severity_number,
        body=record.body,
        attributes={**exception_attributes(exception), **(record.attributes or {})},
        event_name=record.event_name,
        exception=exception,
    )
    copied.trace_id, copied.span_id = record.trace_id, record.span_id
    copied.trace_flags = record.trace_flags
    return copied


def exception_attributes(exception: BaseException) -> dict[str, Any]:
    """``exception.type``, ``.message`` and ``.stacktrace`` (semantic conventions, "Exceptions in logs")."""
    kind = type(exception)
    module = "" if kind.__module__ in (None, "", "builtins") else f"{kind.__module__}."
    try:
        message = str(exception)
    except Exception:
        message = f"<{kind.__qualname__} str() failed>"
    return {
        "exception.type": f"{module}{kind.__qualname__}",
        "exception.message": message,
        "exception.stacktrace": "".join(traceback.format_exception(exception)),
    }
