"""``opentelemetry.sdk._logs``: from log records to processors (specification: logs/sdk.md)."""

from vedette.sdk._logs._handler import LoggingHandler
from vedette.sdk._logs._processors import (
    ConcurrentMultiLogRecordProcessor,
    LogRecordProcessor,
    SynchronousMultiLogRecordProcessor,
)
from vedette.sdk._logs._provider import Logger, LoggerProvider
from vedette.sdk._logs._records import (
    LogDroppedAttributesWarning,
    LogLimits,
    LogRecordDroppedAttributesWarning,
    LogRecordLimits,
    ReadableLogRecord,
    ReadWriteLogRecord,
)

__all__ = [
    "ConcurrentMultiLogRecordProcessor",
    "LogDroppedAttributesWarning",
    "LogLimits",
    "LogRecordDroppedAttributesWarning",
    "LogRecordLimits",
    "LogRecordProcessor",
    "Logger",
    "LoggerProvider",
    "LoggingHandler",
    "ReadWriteLogRecord",
    "ReadableLogRecord",
    "SynchronousMultiLogRecordProcessor",
]
