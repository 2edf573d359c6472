"""The metrics as a resource of Twisted."""

from __future__ import annotations

from typing import Any

from vedette.prometheus.exposition import make_wsgi_app
from vedette.prometheus.registry import REGISTRY, Collector


def MetricsResource(registry: Collector = REGISTRY) -> Any:
    """A resource that answers with the metrics."""
    from twisted.internet import reactor
    from twisted.web.wsgi import WSGIResource

    return WSGIResource(reactor, reactor.getThreadPool(), make_wsgi_app(registry))


__all__ = ["MetricsResource"]
