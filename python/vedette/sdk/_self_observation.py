"""What the SDK says of itself: the ``otel.sdk.*`` metrics (semantic conventions, "OpenTelemetry SDK metrics").

Nothing is counted for them that is not counted anyway: the numbers are read when metrics are collected, through
opentelemetry-api's meters. On if ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED`` says so.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter_provider

from vedette import _env

_METER = "opentelemetry-sdk"
_UNITS = {"span": "{span}", "log": "{log_record}"}
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
    """``otel.sdk.processor.{span,log}.*`` and ``otel.sdk.exporter.{span,log}.*`` of a processor with a queue.

    ``signal`` is "span" or "log"; ``processor`` has ``stats()`` and ``_pending()``, and ``_exporter`` and ``_lane`` if
    a native queue does the sending. A ``capacity`` of 0 is not said: the queue is bounded by bytes.
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
    if getattr(processor, "_lane", None) is not None:
        _observe_exporter(processor, signal, meter)


def _observe_exporter(processor: Any, signal: str, meter: Any) -> None:
    exporter = processor._exporter
    own = {
        **_component(
            f"otlp_{'grpc' if exporter._protocol == 'grpc' else 'http'}_{signal}_exporter"
        ),
        **_server(processor._lane.url),
    }
    unit = _UNITS[signal]

    def exported(processor: Any) -> Iterator[Observation]:
        stats: Mapping[str, int] = processor.stats()
        yield Observation(stats["sent"], own)
        for what, error in (("dropped_failed", "_OTHER"), ("rejected", "rejected")):
            if stats[what]:
                yield Observation(stats[what], {**own, "error.type": error})

    def inflight(processor: Any) -> Iterator[Observation]:
        stats = processor.stats()
        done = stats["sent"] + stats["dropped_failed"] + stats["rejected"]
        yield Observation(max(0, stats["queued"] - processor._pending() - done), own)
        for seconds, error in processor._lane.take_operations():
            duration.record(seconds, {**own, "error.type": error.strip()} if error else own)

    duration = meter.create_histogram(
        "otel.sdk.exporter.operation.duration", "s", "The duration of exporting a batch"
    )
    processor._lane.take_operations()  # kept from now on
    meter.create_observable_counter(
        f"otel.sdk.exporter.{signal}.exported",
        [_while_alive(processor, exported)],
        unit,
        "What has been exported, successfully or not",
    )
    meter.create_observable_up_down_counter(
        f"otel.sdk.exporter.{signal}.inflight",
        [_while_alive(processor, inflight)],
        unit,
        "What was given to the exporter and not exported yet",
    )


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {"server.address": parts.hostname or "", "server.port": parts.port or 0}
