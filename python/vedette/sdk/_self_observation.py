"""What the SDK says of itself: the ``otel.sdk.*`` metrics (semantic conventions, "OpenTelemetry SDK metrics").

Nothing is counted for them that is not counted anyway: the numbers are read when metrics are collected, through
opentelemetry-api's meters. On if ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED`` says so.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter_provider

from vedette import _env

_METER = "opentelemetry-sdk"
_UNITS = {"span": "{span}", "log": "{log_record}", "metric_data_point": "{data_point}"}
_ORIGINS = ("none", "local", "remote")
_DECISIONS = ("DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE")

_named: Counter[str] = Counter()


def enabled() -> bool:
    return bool(_env.read("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"))


def _component(kind: str) -> dict[str, Any]:
    """Attributes of one more component of that kind."""
    number = _named[kind]
    _named[kind] += 1
    return {"otel.component.type": kind, "otel.component.name": f"{kind}/{number}"}


def _while_alive(owner: Any, read: Callable[[Any], Iterator[Observation]]) -> Callable[..., Any]:
    """A callback that ends with its owner, and does not keep it."""
    weak = weakref.ref(owner)

    def callback(_: CallbackOptions) -> list[Observation]:
        alive = weak()
        return [] if alive is None else list(read(alive))

    return callback


def observe_spans(provider: Any, meter_provider: MeterProvider | None) -> None:
    """``otel.sdk.span.*`` of a tracer provider."""
    meter = (meter_provider or get_meter_provider()).get_meter(_METER)

    counts = provider._native.counts  # tracers may outlive the provider's Python half

    def started(_: CallbackOptions) -> Iterator[Observation]:
        for origin, by_decision in zip(_ORIGINS, counts()[0], strict=True):
            for decision, count in zip(_DECISIONS, by_decision, strict=True):
                if count:
                    yield Observation(
                        count,
                        {
                            "otel.span.parent.origin": origin,
                            "otel.span.sampling_result": decision,
                        },
                    )

    def live(_: CallbackOptions) -> Iterator[Observation]:
        begun, ended = counts()
        for index in (1, 2):
            count = sum(by_decision[index] for by_decision in begun)
            if count:
                attributes = {"otel.span.sampling_result": _DECISIONS[index]}
                yield Observation(count - ended[index], attributes)

    meter.create_observable_counter(
        "otel.sdk.span.started",
        [started],
        _UNITS["span"],
        "The number of created spans",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.span.live",
        [live],
        _UNITS["span"],
        "The number of created spans for which the end operation has not been called yet",
    )


def observe_processor(
    processor: Any,
    signal: str,
    kind: str,
    capacity: int,
    meter_provider: MeterProvider | None,
) -> None:
    """``otel.sdk.processor.{span,log}.*`` of a processor with a queue.

    ``signal`` is "span" or "log"; ``processor`` has ``stats()`` and ``_pending()``. A ``capacity`` of 0 is not said: the queue is bounded by bytes.
    """
    meter = (meter_provider or get_meter_provider()).get_meter(_METER)
    own = _component(kind)
    unit = _UNITS[signal]
    prefix = f"otel.sdk.processor.{signal}"

    def size(processor: Any) -> Iterator[Observation]:
        yield Observation(processor._pending(), own)

    def limit(processor: Any) -> Iterator[Observation]:
        yield Observation(capacity, own)

    def processed(processor: Any) -> Iterator[Observation]:
        stats = processor.stats()
        yield Observation(stats["queued"] - processor._pending(), own)
        if stats["dropped_full"]:
            yield Observation(stats["dropped_full"], {**own, "error.type": "queue_full"})

    up_down = meter.create_observable_up_down_counter
    up_down(f"{prefix}.queue.size", [_while_alive(processor, size)], unit,
            "What is in the queue of a processor")  # fmt: skip
    if capacity:
        up_down(f"{prefix}.queue.capacity", [_while_alive(processor, limit)], unit,
                "What the queue of a processor can hold")  # fmt: skip
    meter.create_observable_counter(
        f"{prefix}.processed",
        [_while_alive(processor, processed)],
        unit,
        "What a processor has handed on, successfully or not",
    )


class ReaderMetrics:
    """``otel.sdk.metric_reader.*`` of a metric reader; nothing unless it is wanted."""

    def __init__(self, kind: str, meter_provider: MeterProvider) -> None:
        meter = meter_provider.get_meter(_METER)
        self._own = _component(kind)
        self._duration = meter.create_histogram(
            "otel.sdk.metric_reader.collection.duration",
            "s",
            "The duration of the collect operation of a metric reader",
        )

    def collected(self, seconds: float) -> None:
        self._duration.record(seconds, self._own)


_EXPORTED = {"traces": "span", "logs": "log", "metrics": "metric_data_point"}


class ExporterMetrics:
    """``otel.sdk.exporter.*`` of one OTLP exporter: of the native queues it sends from, and of what Python sends for it.

    Told to ``stop()`` it says nothing more: another one has taken over.
    """

    def __init__(
        self, signal: str, protocol: str, url: str, meter_provider: MeterProvider | None
    ) -> None:
        meter = (meter_provider or get_meter_provider()).get_meter(_METER)
        noun = _EXPORTED[signal]
        kind = f"otlp_{protocol.replace('/', '_')}_{signal.rstrip('s')}_exporter"
        kind = kind.replace("trace", "span")
        self._own = {**_component(kind), **(_server(url) if protocol != "file" else {})}
        self._lanes: list[tuple[Any, bool]] = []
        self._sent: Counter[str] = Counter()  # by Python, by error
        self._inflight = 0
        unit = _UNITS[noun]
        self._duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration", "s", "The duration of exporting a batch"
        )
        meter.create_observable_counter(
            f"otel.sdk.exporter.{noun}.exported",
            [_while_alive(self, ExporterMetrics._read_exported)],
            unit,
            "What has been exported, successfully or not",
        )
        meter.create_observable_up_down_counter(
            f"otel.sdk.exporter.{noun}.inflight",
            [_while_alive(self, ExporterMetrics._read_inflight)],
            unit,
            "What was given to the exporter and not exported yet",
        )

    def watch(self, lane: Any, behind_queue: bool) -> None:
        """``behind_queue``: what waits in the lane is a processor's still, and not the exporter's."""
        lane.take_operations()  # kept from now on
        self._lanes.append((lane, behind_queue))

    def take_over(self, other: ExporterMetrics) -> None:
        """The lanes of another one, which says nothing more."""
        self._lanes, other._lanes = other._lanes, []

    def operation(self, count: int, send: Callable[[], bool]) -> bool:
        """One request that Python sends."""
        self._inflight += count
        begun = perf_counter()
        error = ""
        try:
            done = send()
            error = "" if done else "_OTHER"
            return done
        except Exception as exception:
            error = type(exception).__qualname__
            raise
        finally:
            self._inflight -= count
            self._sent[error] += count
            self._duration.record(perf_counter() - begun, self._with(error))

    def _with(self, error: str) -> dict[str, Any]:
        return {**self._own, "error.type": error} if error else self._own

    def _read_exported(self) -> Iterator[Observation]:
        counts = Counter(self._sent)
        for lane, _ in self._lanes:
            stats: Mapping[str, int] = lane.stats()
            counts[""] += stats["sent"]
            counts["_OTHER"] += stats["dropped_failed"]
            counts["rejected"] += stats["rejected"]
        for error, count in counts.items():
            if count or not error:
                yield Observation(count, self._with(error))

    def _read_inflight(self) -> Iterator[Observation]:
        count = self._inflight
        for lane, behind_queue in self._lanes:
            stats = lane.stats()
            done = stats["sent"] + stats["dropped_failed"] + stats["rejected"]
            count += max(0, stats["queued"] - done - (lane.pending if behind_queue else 0))
            for seconds, error in lane.take_operations():
                self._duration.record(seconds, self._with(error.strip()))
        yield Observation(count, self._own)


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    found = {
        "server.address": parts.hostname or "",
        "server.port": port or _PORTS.get(parts.scheme),
    }
    return {name: value for name, value in found.items() if value}


_PORTS = {"http": 80, "https": 443}
