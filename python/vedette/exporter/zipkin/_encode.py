"""Spans as Zipkin has them: version 2's JSON, from which version 1's and protobuf (zipkin.proto) are made.

Times are whole microseconds. Attributes, those of the resource too, become tags, which are text; status, scope and
what was dropped become tags as the specification names them; events become annotations.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    SpanKind,
    StatusCode,
    format_span_id,
    format_trace_id,
)

from vedette.sdk.resources import SERVICE_NAME
from vedette.sdk.trace import ReadableSpan

Address = str | int | None


class LocalNode:
    """Where the spans come from, besides the service's name."""

    def __init__(self, ipv4: Address, ipv6: Address, port: int | None) -> None:
        self.ipv4 = None if ipv4 is None else ipaddress.IPv4Address(ipv4)
        self.ipv6 = None if ipv6 is None else ipaddress.IPv6Address(ipv6)
        self.port = port

    def endpoint(self, span: ReadableSpan) -> dict[str, Any]:
        name = span.resource.attributes.get(SERVICE_NAME) or "unknown_service"
        found = {"serviceName": str(name), "ipv4": self.ipv4, "ipv6": self.ipv6, "port": self.port}
        return {
            key: value if isinstance(value, int) else str(value)
            for key, value in found.items()
            if value is not None
        }


def _micros(nanoseconds: int) -> int:
    return (nanoseconds + 500) // 1000


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float, str)) else None


def _list_text(values: Iterable[Any], length_max: int | None) -> str:
    """A JSON list of texts, ended before the first that would make it too long."""
    kept: list[str | None] = []
    for value in values:
        text = _scalar(value)
        if text is None and value is not None:
            continue
        if length_max and len(_compact([*kept, text])) > length_max:
            break
        kept.append(text)
    return _compact(kept)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _tags(attributes: Mapping[str, Any] | None, length_max: int | None) -> dict[str, str]:
    tags = {}
    for key, value in (attributes or {}).items():
        text = _scalar(value)
        if text is None and isinstance(value, Sequence) and not isinstance(value, bytes):
            text = _list_text(value, length_max)
        if text is not None:  # maps and bytes are nothing that a tag can hold
            tags[key] = text[:length_max] if length_max else text
    return tags


def _all_tags(span: ReadableSpan, length_max: int | None) -> dict[str, str]:
    tags = _tags(span.attributes, length_max)
    tags.update(_tags(span.resource.attributes, length_max))
    if (scope := span.instrumentation_scope) is not None:
        for prefix in ("otel.library", "otel.scope"):
            tags[f"{prefix}.name"] = scope.name
            tags[f"{prefix}.version"] = scope.version or ""
    if span.status.status_code is not StatusCode.UNSET:
        tags["otel.status_code"] = span.status.status_code.name
    if span.status.status_code is StatusCode.ERROR:
        tags["error"] = span.status.description or ""
    for what in ("attributes", "events", "links"):
        if dropped := getattr(span, f"dropped_{what}"):
            tags[f"otel.dropped_{what}_count"] = str(dropped)
    return tags


def _annotations(span: ReadableSpan, length_max: int | None) -> list[dict[str, Any]]:
    def cut(value: Any) -> Any:
        return value[:length_max] if length_max and isinstance(value, str) else value

    return [
        {
            "timestamp": _micros(event.timestamp),
            "value": json.dumps(
                {event.name: {k: cut(v) for k, v in (event.attributes or {}).items()}},
                sort_keys=True,
                default=str,
            ),
        }
        for event in span.events
    ]


def version_2(span: ReadableSpan, node: LocalNode, length_max: int | None) -> dict[str, Any]:
    context = span.context or INVALID_SPAN_CONTEXT
    found: dict[str, Any] = {
        "traceId": format_trace_id(context.trace_id),
        "id": format_span_id(context.span_id),
        "name": span.name,
        "timestamp": _micros(span.start_time or 0),
        "duration": _micros((span.end_time or 0) - (span.start_time or 0)),
        "localEndpoint": node.endpoint(span),
        "kind": None if span.kind is SpanKind.INTERNAL else span.kind.name,
        "tags": _all_tags(span, length_max),
        "annotations": _annotations(span, length_max),
        "debug": context.trace_flags.sampled,
        "parentId": format_span_id(span.parent.span_id) if span.parent else None,
    }
    return {key: value for key, value in found.items() if value or key in ("duration", "name")}


def version_1(span: ReadableSpan, node: LocalNode, length_max: int | None) -> dict[str, Any]:
    found = version_2(span, node, length_max)
    endpoint = found.pop("localEndpoint")
    found.pop("kind", None)
    found["binaryAnnotations"] = [
        {"key": key, "value": value, "endpoint": endpoint}
        for key, value in found.pop("tags", {}).items()
    ]
    for annotation in found.get("annotations", ()):
        annotation["endpoint"] = endpoint
    return {key: value for key, value in found.items() if value or key in ("duration", "name")}


def json_encoder(
    version: Callable[..., dict[str, Any]],
) -> Callable[[Sequence[ReadableSpan], LocalNode, int | None], bytes]:
    def encode(spans: Sequence[ReadableSpan], node: LocalNode, length_max: int | None) -> bytes:
        return json.dumps([version(span, node, length_max) for span in spans]).encode()

    return encode


# ---- protobuf: zipkin.proto, proto3 ----

_KINDS = {"CLIENT": 1, "SERVER": 2, "PRODUCER": 3, "CONSUMER": 4}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data if data else b""


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _fixed64(field: int, value: int) -> bytes:
    return _varint(field << 3 | 1) + value.to_bytes(8, "little") if value else b""


def protobuf(spans: Sequence[ReadableSpan], node: LocalNode, length_max: int | None) -> bytes:
    """A ListOfSpans."""
    return b"".join(_bytes(1, _span(version_2(span, node, length_max), node)) for span in spans)


def _span(span: Mapping[str, Any], node: LocalNode) -> bytes:
    endpoint = _bytes(1, span["localEndpoint"]["serviceName"])
    endpoint += _bytes(2, node.ipv4.packed if node.ipv4 else b"")
    endpoint += _bytes(3, node.ipv6.packed if node.ipv6 else b"")
    endpoint += _number(4, node.port or 0)
    parts = [
        _bytes(1, bytes.fromhex(span["traceId"])),
        _bytes(2, bytes.fromhex(span.get("parentId", ""))),
        _bytes(3, bytes.fromhex(span["id"])),
        _number(4, _KINDS.get(span.get("kind", ""), 0)),
        _bytes(5, span["name"]),
        _fixed64(6, span["timestamp"]),
        _number(7, span["duration"]),
        _bytes(8, endpoint),
    ]
    for annotation in span.get("annotations", ()):
        parts.append(
            _bytes(10, _fixed64(1, annotation["timestamp"]) + _bytes(2, annotation["value"]))
        )
    for key, value in span.get("tags", {}).items():
        parts.append(_bytes(11, _bytes(1, key) + _bytes(2, value)))
    parts.append(_number(12, int(span.get("debug", False))))
    return b"".join(parts)
