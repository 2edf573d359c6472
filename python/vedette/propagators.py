"""Propagators of the formats that came before W3C Trace Context: B3 (Zipkin), Jaeger, OpenTracing.

``OTEL_PROPAGATORS`` takes them by the names ``b3``, ``b3multi``, ``jaeger`` and ``ottrace``. What a carrier holds and is not
understood is as if it were not there. Specification: "Propagators API", "B3 Requirements"; Jaeger's client libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import (
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import SpanContext, TraceFlags

_TRACE_ID = re.compile(r"(?=.*[1-9a-fA-F])([0-9a-fA-F]{16}|[0-9a-fA-F]{32})")
_SPAN_ID = re.compile(r"(?=.*[1-9a-fA-F])[0-9a-fA-F]{16}")


def _first(getter: Getter[Any], carrier: Any, key: str) -> str | None:
    values = getter.get(carrier, key)
    if isinstance(values, str):
        return values
    return next(iter(values), None) if values else None


def _with_remote(context: Context | None, trace_id: str | None, span_id: str | None,
                 sampled: bool) -> Context:  # fmt: skip
    context = context if context is not None else Context()
    if not (trace_id and span_id and _TRACE_ID.fullmatch(trace_id) and _SPAN_ID.fullmatch(span_id)):
        return context
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    parent = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), context)


def _current(context: Context | None) -> SpanContext | None:
    parent = trace.get_current_span(context).get_span_context()
    return parent if parent.is_valid else None


class B3MultiFormat(TextMapPropagator):
    """Reads B3 in one header or in several; writes several: ``x-b3-traceid``, ``-spanid``, ``-sampled``."""

    SINGLE_HEADER_KEY = "b3"
    TRACE_ID_KEY = "x-b3-traceid"
    SPAN_ID_KEY = "x-b3-spanid"
    SAMPLED_KEY = "x-b3-sampled"
    FLAGS_KEY = "x-b3-flags"

    def extract(self, carrier: Any, context: Context | None = None,
                getter: Getter[Any] = default_getter) -> Context:  # fmt: skip
        single = _first(getter, carrier, self.SINGLE_HEADER_KEY)
        if single:
            trace_id, _, rest = single.partition("-")
            span_id, _, rest = rest.partition("-")
            sampled = rest.partition("-")[0]
            return _with_remote(context, trace_id, span_id, sampled in ("1", "d", "true"))
        sampled = _first(getter, carrier, self.SAMPLED_KEY) or ""
        return _with_remote(
            context,
            _first(getter, carrier, self.TRACE_ID_KEY),
            _first(getter, carrier, self.SPAN_ID_KEY),
            sampled.lower() in ("1", "d", "true") or _first(getter, carrier, self.FLAGS_KEY) == "1",
        )

    def inject(self, carrier: Any, context: Context | None = None,
               setter: Setter[Any] = default_setter) -> None:  # fmt: skip
        parent = _current(context)
        if parent is not None:
            setter.set(carrier, self.TRACE_ID_KEY, format(parent.trace_id, "032x"))
            setter.set(carrier, self.SPAN_ID_KEY, format(parent.span_id, "016x"))
            setter.set(carrier, self.SAMPLED_KEY, "1" if parent.trace_flags.sampled else "0")

    @property
    def fields(self) -> set[str]:
        return {self.TRACE_ID_KEY, self.SPAN_ID_KEY, self.SAMPLED_KEY}


class B3SingleFormat(B3MultiFormat):
    """As B3MultiFormat; writes the one header ``b3``."""

    def inject(self, carrier: Any, context: Context | None = None,
               setter: Setter[Any] = default_setter) -> None:  # fmt: skip
        parent = _current(context)
        if parent is not None:
            sampled = "1" if parent.trace_flags.sampled else "0"
            value = f"{parent.trace_id:032x}-{parent.span_id:016x}-{sampled}"
            setter.set(carrier, self.SINGLE_HEADER_KEY, value)

    @property
    def fields(self) -> set[str]:
        return {self.SINGLE_HEADER_KEY}


class JaegerPropagator(TextMapPropagator):
    """``uber-trace-id: TRACE:SPAN:PARENT:FLAGS``, baggage as ``uberctx-KEY``."""

    TRACE_ID_HEADER = "uber-trace-id"
    BAGGAGE_PREFIX = "uberctx-"

    def extract(self, carrier: Any, context: Context | None = None,
                getter: Getter[Any] = default_getter) -> Context:  # fmt: skip
        context = _with_baggage(context, carrier, getter, self.BAGGAGE_PREFIX)
        parts = unquote(_first(getter, carrier, self.TRACE_ID_HEADER) or "").split(":")
        if len(parts) != 4 or not re.fullmatch(r"[0-9a-fA-F]{1,2}", parts[3]):
            return context
        # Leading zeros may be missing.
        trace_id = parts[0].zfill(16 if len(parts[0]) <= 16 else 32)
        return _with_remote(context, trace_id, parts[1].zfill(16), bool(int(parts[3], 16) & 1))

    def inject(self, carrier: Any, context: Context | None = None,
               setter: Setter[Any] = default_setter) -> None:  # fmt: skip
        parent = _current(context)
        if parent is None:
            return
        sampled = "01" if parent.trace_flags.sampled else "00"
        value = f"{parent.trace_id:032x}:{parent.span_id:016x}:0:{sampled}"
        setter.set(carrier, self.TRACE_ID_HEADER, value)
        for key, entry in baggage.get_all(context).items():
            setter.set(carrier, self.BAGGAGE_PREFIX + key, quote(str(entry)))

    @property
    def fields(self) -> set[str]:
        return {self.TRACE_ID_HEADER}


class OTTracePropagator(TextMapPropagator):
    """OpenTracing's basic tracers: ``ot-tracer-traceid`` of 64 bits, ``-spanid``, ``-sampled``; ``ot-baggage-KEY``."""

    TRACE_ID_HEADER = "ot-tracer-traceid"
    SPAN_ID_HEADER = "ot-tracer-spanid"
    SAMPLED_HEADER = "ot-tracer-sampled"
    BAGGAGE_PREFIX = "ot-baggage-"

    def extract(self, carrier: Any, context: Context | None = None,
                getter: Getter[Any] = default_getter) -> Context:  # fmt: skip
        trace_id = _first(getter, carrier, self.TRACE_ID_HEADER)
        span_id = _first(getter, carrier, self.SPAN_ID_HEADER)
        sampled = (_first(getter, carrier, self.SAMPLED_HEADER) or "").lower() == "true"
        context = _with_remote(context, trace_id, span_id, sampled)
        if _current(context) is None:
            return context
        return _with_baggage(context, carrier, getter, self.BAGGAGE_PREFIX)

    def inject(self, carrier: Any, context: Context | None = None,
               setter: Setter[Any] = default_setter) -> None:  # fmt: skip
        parent = _current(context)
        if parent is None:
            return
        setter.set(carrier, self.TRACE_ID_HEADER, format(parent.trace_id & (2**64 - 1), "016x"))
        setter.set(carrier, self.SPAN_ID_HEADER, format(parent.span_id, "016x"))
        setter.set(carrier, self.SAMPLED_HEADER, str(parent.trace_flags.sampled).lower())
        for key, entry in baggage.get_all(context).items():
            if re.fullmatch(r"[-0-9A-Za-z_!#$%&'*+.^`|~]+", key):
                setter.set(carrier, self.BAGGAGE_PREFIX + key, quote(str(entry)))

    @property
    def fields(self) -> set[str]:
        return {self.TRACE_ID_HEADER, self.SPAN_ID_HEADER, self.SAMPLED_HEADER}


def _with_baggage(
    context: Context | None, carrier: Any, getter: Getter[Any], prefix: str
) -> Context:
    context = context if context is not None else Context()
    keys: Iterable[str] = getter.keys(carrier)
    for key in keys:
        if key.lower().startswith(prefix) and len(key) > len(prefix):
            value = _first(getter, carrier, key)
            if value is not None:
                context = baggage.set_baggage(key[len(prefix) :], unquote(value), context)
    return context
