"""Span processors: the interface, and those that stand for several.

A processor whose work is done natively gets its spans without Python being asked (``_lane_for_spans``); only the
others are called when a span starts and ends.
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context

from vedette._forks import after_fork_in_child

if TYPE_CHECKING:
    from vedette.sdk.trace import ReadableSpan, Span


class SpanProcessor:
    """Is told when spans start and end. Derive from it and give it to ``TracerProvider.add_span_processor``.

    The calls come on the thread that starts or ends the span: they should be quick. What they raise is logged.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """``span`` has started and may be changed."""

    def _on_ending(self, span: Span) -> None:
        self.on_ending(span)

    def on_ending(self, span: Span) -> None:
        """``span`` is about to end, its end time is fixed; it may be changed for the last time."""

    def on_end(self, span: ReadableSpan) -> None:
        """The span has ended."""

    def shutdown(self) -> None:
        """The provider is shut down: sends what is left."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what has ended so far; False when that took longer than the timeout."""
        return True

    def _lane_for_spans(self) -> Any:
        """The native queue that does all this processor does, or ``None``."""
        return None


class _MultiSpanProcessor(SpanProcessor):
    """Processors in the order they were added: all, and those that must be called for each span."""

    def __init__(self) -> None:
        # Tuples: others may iterate over them while one is added.
        self._span_processors: tuple[SpanProcessor, ...] = ()
        self._called: tuple[SpanProcessor, ...] = ()
        self._lock = threading.Lock()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Adds a processor to the list handled by this instance."""
        with self._lock:
            self._span_processors += (span_processor,)
            self._called += (span_processor,)

    def _add_native(self, span_processor: SpanProcessor) -> None:
        """Adds one that gets its spans otherwise: it is flushed and shut down only."""
        with self._lock:
            self._span_processors += (span_processor,)


class SynchronousMultiSpanProcessor(_MultiSpanProcessor):
    """Calls its processors one after the other."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        for processor in self._called:
            processor.on_start(span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        for processor in self._called:
            _ending(processor, span)

    def on_end(self, span: ReadableSpan) -> None:
        for processor in self._called:
            processor.on_end(span)

    def shutdown(self) -> None:
        for processor in self._span_processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Those that come later have what is left of the timeout, or are skipped."""
        deadline = monotonic() + timeout_millis / 1000
        done = True
        for processor in self._span_processors:
            left = deadline - monotonic()
            if left <= 0:
                return False
            done = processor.force_flush(int(left * 1000)) is not False and done
        return done


class ConcurrentMultiSpanProcessor(_MultiSpanProcessor):
    """Calls its processors side by side, on ``num_threads`` threads, and waits for all of them."""

    def __init__(self, num_threads: int = 2) -> None:
        super().__init__()
        self._num_threads = num_threads
        self._start_threads()
        after_fork_in_child(self._start_threads)

    def _start_threads(self) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(max_workers=self._num_threads)

    def _on_all(
        self,
        processors: tuple[SpanProcessor, ...],
        call: Callable[[SpanProcessor], Any],
        timeout: float | None = None,
    ) -> bool:
        """Whether all were through in time and none answered False."""
        futures = [self._executor.submit(call, processor) for processor in processors]
        _, late = concurrent.futures.wait(futures, timeout)
        return not late and all([future.result() is not False for future in futures])

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._on_all(self._called, lambda p: p.on_start(span, parent_context=parent_context))

    def _on_ending(self, span: Span) -> None:
        self._on_all(self._called, lambda p: _ending(p, span))

    def on_end(self, span: ReadableSpan) -> None:
        self._on_all(self._called, lambda p: p.on_end(span))

    def shutdown(self) -> None:
        self._on_all(self._span_processors, lambda p: p.shutdown())

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._on_all(
            self._span_processors,
            lambda p: p.force_flush(timeout_millis),
            timeout_millis / 1000,
        )


def _ending(processor: SpanProcessor, span: Span) -> None:
    # A processor need not derive from SpanProcessor.
    ending = getattr(processor, "_on_ending", None)
    if ending is not None:
        ending(span)
