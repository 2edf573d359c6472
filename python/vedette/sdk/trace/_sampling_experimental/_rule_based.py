"""``opentelemetry.sdk.trace._sampling_experimental._rule_based``: a composable sampler chosen by what a span starts
with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import AnyValue, Attributes

from vedette.sdk.trace._sampling_experimental._composable import (
    _NOTHING,
    ComposableSampler,
    SamplingIntent,
)


class PredicateT(Protocol):
    """Whether a rule takes a span."""

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool: ...

    def __str__(self) -> str: ...


RulesT = Sequence[tuple[PredicateT, ComposableSampler]]


class _RuleBased:
    def __init__(self, rules: RulesT) -> None:
        self._rules = tuple(rules)

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        span: dict[str, Any] = {
            "parent_ctx": parent_ctx,
            "name": name,
            "span_kind": span_kind,
            "attributes": attributes,
            "links": links,
            "trace_state": trace_state,
        }
        for predicate, sampler in self._rules:
            if predicate(**span):
                return sampler.sampling_intent(**span)
        return _NOTHING

    def get_description(self) -> str:
        rules = ",".join(f"({p}:{sampler.get_description()})" for p, sampler in self._rules)
        return f"ComposableRuleBased{{[{rules}]}}"


def composable_rule_based(rules: RulesT) -> ComposableSampler:
    """The sampler of the first rule that takes the span; none: it is not sampled."""
    return _RuleBased(rules)


def _values(value: Any) -> Sequence[Any]:
    sequence = isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))
    return value if sequence else (value,)


class _Predicate:
    """What the predicates here look at."""

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return self._takes(parent_ctx, span_kind, attributes or {})

    def _takes(
        self, parent_ctx: Context | None, kind: SpanKind | None, attributes: Mapping[str, Any]
    ) -> bool:
        raise NotImplementedError


class AlwaysMatchPredicate(_Predicate):
    """Takes every span."""

    def _takes(self, parent_ctx: Any, kind: Any, attributes: Any) -> bool:
        return True

    def __str__(self) -> str:
        return "AlwaysMatch"


class AllPredicate:
    """Takes what all of these take."""

    def __init__(self, predicates: Sequence[PredicateT]) -> None:
        self._predicates = tuple(predicates)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return all(
            predicate(parent_ctx, name, span_kind, attributes, links, trace_state)
            for predicate in self._predicates
        )

    def __str__(self) -> str:
        return " && ".join(map(str, self._predicates))


class AttributePredicate(_Predicate):
    """The attribute is exactly this."""

    def __init__(self, key: str, value: AnyValue) -> None:
        self.key = key
        self.value = value

    def _takes(self, parent_ctx: Any, kind: Any, attributes: Mapping[str, Any]) -> bool:
        return attributes.get(self.key) == self.value

    def __str__(self) -> str:
        return f"{self.key}={self.value!s}"


class AttributeValuesPredicate(_Predicate):
    """One of the attribute's values, as text, is one of these."""

    def __init__(self, key: str, values: Sequence[str]) -> None:
        self._key = key
        self._accepted = frozenset(values)

    def _takes(self, parent_ctx: Any, kind: Any, attributes: Mapping[str, Any]) -> bool:
        if self._key not in attributes:
            return False
        return any(str(value) in self._accepted for value in _values(attributes[self._key]))

    def __str__(self) -> str:
        return f"{self._key} in [{','.join(sorted(self._accepted))}]"


class AttributePatternsPredicate(_Predicate):
    """One of the attribute's values, as text, fits an included pattern (none given: any) and no excluded one."""

    def __init__(
        self,
        key: str,
        included: Sequence[str] | None = None,
        excluded: Sequence[str] | None = None,
    ) -> None:
        self._key = key
        self._included = tuple(included or ("*",))
        self._excluded = tuple(excluded or ())

    def _takes(self, parent_ctx: Any, kind: Any, attributes: Mapping[str, Any]) -> bool:
        if self._key not in attributes:
            return False
        return any(self._fits(str(value)) for value in _values(attributes[self._key]))

    def _fits(self, value: str) -> bool:
        def any_of(patterns: Sequence[str]) -> bool:
            return any(fnmatchcase(value, pattern) for pattern in patterns)

        return any_of(self._included) and not any_of(self._excluded)

    def __str__(self) -> str:
        return f"{self._key} matches"


class SpanKindPredicate(_Predicate):
    """The span is of one of these kinds."""

    def __init__(self, span_kinds: Sequence[SpanKind]) -> None:
        self._span_kinds = frozenset(span_kinds)

    def _takes(self, parent_ctx: Any, kind: SpanKind | None, attributes: Any) -> bool:
        return kind in self._span_kinds

    def __str__(self) -> str:
        return f"span_kind in [{','.join(sorted(k.name.lower() for k in self._span_kinds))}]"


class ParentPredicate(_Predicate):
    """The span's parent is "none", "remote" or "local"."""

    def __init__(self, parents: Sequence[str]) -> None:
        self._parents = frozenset(parents)

    def _takes(self, parent_ctx: Context | None, kind: Any, attributes: Any) -> bool:
        parent = get_current_span(parent_ctx).get_span_context()
        where = ("remote" if parent.is_remote else "local") if parent.is_valid else "none"
        return where in self._parents

    def __str__(self) -> str:
        return f"parent in [{','.join(sorted(self._parents))}]"
