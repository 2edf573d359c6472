"""``opentelemetry.sdk.trace.sampling``: the built-in samplers, decided natively."""

from __future__ import annotations

import enum
import logging
import os
from types import MappingProxyType
from typing import Any

from opentelemetry.trace import get_current_span

logger = logging.getLogger("vedette")


class Decision(enum.Enum):
    """What becomes of a span."""

    DROP = 0
    RECORD_ONLY = 1
    RECORD_AND_SAMPLE = 2

    def is_recording(self) -> bool:
        return self is not Decision.DROP

    def is_sampled(self) -> bool:
        return self is Decision.RECORD_AND_SAMPLE


class SamplingResult:
    """A decision, and what the sampler adds to the span."""

    def __init__(self, decision: Decision, attributes: Any = None, trace_state: Any = None) -> None:
        self.decision = decision
        self.attributes = MappingProxyType(dict(attributes or {}))
        self.trace_state = trace_state

    def __repr__(self) -> str:
        return f"SamplingResult({self.decision!s}, attributes={dict(self.attributes)})"


class Sampler:
    """Decides when a span starts. The samplers of this module are carried out natively."""

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        raise NotImplementedError

    def get_description(self) -> str:
        raise NotImplementedError

    def _native(self) -> tuple[Any, ...]:
        raise TypeError(
            f"{type(self).__name__} is written in Python; this version takes the samplers of "
            "vedette.sdk.trace.sampling only"
        )


def _result(sampled: bool, parent_context: Any, attributes: Any) -> SamplingResult:
    parent = get_current_span(parent_context).get_span_context()
    state = parent.trace_state if parent is not None and parent.is_valid else None
    if sampled:
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)
    return SamplingResult(Decision.DROP, None, state)


class StaticSampler(Sampler):
    """The same answer always."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None,
                      trace_state=None) -> SamplingResult:  # fmt: skip
        return _result(self._decision.is_sampled(), parent_context, attributes)

    def get_description(self) -> str:
        return "AlwaysOnSampler" if self._decision.is_sampled() else "AlwaysOffSampler"

    def _native(self) -> tuple[Any, ...]:
        return ("on",) if self._decision.is_sampled() else ("off",)


ALWAYS_OFF = StaticSampler(Decision.DROP)
ALWAYS_ON = StaticSampler(Decision.RECORD_AND_SAMPLE)


class TraceIdRatioBased(Sampler):
    """A share of all traces, chosen by trace id, so that every service chooses the same ones."""

    TRACE_ID_LIMIT = (1 << 64) - 1

    def __init__(self, rate: float) -> None:
        if not 0.0 <= rate <= 1.0:
            raise ValueError("Probability must be in range [0.0, 1.0].")
        self._rate = rate
        self._bound = self.get_bound_for_rate(rate)

    @classmethod
    def get_bound_for_rate(cls, rate: float) -> int:
        return round(rate * (cls.TRACE_ID_LIMIT + 1))

    @property
    def rate(self) -> float:
        return self._rate

    @property
    def bound(self) -> int:
        return self._bound

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None,
                      trace_state=None) -> SamplingResult:  # fmt: skip
        sampled = trace_id & self.TRACE_ID_LIMIT < self._bound
        return _result(sampled, parent_context, attributes)

    def get_description(self) -> str:
        return f"TraceIdRatioBased{{{self._rate}}}"

    def _native(self) -> tuple[Any, ...]:
        return ("ratio", self._bound)


class ParentBased(Sampler):
    """Follows the parent's decision; ``root`` decides for spans that have no parent."""

    def __init__(
        self,
        root: Sampler,
        remote_parent_sampled: Sampler = ALWAYS_ON,
        remote_parent_not_sampled: Sampler = ALWAYS_OFF,
        local_parent_sampled: Sampler = ALWAYS_ON,
        local_parent_not_sampled: Sampler = ALWAYS_OFF,
    ) -> None:
        self._root = root
        self._remote_parent_sampled = remote_parent_sampled
        self._remote_parent_not_sampled = remote_parent_not_sampled
        self._local_parent_sampled = local_parent_sampled
        self._local_parent_not_sampled = local_parent_not_sampled

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None,
                      trace_state=None) -> SamplingResult:  # fmt: skip
        parent = get_current_span(parent_context).get_span_context()
        sampler = self._root
        if parent is not None and parent.is_valid:
            if parent.is_remote:
                sampler = (
                    self._remote_parent_sampled
                    if parent.trace_flags.sampled
                    else self._remote_parent_not_sampled
                )
            else:
                sampler = (
                    self._local_parent_sampled
                    if parent.trace_flags.sampled
                    else self._local_parent_not_sampled
                )
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        return (
            f"ParentBased{{root:{self._root.get_description()},"
            f"remoteParentSampled:{self._remote_parent_sampled.get_description()},"
            f"remoteParentNotSampled:{self._remote_parent_not_sampled.get_description()},"
            f"localParentSampled:{self._local_parent_sampled.get_description()},"
            f"localParentNotSampled:{self._local_parent_not_sampled.get_description()}}}"
        )

    def _native(self) -> tuple[Any, ...]:
        return (
            "parent",
            self._root._native(),
            self._remote_parent_sampled._native(),
            self._remote_parent_not_sampled._native(),
            self._local_parent_sampled._native(),
            self._local_parent_not_sampled._native(),
        )


class ParentBasedTraceIdRatio(ParentBased):
    """``ParentBased(TraceIdRatioBased(rate))``"""

    def __init__(self, rate: float) -> None:
        super().__init__(root=TraceIdRatioBased(rate))


DEFAULT_OFF = ParentBased(ALWAYS_OFF)
DEFAULT_ON = ParentBased(ALWAYS_ON)


def _ratio_from_environment() -> float:
    value = os.environ.get("OTEL_TRACES_SAMPLER_ARG", "")
    try:
        rate = float(value)
        if 0.0 <= rate <= 1.0:
            return rate
    except ValueError:
        pass
    logger.warning("OTEL_TRACES_SAMPLER_ARG=%r is not a number from 0 to 1; 1.0 is taken", value)
    return 1.0


def sampler_from_environment() -> Sampler:
    """``OTEL_TRACES_SAMPLER`` and ``OTEL_TRACES_SAMPLER_ARG``; parentbased_always_on otherwise."""
    name = (os.environ.get("OTEL_TRACES_SAMPLER", "").strip() or "parentbased_always_on").lower()
    fixed: dict[str, Sampler | None] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "parentbased_always_on": DEFAULT_ON,
        "parentbased_always_off": DEFAULT_OFF,
    }
    if name == "traceidratio":
        return TraceIdRatioBased(_ratio_from_environment())
    if name == "parentbased_traceidratio":
        return ParentBasedTraceIdRatio(_ratio_from_environment())
    sampler = fixed.get(name)
    if sampler is None:
        logger.warning("OTEL_TRACES_SAMPLER=%r is not known; parentbased_always_on is taken", name)
        return DEFAULT_ON
    return sampler
