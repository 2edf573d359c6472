"""``opentelemetry.sdk.trace.sampling``: which spans are recorded and sent.

The samplers of this module are carried out natively; one written by the application is asked in Python, also where
it stands inside one of these.
"""

from __future__ import annotations

import abc
import enum
import logging
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from vedette import _env

if TYPE_CHECKING:
    from vedette.sdk.trace._error_aware import ErrorAware as ErrorAware

logger = logging.getLogger("vedette")


class Decision(enum.Enum):
    """What becomes of a span."""

    DROP = 0  # not recorded
    RECORD_ONLY = 1  # processors see it, it is not sent
    RECORD_AND_SAMPLE = 2

    def is_recording(self) -> bool:
        return self is not Decision.DROP

    def is_sampled(self) -> bool:
        return self is Decision.RECORD_AND_SAMPLE


class SamplingResult:
    """A decision, the attributes the span starts with, and its trace state."""

    def __init__(
        self,
        decision: Decision,
        attributes: Attributes = None,
        trace_state: TraceState | None = None,
    ) -> None:
        self.decision = decision
        self.attributes = MappingProxyType({} if attributes is None else attributes)
        self.trace_state = trace_state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.decision!s}, attributes={self.attributes!s})"


class Sampler(abc.ABC):
    """Decides when a span starts. What it raises is logged, and the span is sampled."""

    @abc.abstractmethod
    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult: ...

    @abc.abstractmethod
    def get_description(self) -> str: ...

    def _native(self) -> tuple[Any, ...]:
        """What the native half is told: one of tracer.cc's descriptions."""
        return ("python", self)


def _describe(sampler: Any) -> tuple[Any, ...]:
    """The description of any sampler; it need not derive from :class:`Sampler`."""
    describe = getattr(sampler, "_native", None)
    return describe() if describe is not None else ("python", sampler)


def _own(sampler: Sampler, cls: type[Sampler]) -> bool:
    """Does the sampler decide as ``cls`` does? A class derived from it may not."""
    return type(sampler).should_sample is cls.should_sample


def _result(decision: Decision, parent_context: Context | None, attributes: Attributes) -> Any:
    return SamplingResult(
        decision,
        None if decision is Decision.DROP else attributes,
        _get_parent_trace_state(parent_context),
    )


def _get_parent_trace_state(parent_context: Context | None) -> TraceState | None:
    parent = get_current_span(parent_context).get_span_context()
    return parent.trace_state if parent is not None and parent.is_valid else None


class StaticSampler(Sampler):
    """The same answer always."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

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
        return _result(self._decision, parent_context, attributes)

    def get_description(self) -> str:
        return "AlwaysOffSampler" if self._decision is Decision.DROP else "AlwaysOnSampler"

    def _native(self) -> tuple[Any, ...]:
        if not _own(self, StaticSampler):
            return ("python", self)
        return (("off",), ("record",), ("on",))[self._decision.value]


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
        sampled = trace_id & self.TRACE_ID_LIMIT < self.bound
        decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP
        return _result(decision, parent_context, attributes)

    def get_description(self) -> str:
        return f"TraceIdRatioBased{{{self._rate}}}"

    def _native(self) -> tuple[Any, ...]:
        same = _own(self, TraceIdRatioBased) and self.TRACE_ID_LIMIT == (1 << 64) - 1
        return ("ratio", self.bound) if same else ("python", self)


class ParentBased(Sampler):
    """Follows the parent's decision, or what is set for its kind; ``root`` decides for spans without one."""

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
        return self._delegate(parent_context).should_sample(
            parent_context=parent_context,
            trace_id=trace_id,
            name=name,
            kind=kind,
            attributes=attributes,
            links=links,
        )

    def _delegate(self, parent_context: Context | None) -> Sampler:
        parent = get_current_span(parent_context).get_span_context()
        if parent is None or not parent.is_valid:
            return self._root
        sampled = parent.trace_flags.sampled
        if parent.is_remote:
            return self._remote_parent_sampled if sampled else self._remote_parent_not_sampled
        return self._local_parent_sampled if sampled else self._local_parent_not_sampled

    def get_description(self) -> str:
        return (
            f"ParentBased{{root:{self._root.get_description()},"
            f"remoteParentSampled:{self._remote_parent_sampled.get_description()},"
            f"remoteParentNotSampled:{self._remote_parent_not_sampled.get_description()},"
            f"localParentSampled:{self._local_parent_sampled.get_description()},"
            f"localParentNotSampled:{self._local_parent_not_sampled.get_description()}}}"
        )

    def _native(self) -> tuple[Any, ...]:
        if not _own(self, ParentBased):
            return ("python", self)
        return (
            "parent",
            _describe(self._root),
            _describe(self._remote_parent_sampled),
            _describe(self._remote_parent_not_sampled),
            _describe(self._local_parent_sampled),
            _describe(self._local_parent_not_sampled),
        )


class AlwaysRecordSampler(Sampler):
    """As ``root`` decides, but what it drops is still recorded, for processors to see, and not sent."""

    def __init__(self, root: Sampler) -> None:
        if root is None:
            raise ValueError("root must not be None")
        self._root = root

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
        result = self._root.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        if result.decision.is_recording():
            return result
        return SamplingResult(Decision.RECORD_ONLY, result.attributes, result.trace_state)

    def get_description(self) -> str:
        return f"AlwaysRecordSampler{{{self._root.get_description()}}}"

    def _native(self) -> tuple[Any, ...]:
        if not _own(self, AlwaysRecordSampler):
            return ("python", self)
        return ("always_record", _describe(self._root))


class ParentBasedTraceIdRatio(ParentBased):
    """``ParentBased(TraceIdRatioBased(rate))``"""

    def __init__(self, rate: float) -> None:
        super().__init__(root=TraceIdRatioBased(rate))


DEFAULT_OFF = ParentBased(ALWAYS_OFF)
DEFAULT_ON = ParentBased(ALWAYS_ON)


def __getattr__(name: str) -> Any:
    if name != "ErrorAware":  # it derives from what is above
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vedette.sdk.trace._error_aware import ErrorAware

    return ErrorAware


_KNOWN_SAMPLERS: dict[str, Sampler | Callable[[float], Sampler]] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
    "traceidratio": TraceIdRatioBased,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
    "error_aware": lambda ratio: __getattr__("ErrorAware")(ratio),
}


def _ratio_from_environment() -> float:
    value = _env.given("OTEL_TRACES_SAMPLER_ARG")
    try:
        rate = float(value or "")
        if 0.0 <= rate <= 1.0:
            return rate
    except ValueError:
        pass
    logger.warning("OTEL_TRACES_SAMPLER_ARG=%r is not a number from 0 to 1; 1.0 is taken", value)
    return 1.0


def _get_from_env_or_default() -> Sampler:
    """``OTEL_TRACES_SAMPLER`` and ``OTEL_TRACES_SAMPLER_ARG``; parentbased_always_on otherwise. A name that is none
    of ours is looked for in the entry points ``opentelemetry_traces_sampler``: a function of the argument."""
    given = _env.read("OTEL_TRACES_SAMPLER")
    name = given.lower()
    known = _KNOWN_SAMPLERS.get(name)
    if isinstance(known, Sampler):
        return known
    if known is not None:
        return known(_ratio_from_environment())
    try:
        from importlib.metadata import entry_points

        for entry in entry_points(group="opentelemetry_traces_sampler", name=given):
            sampler = entry.load()(_env.given("OTEL_TRACES_SAMPLER_ARG") or "")
            if hasattr(sampler, "should_sample"):
                return sampler
            logger.warning("OTEL_TRACES_SAMPLER=%r gave %r, which is no sampler", given, sampler)
    except Exception:
        logger.warning("OTEL_TRACES_SAMPLER=%r could not be loaded", given, exc_info=True)
    logger.warning("OTEL_TRACES_SAMPLER=%r is not known; parentbased_always_on is taken", given)
    return DEFAULT_ON
