"""``opentelemetry.sdk.util._configurator``: a scope's configuration from rules, the first that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from vedette.sdk.util.instrumentation import InstrumentationScope

ConfigT = TypeVar("ConfigT")
Rules = Sequence[tuple[Callable[[InstrumentationScope], bool], ConfigT]]


class RuleBasedConfigurator(Generic[ConfigT]):
    """Called with a scope, it answers the configuration of the first rule that takes it."""

    def __init__(self, *, rules: Rules[ConfigT], default_config: ConfigT) -> None:
        self._rules = rules
        self._default_config = default_config

    def __call__(self, scope: InstrumentationScope) -> ConfigT:
        for predicate, config in self._rules:
            if predicate(scope):
                return config
        return self._default_config

    def update_rules(self, rules: Rules[ConfigT]) -> None:
        self._rules = rules
