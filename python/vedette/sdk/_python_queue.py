"""The queue and thread of an exporter written in Python (specification: trace/sdk.md, "Batching processor").

Emitting only puts into a bounded queue, and drops and counts the newest when it is full. The thread starts with the
first item and is a daemon; a forked child starts with an empty queue and a thread of its own.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from time import monotonic
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from vedette._forks import after_fork_in_child
from vedette.sdk._exporting import shut_exporter

logger = logging.getLogger("vedette")


class PythonQueue:
    """Calls ``exporter.export(list of items)`` on its own thread. Times are in seconds."""

    def __init__(
        self, exporter: Any, max_queue_size: int, max_batch_size: int, delay: float, noun: str
    ) -> None:
        self.exporter = exporter
        self._noun = noun
        self._max_queue_size = max_queue_size
        self._max_batch_size = max_batch_size
        self._delay = delay
        self._shut = False
        self._stats = {"queued": 0, "sent": 0, "dropped_full": 0, "dropped_failed": 0}
        self._begin()
        after_fork_in_child(self._begin)

    def _begin(self) -> None:
        self._items: deque[Any] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._urgent = 0  # how many wait for the queue to be empty
        self._busy = False

    def emit(self, item: Any) -> bool:
        """False: dropped, because the queue is full or shut."""
        with self._changed:
            if self._shut or len(self._items) >= self._max_queue_size:
                self._stats["dropped_full"] += 1
                full = not self._shut and self._stats["dropped_full"] == 1
            else:
                self._items.append(item)
                self._stats["queued"] += 1
                full = None
                if self._thread is None:
                    self._start()
                elif len(self._items) in (1, self._max_batch_size):
                    self._changed.notify_all()
        if full:
            logger.warning("the queue of %r is full, dropping %ss", self.exporter, self._noun)
        return full is None

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="vedette-python-export", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread to be had now; the next item tries again
            self._thread = None

    def _run(self) -> None:
        while batch := self._next_batch():
            failed = not self._export(batch)
            with self._changed:
                self._stats["dropped_failed" if failed else "sent"] += len(batch)
                self._busy = False
                self._changed.notify_all()

    def _next_batch(self) -> list[Any]:
        """Waits until a batch is full, due, or wanted now; empty: it is over."""
        with self._changed:
            while not self._items:
                if self._shut:
                    return []
                self._changed.wait()
            due = monotonic() + self._delay
            while len(self._items) < self._max_batch_size and not self._urgent and not self._shut:
                left = due - monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            size = min(self._max_batch_size, len(self._items))
            self._busy = True
            return [self._items.popleft() for _ in range(size)]

    def _export(self, batch: list[Any]) -> bool:
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            result = self.exporter.export(batch)
            return getattr(result, "name", "") != "FAILURE"
        except Exception:
            logger.exception("Exception while exporting %s.", self._noun)
            return False
        finally:
            detach(token)

    def flush(self, timeout: float) -> bool:
        """Exports what is queued now, and what the exporter may have kept; False when that took longer than the
        timeout."""
        deadline = monotonic() + timeout
        with self._changed:
            if self._shut or not self._wait_until_empty(timeout):
                return False
        flush = getattr(self.exporter, "force_flush", None)
        try:
            left = int(1000 * max(0.0, deadline - monotonic()))
            return flush is None or flush(left) is not False
        except Exception:
            logger.exception("%r could not be flushed", self.exporter)
            return False

    def _wait_until_empty(self, timeout: float) -> bool:
        deadline = monotonic() + timeout
        self._urgent += 1
        self._changed.notify_all()
        try:
            while self._items or self._busy:
                left = deadline - monotonic()
                if left <= 0 or self._thread is None:
                    return False
                self._changed.wait(left)
            return True
        finally:
            self._urgent -= 1

    def shutdown(self, timeout: float) -> None:
        """Exports what is queued, for at most that long, and shuts the exporter down."""
        deadline = monotonic() + timeout
        with self._changed:
            if self._shut:
                return
            self._shut = True
            done = self._wait_until_empty(timeout)
            lost = len(self._items)
            self._items.clear()
            self._stats["dropped_failed"] += lost
            self._changed.notify_all()
        if not done:
            logger.warning("stopping: %d %ss for %r lost", lost, self._noun, self.exporter)
        shut_exporter(self.exporter, max(0.0, deadline - monotonic()))

    @property
    def pending(self) -> int:
        return len(self._items)

    def stats(self) -> dict[str, int]:
        with self._changed:
            return {**self._stats, "rejected": 0}
