"""Consistent probability sampling, from samplers that can be put
together (specification: trace/sdk.md, "CompositeSampler"; trace/tracestate-probability-sampling.md).

A composable sampler names a threshold; a span is sampled when the trace's 56 random bits reach it, and carries the
threshold in its trace state (``ot=th:…``) so that whoever counts spans knows how many it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from vedette.sdk.trace.sampling import Decision, Sampler, SamplingResult

_BITS = 56
MAX_THRESHOLD = 1 << _BITS  # nothing is sampled
MIN_THRESHOLD = 0  # everything is
INVALID_THRESHOLD = -1
_DIGITS = _BITS // 4
_STATE_KEY = "ot"
_STATE_LENGTH_MAX = 256


def _is_threshold(value: int) -> bool:
    return MIN_THRESHOLD <= value <= MAX_THRESHOLD


@dataclass(frozen=True)
class SamplingIntent:
    """What a composable sampler wants for a span."""

    threshold: int
    """The lower, the more is sampled; ``INVALID_THRESHOLD``: nothing."""
    threshold_reliable: bool = field(default=True)
    """Whether counts can be computed from it."""
    attributes: Attributes = field(default=None)
    """What a sampled span starts with besides."""
    update_trace_state: Callable[[TraceState], TraceState] = field(default=lambda state: state)


class ComposableSampler(Protocol):
    """A part of a consistent sampler."""

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> SamplingIntent: ...

    def get_description(self) -> str: ...


# ---- the trace state ----


@dataclass
class OtelTraceState:
    """The ``ot`` member of a trace state: threshold, explicit randomness, and what else is in it."""

    random_value: int
    threshold: int
    rest: Sequence[str]

    @classmethod
    def invalid(cls) -> OtelTraceState:
        return cls(-1, INVALID_THRESHOLD, ())

    @classmethod
    def parse(cls, trace_state: TraceState | None) -> OtelTraceState:
        text = trace_state.get(_STATE_KEY, "") if trace_state else ""
        found = cls.invalid()
        if not text or len(text) > _STATE_LENGTH_MAX:
            return found
        rest = []
        for member in text.split(";"):
            if member.startswith("th:"):
                found.threshold = _parse_threshold(member[3:])
            elif member.startswith("rv:"):
                found.random_value = _parse_random(member[3:])
            else:
                rest.append(member)
        found.rest = tuple(rest)
        return found

    def serialize(self) -> str:
        parts = []
        if _is_threshold(self.threshold) and self.threshold != MAX_THRESHOLD:
            parts.append(f"th:{_format_threshold(self.threshold)}")
        if 0 <= self.random_value < MAX_THRESHOLD:
            parts.append(f"rv:{self.random_value:0{_DIGITS}x}")
        parts += self.rest
        while len(text := ";".join(parts)) > _STATE_LENGTH_MAX and len(parts) > 1:
            parts.pop()
        return text


def _hexadecimal(text: str) -> int:
    digits = all(c in "0123456789abcdefABCDEF" for c in text)
    return int(text, 16) if text and digits else -1


def _parse_threshold(text: str) -> int:
    """Trailing zeros are left out of it."""
    value = _hexadecimal(text) if len(text) <= _DIGITS else -1
    return value << 4 * (_DIGITS - len(text)) if value >= 0 else INVALID_THRESHOLD


def _parse_random(text: str) -> int:
    return _hexadecimal(text) if len(text) == _DIGITS else -1


def _format_threshold(threshold: int) -> str:
    return f"{threshold:0{_DIGITS}x}".rstrip("0") or "0"


# ---- composable samplers ----


class _Fixed:
    """The same intent always."""

    def __init__(self, intent: SamplingIntent, description: str) -> None:
        self._intent = intent
        self._description = description

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        return self._intent

    def get_description(self) -> str:
        return self._description


_NOTHING = SamplingIntent(INVALID_THRESHOLD, threshold_reliable=False)
_ALWAYS_OFF = _Fixed(_NOTHING, "ComposableAlwaysOff")
_ALWAYS_ON = _Fixed(SamplingIntent(MIN_THRESHOLD), "ComposableAlwaysOn")


def composable_always_off() -> ComposableSampler:
    """Nothing is sampled."""
    return _ALWAYS_OFF


def composable_always_on() -> ComposableSampler:
    """Everything is sampled."""
    return _ALWAYS_ON


def composable_traceid_ratio_based(ratio: float) -> ComposableSampler:
    """That share of all traces, between 0.0 and 1.0, chosen by the trace's randomness."""
    if not 0.0 <= ratio <= 1.0:
        raise ValueError("Sampling ratio must be between 0.0 and 1.0")
    threshold = MAX_THRESHOLD - round(ratio * MAX_THRESHOLD)
    nothing = threshold == MAX_THRESHOLD
    text = "max" if nothing else _format_threshold(threshold)
    return _Fixed(
        _NOTHING if nothing else SamplingIntent(threshold),
        f"ComposableTraceIDRatioBased{{threshold={text}, ratio={ratio}}}",
    )


class _ParentThreshold:
    def __init__(self, root_sampler: ComposableSampler) -> None:
        self._root_sampler = root_sampler

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        parent = get_current_span(parent_ctx).get_span_context()
        if not parent.is_valid:
            return self._root_sampler.sampling_intent(
                parent_ctx, name, span_kind, attributes, links, trace_state
            )
        threshold = OtelTraceState.parse(trace_state or parent.trace_state).threshold
        if _is_threshold(threshold):
            return SamplingIntent(threshold)
        sampled = parent.trace_flags.sampled
        return SamplingIntent(MIN_THRESHOLD if sampled else INVALID_THRESHOLD, False)

    def get_description(self) -> str:
        return f"ComposableParentThreshold{{root={self._root_sampler.get_description()}}}"


def composable_parent_threshold(root_sampler: ComposableSampler) -> ComposableSampler:
    """The parent's threshold, or its sampled flag; ``root_sampler`` for a span without a parent."""
    return _ParentThreshold(root_sampler)


# ---- the sampler ----


class _CompositeSampler(Sampler):
    def __init__(self, delegate: ComposableSampler) -> None:
        self._delegate = delegate

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if trace_state is None:
            parent = get_current_span(parent_context).get_span_context()
            trace_state = parent.trace_state if parent.is_valid else None
        ot = OtelTraceState.parse(trace_state)
        intent = self._delegate.sampling_intent(
            parent_context, name, kind, attributes, links, trace_state
        )
        randomness = ot.random_value if ot.random_value >= 0 else trace_id & (MAX_THRESHOLD - 1)
        sampled = _is_threshold(intent.threshold) and intent.threshold <= randomness
        ot.threshold = (
            intent.threshold if sampled and intent.threshold_reliable else INVALID_THRESHOLD
        )
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP,
            {**(attributes or {}), **(intent.attributes or {})} if sampled else None,
            _updated(trace_state, ot.serialize(), intent),
        )

    def get_description(self) -> str:
        return self._delegate.get_description()


def _updated(state: TraceState | None, ot: str, intent: SamplingIntent) -> TraceState | None:
    if not state:
        return TraceState(((_STATE_KEY, ot),)) if ot else None
    state = intent.update_trace_state(state)
    return state.update(_STATE_KEY, ot) if ot else state.delete(_STATE_KEY)


def composite_sampler(delegate: ComposableSampler) -> Sampler:
    """A sampler that decides as ``delegate`` intends, and keeps the trace state. To be used as it is, not as the
    root of ``ParentBased``, which would leave the threshold of a child unsaid."""
    return _CompositeSampler(delegate)
