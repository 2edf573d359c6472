"""Log record processors: the interface, and those that stand for several."""

from __future__ import annotations

import abc
import concurrent.futures
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context

from vedette.sdk._logs._records import ReadWriteLogRecord
from vedette.sdk.util.instrumentation import InstrumentationScope


class LogRecordProcessor(abc.ABC):
    """Is told when a record is emitted. Derive from it and give it to ``LoggerProvider.add_log_record_processor``.

    ``on_emit`` is called on the thread that logs and should be quick; what it raises is logged.
    """

    @abc.abstractmethod
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """A record was emitted. It may be changed: processors after this one see that."""

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Would such a record be of any use? Those who log may ask before they make one."""
        return True

    @abc.abstractmethod
    def shutdown(self) -> None:
        """The provider is shut down: sends what is left."""

    @abc.abstractmethod
    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what was emitted so far; False when that took longer than the timeout."""

    def _lane_for_logs(self) -> Any:
        """The native queue that does all this processor does, or ``None``."""
        return None


class _MultiLogRecordProcessor(LogRecordProcessor):
    def __init__(self) -> None:
        # A tuple: others may iterate over it while one is added.
        self._log_record_processors: tuple[LogRecordProcessor, ...] = ()
        self._lock = threading.Lock()

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Adds a processor to the list handled by this instance."""
        with self._lock:
            self._log_record_processors += (log_record_processor,)

    def enabled(
        self,
        *,
        context: Context | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether any of them would emit it."""
        return any(
            processor.enabled(
                context=context,
                instrumentation_scope=instrumentation_scope,
                severity_number=severity_number,
                event_name=event_name,
            )
            for processor in self._log_record_processors
        )


class SynchronousMultiLogRecordProcessor(_MultiLogRecordProcessor):
    """Calls its processors one after the other."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for processor in self._log_record_processors:
            processor.on_emit(log_record)

    def shutdown(self) -> None:
        for processor in self._log_record_processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Those that come later have what is left of the timeout, or are skipped."""
        deadline = monotonic() + timeout_millis / 1000
        done = True
        for processor in self._log_record_processors:
            left = deadline - monotonic()
            if left <= 0:
                return False
            done = processor.force_flush(int(left * 1000)) is not False and done
        return done


class ConcurrentMultiLogRecordProcessor(_MultiLogRecordProcessor):
    """Calls its processors on a pool of ``max_workers`` threads and waits for all of them."""

    def __init__(self, max_workers: int = 2) -> None:
        super().__init__()
        self._executor = concurrent.futures.ThreadPoolExecutor(max_workers=max_workers)

    def _each(
        self, call: Callable[[LogRecordProcessor], Any]
    ) -> list[concurrent.futures.Future[Any]]:
        return [self._executor.submit(call, one) for one in self._log_record_processors]

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        for future in self._each(lambda processor: processor.on_emit(log_record)):
            future.result()

    def shutdown(self) -> None:
        for future in self._each(lambda processor: processor.shutdown()):
            future.result()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        futures = self._each(lambda processor: processor.force_flush(timeout_millis))
        done, late = concurrent.futures.wait(futures, timeout_millis / 1000)
        return not late and all(future.result() is not False for future in done)
