"""ErrorAware: sampling when the outcome of a trace is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from vedette import _native
from vedette.sdk.trace.sampling import Decision, Sampler, SamplingResult

_BUFFER_BYTES = 8 << 20
_RANDOM = 1 << 56


class ErrorAware(Sampler):
    """Sends every trace in which something fails, and of the others a share.

    ``ErrorAware(0.1, slow=2.0)`` records every span; natively, the spans of a local trace (what happens below one
    request in this process) wait until its local root ends. Status ERROR, a recorded exception, an HTTP status of 500
    and more, or a root that took ``slow`` seconds sends all of them. Otherwise the trace id decides, the same way in
    every service (OpenTelemetry specification, "Tracestate: probability sampling"): ``th`` in ``tracestate`` says which
    share was sent, ``th:0`` where all were, so that counts can be made good.

    ``ratio``: 0 to 1, of the traces in which nothing fails. ``slow``: seconds, or ``None``. ``buffer_bytes``: what may
    wait at most. Without room, spans of healthy traces are shed and counted (:meth:`stats`); failures are not.

    A parent in another process has decided for the healthy traces: sampled, they are sent; not sampled, only failures
    are. What calls on from here is told the decision of the trace id: the outcome is not known yet.

    It may stand by itself or inside ``ParentBased``, for one ``TracerProvider``. Processors written in Python see
    every span when it ends, those not sampled without the sampled flag.
    """

    def __init__(
        self, ratio: float, slow: float | None = None, *, buffer_bytes: int = _BUFFER_BYTES
    ) -> None:
        if not 0.0 <= ratio <= 1.0:
            raise ValueError("ratio must be from 0 to 1")
        if slow is not None and not slow > 0:
            raise ValueError("slow must be a positive number of seconds")
        if buffer_bytes <= 0:
            raise ValueError("buffer_bytes must be positive")
        self._ratio = float(ratio)
        self._slow = None if slow is None else float(slow)
        self._threshold = _RANDOM - round(self._ratio * _RANDOM)
        text = f"{self._threshold:014x}".rstrip("0") or "0"
        self._sampled_state = TraceState([("ot", f"th:{text}")]) if self._ratio > 0 else None
        self._buffer = _native.TraceBuffer(
            self._ratio, self._slow, int(buffer_bytes), self._sampled_state
        )

    @property
    def ratio(self) -> float:
        """The share of healthy traces that is sent."""
        return self._ratio

    @property
    def slow(self) -> float | None:
        """Seconds from which on a root is slow."""
        return self._slow

    def stats(self) -> dict[str, int]:
        """Spans since the start of the process: ``ended`` = ``sampled`` (by trace id) + ``failed`` (sent for a failure
        or a slow root) + ``unsampled`` + ``shed`` (for want of room) + ``refused`` (the queue was full) + ``waiting``.
        Also ``stripped``, spans that lost their attributes and events to make room, and ``bytes``, what waits now."""
        return self._buffer.stats()

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
        """What is known at the start: recorded always, sampled as the trace id or the parent has it. Native tracers do
        not call this."""
        parent = get_current_span(parent_context).get_span_context()
        state: TraceState | None
        if parent.is_valid:
            sampled, state = parent.trace_flags.sampled, parent.trace_state
        else:
            sampled = trace_id % _RANDOM >= self._threshold
            state = self._sampled_state if sampled else None
        decision = Decision.RECORD_AND_SAMPLE if sampled else Decision.RECORD_ONLY
        return SamplingResult(decision, attributes, state)

    def get_description(self) -> str:
        slow = "" if self._slow is None else f",slow={self._slow:g}s"
        return f"ErrorAware{{{self._ratio}{slow}}}"

    def _native(self) -> tuple[Any, ...]:
        return ("error_aware", self._buffer)
