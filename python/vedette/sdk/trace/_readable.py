"""What becomes of a span once it is read: ReadableSpan and its parts, made of the native span when asked for."""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from time import time_ns
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry import trace as trace_api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.util import types

from vedette import _native
from vedette.sdk import util
from vedette.sdk.util import BoundedList
from vedette.sdk.util.instrumentation import InstrumentationInfo, InstrumentationScope

if TYPE_CHECKING:
    from vedette.sdk.resources import Resource


class EventBase(abc.ABC):
    """Something that happened at a moment. ``timestamp``: nanoseconds since 1970; now if it is not given."""

    def __init__(self, name: str, timestamp: int | None = None) -> None:
        self._name = name
        self._timestamp = time_ns() if timestamp is None else timestamp

    @property
    def name(self) -> str:
        return self._name

    @property
    def timestamp(self) -> int:
        return self._timestamp

    @property
    @abc.abstractmethod
    def attributes(self) -> types.Attributes: ...


class Event(EventBase):
    """An event of a span."""

    def __init__(
        self,
        name: str,
        attributes: types.Attributes = None,
        timestamp: int | None = None,
        limit: int | None = 128,
    ) -> None:
        super().__init__(name, timestamp)
        self._attributes = attributes

    @property
    def attributes(self) -> types.Attributes:
        return self._attributes

    @property
    def dropped_attributes(self) -> int:
        return getattr(self._attributes, "dropped", 0)

    def __repr__(self) -> str:
        return f"Event({self._name!r}, {dict(self._attributes or {})!r}, {self._timestamp})"


class ReadableSpan(metaclass=abc.ABCMeta):  # noqa: B024 (the native span is registered)
    """A span to be read: what processors get when it ends, and exporters. The live native span is one, too."""

    def __init__(
        self,
        name: str,
        context: SpanContext | None = None,
        parent: SpanContext | None = None,
        resource: Resource | None = None,
        attributes: types.Attributes = None,
        events: Sequence[Event] = (),
        links: Sequence[Link] = (),
        kind: SpanKind = SpanKind.INTERNAL,
        instrumentation_info: InstrumentationInfo | None = None,
        status: Status = Status(StatusCode.UNSET),  # noqa: B008 (upstream's signature)
        start_time: int | None = None,
        end_time: int | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
    ) -> None:
        if resource is None:
            from vedette.sdk.resources import Resource

            resource = Resource.create({})
        self._name = name
        self._context = context
        self._kind = kind
        self._instrumentation_info = instrumentation_info
        self._instrumentation_scope = instrumentation_scope
        self._parent = parent
        self._start_time = start_time
        self._end_time = end_time
        self._attributes = attributes
        self._events = events
        self._links = links
        self._resource = resource
        self._status = status

    @property
    def dropped_attributes(self) -> int:
        return getattr(self._attributes, "dropped", 0)

    @property
    def dropped_events(self) -> int:
        return getattr(self._events, "dropped", 0)

    @property
    def dropped_links(self) -> int:
        return getattr(self._links, "dropped", 0)

    @property
    def name(self) -> str:
        return self._name

    def get_span_context(self) -> SpanContext | None:
        return self._context

    @property
    def context(self) -> SpanContext | None:
        return self._context

    @property
    def kind(self) -> SpanKind:
        return self._kind

    @property
    def parent(self) -> SpanContext | None:
        return self._parent

    @property
    def start_time(self) -> int | None:
        """Nanoseconds since 1970."""
        return self._start_time

    @property
    def end_time(self) -> int | None:
        """Nanoseconds since 1970; ``None`` while it lasts."""
        return self._end_time

    @property
    def status(self) -> Status:
        return self._status

    @property
    def attributes(self) -> types.Attributes:
        return MappingProxyType(self._attributes or {})

    @property
    def events(self) -> Sequence[Event]:
        return tuple(self._events)

    @property
    def links(self) -> Sequence[Link]:
        return tuple(self._links)

    @property
    def resource(self) -> Resource:
        return self._resource

    @property
    def instrumentation_info(self) -> InstrumentationInfo | None:
        if self._instrumentation_info is None and self._instrumentation_scope is not None:
            return _info_of(self._instrumentation_scope)
        return self._instrumentation_info

    @property
    def instrumentation_scope(self) -> InstrumentationScope | None:
        return self._instrumentation_scope

    def to_json(self, indent: int | None = 4) -> str:
        status = {"status_code": self._status.status_code.name}
        if self._status.description:
            status["description"] = self._status.description
        span = {
            "name": self._name,
            "context": self._format_context(self._context) if self._context else None,
            "kind": str(self.kind),
            "parent_id": (
                f"0x{trace_api.format_span_id(self.parent.span_id)}" if self.parent else None
            ),
            "start_time": util.ns_to_iso_str(self._start_time) if self._start_time else None,
            "end_time": util.ns_to_iso_str(self._end_time) if self._end_time else None,
            "status": status,
            "attributes": self._format_attributes(self._attributes),
            "events": self._format_events(self._events),
            "links": self._format_links(self._links),
            "resource": json.loads(self.resource.to_json()),
        }
        return json.dumps(span, indent=indent, default=_json_default)

    @staticmethod
    def _format_context(context: SpanContext) -> dict[str, str]:
        return {
            "trace_id": f"0x{trace_api.format_trace_id(context.trace_id)}",
            "span_id": f"0x{trace_api.format_span_id(context.span_id)}",
            "trace_state": repr(context.trace_state),
        }

    @staticmethod
    def _format_attributes(attributes: types.Attributes) -> Mapping[str, Any] | None:
        return None if attributes is None else dict(attributes)

    @staticmethod
    def _format_events(events: Sequence[Event]) -> list[dict[str, Any]]:
        return [
            {
                "name": event.name,
                "timestamp": util.ns_to_iso_str(event.timestamp),
                "attributes": ReadableSpan._format_attributes(event.attributes),
            }
            for event in events
        ]

    @staticmethod
    def _format_links(links: Sequence[Link]) -> list[dict[str, Any]]:
        return [
            {
                "context": ReadableSpan._format_context(link.context),
                "attributes": ReadableSpan._format_attributes(link.attributes),
            }
            for link in links
        ]


ReadableSpan.register(_native.SpanBase)

# They are imported from there.
for _public in (EventBase, Event, ReadableSpan):
    _public.__module__ = "vedette.sdk.trace"


def _json_default(value: object) -> str:
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)


def _info_of(scope: InstrumentationScope) -> InstrumentationInfo:
    return InstrumentationInfo(scope.name, scope.version, scope.schema_url)


# ---- called by the native span ----


def snapshot(span: Any) -> ReadableSpan:
    """The native span as it is now. Keeps nothing of it but immutable objects."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_bounded(span.attributes, span.dropped_attributes),
        events=_list(events(span), span.dropped_events),
        links=_list(links(span), span.dropped_links),
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def events(span: Any) -> tuple[Event, ...]:
    return tuple(
        Event(name, _bounded(attributes, dropped), timestamp)
        for name, timestamp, attributes, dropped in span._raw_events()
    )


def links(span: Any) -> tuple[Link, ...]:
    found = []
    for trace_id, span_id, is_remote, flags, state, attributes, dropped in span._raw_links():
        context = SpanContext(
            trace_id,
            span_id,
            is_remote,
            TraceFlags(flags),
            TraceState.from_header([state]) if state else None,
        )
        found.append(Link(context, _bounded(attributes, dropped)))
    return tuple(found)


def instrumentation_info(recorder: Any) -> InstrumentationInfo:
    return _info_of(recorder.instrumentation_scope)


def _bounded(attributes: Mapping[str, Any], dropped: int) -> BoundedAttributes:
    bounded = BoundedAttributes(attributes=attributes, immutable=True)
    bounded.dropped = dropped
    return bounded


def _list(items: tuple[Any, ...], dropped: int) -> BoundedList:
    bounded = BoundedList.from_seq(None, items)
    bounded.dropped = dropped
    return bounded
