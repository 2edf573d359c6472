"""``prometheus_client``, recorded and rendered natively.

    from vedette.prometheus import Counter, Histogram, Gauge, generate_latest

    orders_created = Counter("orders_created_total", "Orders created", ["payment_method"])
    orders_created.labels(payment_method="card").inc()

Names, signatures and output are those of ``prometheus_client``. Beyond it:

- a service with several processes (gunicorn, uvicorn --workers, forks, multiprocessing) is answered for by each of
  them, without any setting;
- a metric holds at most ``series_limit`` series (2,000), further ones are counted together as ``"__overflow__"`` and
  the label at fault is reported once;
- counters and histograms keep the span that is current as an exemplar, shown in OpenMetrics;
- no value and no collector that fails breaks an exposition.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from vedette import _native
from vedette.prometheus import metrics
from vedette.prometheus._metric import Metric
from vedette.prometheus.gc_collector import GC_COLLECTOR, GCCollector
from vedette.prometheus.metrics import (
    Counter,
    Gauge,
    Histogram,
    Summary,
    disable_created_metrics,
    enable_created_metrics,
)
from vedette.prometheus.platform_collector import PLATFORM_COLLECTOR, PlatformCollector
from vedette.prometheus.process_collector import PROCESS_COLLECTOR, ProcessCollector
from vedette.prometheus.registry import REGISTRY, CollectorRegistry

if TYPE_CHECKING:
    from vedette.prometheus.exposition import (
        CONTENT_TYPE_LATEST,
        CONTENT_TYPE_PLAIN_0_0_4,
        CONTENT_TYPE_PLAIN_1_0_0,
        MetricsHandler,
        delete_from_gateway,
        generate_latest,
        instance_ip_grouping_key,
        make_asgi_app,
        make_wsgi_app,
        push_to_gateway,
        pushadd_to_gateway,
        start_http_server,
        start_wsgi_server,
        write_to_textfile,
    )
    from vedette.prometheus.metrics import Enum, Info

os.register_at_fork(
    before=_native.metrics_before_fork, after_in_child=_native.metrics_after_fork_in_child
)

__all__ = (
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_PLAIN_0_0_4",
    "CONTENT_TYPE_PLAIN_1_0_0",
    "GC_COLLECTOR",
    "PLATFORM_COLLECTOR",
    "PROCESS_COLLECTOR",
    "REGISTRY",
    "CollectorRegistry",
    "Counter",
    "Enum",
    "GCCollector",
    "Gauge",
    "Histogram",
    "Info",
    "Metric",
    "MetricsHandler",
    "PlatformCollector",
    "ProcessCollector",
    "Summary",
    "delete_from_gateway",
    "disable_created_metrics",
    "enable_created_metrics",
    "generate_latest",
    "instance_ip_grouping_key",
    "make_asgi_app",
    "make_wsgi_app",
    "push_to_gateway",
    "pushadd_to_gateway",
    "start_http_server",
    "start_wsgi_server",
    "write_to_textfile",
)


def __getattr__(name: str) -> Any:
    # On first use: what is shown to others, and how, is not needed for recording.
    if name in ("Enum", "Info"):
        return getattr(metrics, name)
    if name in ("exposition", "metrics_core", "openmetrics", "samples"):
        return importlib.import_module(f"vedette.prometheus.{name}")
    if name in __all__:
        return getattr(importlib.import_module("vedette.prometheus.exposition"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
