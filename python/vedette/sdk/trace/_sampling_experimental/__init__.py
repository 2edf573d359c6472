"""``opentelemetry.sdk.trace._sampling_experimental``"""

from __future__ import annotations

from vedette.sdk.trace._sampling_experimental._composable import (
    ComposableSampler,
    SamplingIntent,
    composable_always_off,
    composable_always_on,
    composable_parent_threshold,
    composable_traceid_ratio_based,
    composite_sampler,
)
from vedette.sdk.trace._sampling_experimental._rule_based import composable_rule_based

__all__ = [
    "ComposableSampler",
    "SamplingIntent",
    "composable_always_off",
    "composable_always_on",
    "composable_parent_threshold",
    "composable_rule_based",
    "composable_traceid_ratio_based",
    "composite_sampler",
]
