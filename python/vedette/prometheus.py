"""``prometheus_client``, recorded and rendered natively.

    from vedette.prometheus import Counter, Histogram, Gauge, generate_latest

    orders_created = Counter("orders_created_total", "Orders created", ["payment_method"])
    orders_created.labels(payment_method="card").inc()

Differences to ``prometheus_client``: no ``_created`` series; a metric holds at most ``series_limit`` series
(2,000), further ones are counted together as ``"__overflow__"`` and the label at fault is reported once.
"""

from __future__ import annotations

import gc
import platform
import sys
from collections.abc import Callable
from typing import Any

from vedette import _native

CONTENT_TYPE_LATEST = "text/plain; version=0.0.4; charset=utf-8"


class CollectorRegistry(_native.Registry):
    """A set of metrics that are exposed together."""

    def __init__(self, process: bool = False) -> None:
        self._functions: dict[int, tuple[Any, Callable[[], float]]] = {}
        self._collectors: list[Any] = []

    def register(self, collector: Any) -> None:
        """Adds a metric, or anything with ``collect()`` as ``prometheus_client`` knows it."""
        if hasattr(collector, "collect"):
            self._collectors.append(collector)
        else:
            self._add(collector)

    def unregister(self, collector: Any) -> None:
        if collector in self._collectors:
            self._collectors.remove(collector)
        else:
            self._remove(collector)

    def get_sample_value(self, name: str, labels: dict[str, str] | None = None) -> float | None:
        """The value of one sample, or None; for tests."""
        wanted = name
        if labels:
            pairs = ",".join(f'{key}="{_escape(value)}"' for key, value in sorted(labels.items()))
            wanted = f"{name}{{{pairs}}}"
        for line in generate_latest(self).decode().splitlines():
            sample, _, value = line.rpartition(" ")
            if sample == wanted:
                return float(value)
        return None


REGISTRY = CollectorRegistry(process=True)


class _Registered:
    """Metrics go to ``REGISTRY`` unless they are told otherwise; ``registry=None`` is nowhere."""

    _positional = 6  # name, documentation, labelnames, namespace, subsystem, unit

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) <= cls._positional:
            kwargs.setdefault("registry", REGISTRY)
        return super().__new__(cls, *args, **kwargs)


class Counter(_Registered, _native.Counter):
    """Only goes up."""

    __slots__ = ()


class Gauge(_Registered, _native.Gauge):
    """Goes up and down."""

    __slots__ = ()

    def set_function(self, function: Callable[[], float]) -> None:
        """The value is asked for at each exposition."""
        _gauge_functions[id(self)] = (self, function)


class Histogram(_Registered, _native.Histogram):
    """Counts observations by size."""

    __slots__ = ()

    DEFAULT_BUCKETS = (
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, float("inf"),
    )  # fmt: skip


_gauge_functions: dict[int, tuple[Gauge, Callable[[], float]]] = {}


def generate_latest(registry: CollectorRegistry = REGISTRY) -> bytes:
    """The registry in Prometheus text format."""
    for gauge, function in list(_gauge_functions.values()):
        try:
            gauge.set(float(function()))
        except Exception:
            gauge.set(float("nan"))
    parts = [_python_metrics()] if registry is REGISTRY else []
    parts += [_collected(collector) for collector in registry._collectors]
    return "".join(parts).encode("utf-8", "replace") + registry._render()


def make_asgi_app(registry: CollectorRegistry = REGISTRY) -> Callable[..., Any]:
    """An ASGI app that answers with the metrics."""

    async def metrics_app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = generate_latest(registry)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", CONTENT_TYPE_LATEST.encode()),
                    (b"content-length", str(len(body)).encode()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    return metrics_app


def _escape(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))


_PYTHON_INFO = (
    "# HELP python_info Python platform information\n"
    "# TYPE python_info gauge\n"
    f'python_info{{implementation="{platform.python_implementation()}",major="{sys.version_info.major}",'
    f'minor="{sys.version_info.minor}",patchlevel="{sys.version_info.micro}",'
    f'version="{platform.python_version()}"}} 1.0\n'
)


def _python_metrics() -> str:
    lines = []
    for key, name, text in (
        ("collected", "python_gc_objects_collected_total", "Objects collected during gc"),
        (
            "uncollectable",
            "python_gc_objects_uncollectable_total",
            "Uncollectable objects found during GC",
        ),
        (
            "collections",
            "python_gc_collections_total",
            "Number of times this generation was collected",
        ),
    ):
        lines.append(f"# HELP {name} {text}\n# TYPE {name} counter\n")
        for generation, stats in enumerate(gc.get_stats()):
            lines.append(f'{name}{{generation="{generation}"}} {float(stats[key])}\n')
    return "".join(lines) + _PYTHON_INFO


def _collected(collector: Any) -> str:
    """A Python collector's metrics; one that fails costs only itself."""
    lines = []
    try:
        for metric in collector.collect():
            name = metric.name + ("_total" if metric.type == "counter" else "")
            help_text = metric.documentation.replace("\\", "\\\\").replace("\n", "\\n")
            kind = {"unknown": "untyped", "info": "gauge", "stateset": "gauge"}.get(
                metric.type, metric.type
            )
            lines.append(f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n")
            for sample in metric.samples:
                pairs = ",".join(
                    f'{key}="{_escape(value)}"' for key, value in sorted(sample.labels.items())
                )
                lines.append(
                    f"{sample.name}{'{' + pairs + '}' if pairs else ''} {_number(sample.value)}\n"
                )
    except Exception:
        return ""
    return "".join(lines)


__all__ = [
    "CONTENT_TYPE_LATEST",
    "REGISTRY",
    "CollectorRegistry",
    "Counter",
    "Gauge",
    "Histogram",
    "generate_latest",
    "make_asgi_app",
]
