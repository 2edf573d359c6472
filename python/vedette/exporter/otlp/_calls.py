"""The part of an OTLP exporter that is called from Python: export(), for spans and for log records."""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from vedette import _native

logger = logging.getLogger("vedette")


class Sender(Protocol):
    """Sends one encoded request through a client of the application's."""

    def send(self, body: bytes) -> bool: ...

    def close(self) -> None: ...


class OtlpCalls:
    """What our exporters have in common. A processor carries them out natively; whoever calls export() itself, a
    wrapper for one, waits until the items have got through, or the exporter's timeout is over.

    With a ``Sender`` (a session or credentials of the application's) the sending is Python's throughout.
    """

    _noun: str
    _result: type[enum.Enum]
    _sender: Sender | None = None
    _own_thread: Any = None
    _own_lane: Any = None
    _shutdown = False
    _lock = threading.Lock()
    # Of the class it is mixed into.
    _add_lane: Any
    _observed: Any
    _timeout: float
    _max_request_size: int

    @staticmethod
    def _emit(lane: Any, item: Any) -> bool:
        """Queues one item natively; False when there is no room."""
        raise NotImplementedError

    @staticmethod
    def _encode(items: Sequence[Any]) -> bytes:
        raise NotImplementedError

    def _export(self, items: Sequence[Any]) -> Any:
        if self._shutdown:
            logger.warning("Exporter already shutdown, ignoring batch")
            return self._result["FAILURE"]
        if self._sender:
            done = self._observed(len(items), lambda: self._send_by_sender(items))
        else:
            done = self._send_natively(items)
        return self._result["SUCCESS" if done else "FAILURE"]

    def _send_natively(self, items: Sequence[Any]) -> bool:
        with OtlpCalls._lock:
            if self._own_lane is None:
                self._own_thread = _native.ExportThread()
                self._own_lane = self._add_lane(self._own_thread, behind_queue=False)
            thread, lane = self._own_thread, self._own_lane
        queued = [self._emit(lane, item) for item in items]
        if thread.flush(int(1000 * self._timeout)) and all(queued):
            return True
        # Who is told that it failed may give the items to another, or here again: they must not arrive twice.
        with OtlpCalls._lock:
            if self._own_thread is thread:
                self._own_thread = self._own_lane = None
        thread.shutdown(0)
        return False

    def _send_by_sender(self, items: Sequence[Any]) -> bool:
        body = self._encode(items)
        if 0 < self._max_request_size < len(body):
            logger.warning(
                "Dropping %s batch: serialized size %d bytes exceeds max_request_size %d bytes.",
                self._noun,
                len(body),
                self._max_request_size,
            )
            return False
        return self._sender is not None and self._sender.send(body)

    def shutdown(self, timeout_millis: float = 5000) -> None:
        if self._shutdown:
            return
        self._shutdown = True
        if self._sender:
            self._sender.close()
        if self._own_thread:
            self._own_thread.shutdown(int(timeout_millis))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._own_thread.flush(int(timeout_millis)) if self._own_thread else True
