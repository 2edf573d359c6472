"""LoggerProvider and Logger.

Where all that happens to a record is that OTLP exporters of ours send it, it is encoded at once by native code
(``Logger._sink``). A processor written in Python, or an exporter, gets each record as an object.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry import _logs as logs_api
from opentelemetry._logs import LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider, get_meter_provider
from opentelemetry.util.types import AnyValue, Attributes

from vedette import _env, _exit, _native
from vedette._forks import after_fork_in_child
from vedette.sdk._logs._processors import (
    ConcurrentMultiLogRecordProcessor,
    LogRecordProcessor,
    SynchronousMultiLogRecordProcessor,
)
from vedette.sdk._logs._records import LogRecordLimits, ReadWriteLogRecord, with_exception
from vedette.sdk.resources import Resource, _get_process_dependent_resource
from vedette.sdk.util._configurator import RuleBasedConfigurator
from vedette.sdk.util.instrumentation import InstrumentationScope

logger = logging.getLogger("vedette")


@dataclass
class _LoggerConfig:
    """Whether the loggers of a scope emit."""

    is_enabled: bool = True

    @classmethod
    def default(cls) -> _LoggerConfig:
        return cls()


_LoggerConfiguratorT = Callable[[InstrumentationScope], _LoggerConfig]
_RuleBasedLoggerConfigurator = RuleBasedConfigurator[_LoggerConfig]


def _default_logger_configurator(_logger_scope: InstrumentationScope) -> _LoggerConfig:
    return _LoggerConfig.default()


def _disable_logger_configurator(_logger_scope: InstrumentationScope) -> _LoggerConfig:
    return _LoggerConfig(is_enabled=False)


class Logger(logs_api.Logger):
    """Emits records of one scope. Made by ``LoggerProvider.get_logger``."""

    def __init__(self, provider: LoggerProvider, scope: InstrumentationScope) -> None:
        super().__init__(scope.name, scope.version, scope.schema_url, scope.attributes)
        self._provider = provider
        self._instrumentation_scope = scope
        self._logger_config = provider._config_of(scope)
        self._sink: Any = None
        self._renew_sink()

    def _renew_sink(self) -> None:
        """After anything has changed that a record passes."""
        self._sink = self._provider._sink_of(self._instrumentation_scope)

    def _is_enabled(self) -> bool:
        return self._logger_config.is_enabled

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        return self._instrumentation_scope

    @property
    def resource(self) -> Resource:
        return self._provider.resource

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether anybody wants such a record."""
        return self._is_enabled() and self._provider._multi_log_record_processor.enabled(
            context=context,
            instrumentation_scope=self._instrumentation_scope,
            severity_number=severity_number,
            event_name=event_name,
        )

    def emit(
        self,
        record: LogRecord | ReadWriteLogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue | None = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Emits a record, given whole or by its fields. Times are nanoseconds since 1970; without a ``context`` the
        current one counts. Never raises."""
        if not self._logger_config.is_enabled:
            return
        sink = self._sink
        if sink is not None and record is None:
            sink.emit(timestamp, observed_timestamp, context, severity_number, severity_text, body, attributes,
                      event_name, exception)  # fmt: skip
            return
        if sink is not None and not isinstance(record, ReadWriteLogRecord):
            sink.emit_record(record)
            return
        try:
            record = record or LogRecord(
                timestamp=timestamp,
                observed_timestamp=observed_timestamp,
                context=context,
                severity_number=severity_number,
                severity_text=severity_text,
                body=body,
                attributes=attributes,
                event_name=event_name,
                exception=exception,
            )
            self._provider._process(record, self._instrumentation_scope)
        except Exception:
            logger.exception("a log record processor failed")


class LoggerProvider(logs_api.LoggerProvider):
    """Makes loggers; holds what they share: resource, limits and processors."""

    def __init__(
        self,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        multi_log_record_processor: SynchronousMultiLogRecordProcessor
        | ConcurrentMultiLogRecordProcessor
        | None = None,
        *,
        meter_provider: MeterProvider | None = None,
        log_record_limits: LogRecordLimits | None = None,
        _logger_configurator: _LoggerConfiguratorT | None = None,
    ) -> None:
        self._resource = Resource.create({}) if resource is None else resource
        self._multi_log_record_processor = (
            multi_log_record_processor or SynchronousMultiLogRecordProcessor()
        )
        self._disabled = bool(_env.read("OTEL_SDK_DISABLED"))
        self._logger_configurator = _logger_configurator or _default_logger_configurator
        self._log_record_limits = log_record_limits or LogRecordLimits()
        self._created = None
        if _env.read("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"):
            meter = (meter_provider or get_meter_provider()).get_meter("opentelemetry-sdk")
            self._created = meter.create_counter(
                "otel.sdk.log.created", "{log_record}", "The number of logs submitted to the SDK"
            )
        self._loggers: dict[Any, Logger] = {}
        self._all_loggers: weakref.WeakSet[Logger] = weakref.WeakSet()
        self._followers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._shutdown_on_exit = shutdown_on_exit
        after_fork_in_child(self._handle_fork)
        if shutdown_on_exit:
            _exit.at_exit(self)

    @property
    def resource(self) -> Resource:
        return self._resource

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> logs_api.Logger:
        """The logger of a scope; the same one for the same name, version and schema URL, without attributes."""
        if self._disabled:
            return NoOpLogger(name, version=version, schema_url=schema_url, attributes=attributes)
        key = (name, version, schema_url) if attributes is None else None
        with self._lock:
            found = self._loggers.get(key) if key else None
            if found is None:
                found = Logger(self, InstrumentationScope(name, version, schema_url, attributes))
                self._all_loggers.add(found)
                if key:
                    self._loggers[key] = found
        return found

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Processors are called in the order they are added."""
        self._multi_log_record_processor.add_log_record_processor(log_record_processor)
        self._renew_loggers()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Sends what is queued now; False when not all of it got through in time."""
        return self._multi_log_record_processor.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Sends what is queued, for at most five seconds, and stops."""
        self._multi_log_record_processor.shutdown()
        if self._shutdown_on_exit:
            _exit.forget(self)

    def _process(self, record: LogRecord | ReadWriteLogRecord, scope: InstrumentationScope) -> None:
        if isinstance(record, ReadWriteLogRecord):
            record.log_record = with_exception(record.log_record)
        else:
            record = ReadWriteLogRecord(
                with_exception(record), self._resource, scope, self._log_record_limits
            )
        if self._created is not None:
            self._created.add(1)
        self._multi_log_record_processor.on_emit(record)

    def _sink_of(self, scope: InstrumentationScope) -> Any:
        """The native way for records of a scope; ``None`` where Python has a part in it."""
        multi = self._multi_log_record_processor
        known = (SynchronousMultiLogRecordProcessor, ConcurrentMultiLogRecordProcessor)
        if self._created is not None or type(multi) not in known:
            return None
        lanes = [
            getattr(processor, "_lane_for_logs", lambda: None)()
            for processor in multi._log_record_processors
        ]
        if None in lanes:
            return None
        limits = self._log_record_limits
        return _native.LogSink(
            tuple(lanes), self._resource, scope.name, scope.version, scope.schema_url, scope.attributes,
            limits.max_log_record_attributes, limits.max_log_record_attribute_length,
        )  # fmt: skip

    def _follow(self, follower: Any) -> None:
        """``follower._renew_sinks()`` is called when loggers get other sinks."""
        self._followers.add(follower)

    def _renew_loggers(self) -> None:
        with self._lock:
            for one in list(self._all_loggers):
                one._renew_sink()
            followers = list(self._followers)
        for follower in followers:
            follower._renew_sinks()

    def _config_of(self, scope: InstrumentationScope) -> _LoggerConfig:
        try:
            return self._logger_configurator(scope)
        except Exception:
            logger.exception("logger configurator failed for scope %r, using default", scope.name)
            return _LoggerConfig.default()

    def _set_logger_configurator(self, *, logger_configurator: _LoggerConfiguratorT) -> None:
        """For the loggers there are, too."""
        self._logger_configurator = logger_configurator
        with self._lock:
            for one in list(self._all_loggers):
                one._logger_config = self._config_of(one.instrumentation_scope)
        self._renew_loggers()

    def _update_resource(self, resource: Resource) -> None:
        """Lays ``resource`` over the provider's: for what is emitted from now on."""
        self._resource = self._resource.merge(resource)
        self._renew_loggers()

    def _handle_fork(self) -> None:
        self._lock = threading.Lock()
        self._update_resource(_get_process_dependent_resource())
