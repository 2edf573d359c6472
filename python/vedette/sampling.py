"""Samplers, in one place: ``vedette.sampling.ErrorAware`` and those of ``vedette.sdk.trace.sampling``.

provider = TracerProvider(sampler=vedette.sampling.ErrorAware(0.1, slow=2.0))
"""

from vedette.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ErrorAware,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)

__all__ = [
    "ALWAYS_OFF",
    "ALWAYS_ON",
    "DEFAULT_OFF",
    "DEFAULT_ON",
    "Decision",
    "ErrorAware",
    "ParentBased",
    "ParentBasedTraceIdRatio",
    "Sampler",
    "SamplingResult",
    "TraceIdRatioBased",
]
