"""The metrics as a view of Django."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views import View

from vedette.prometheus.exposition import _bake_output
from vedette.prometheus.registry import REGISTRY, CollectorRegistry


class PrometheusDjangoView(View):
    """Answers with the metrics of ``registry``, ``REGISTRY`` unless it is set."""

    registry: CollectorRegistry | None = None

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answers."""
        query = {key: request.GET.getlist(key) for key in request.GET}
        status, headers, output = _bake_output(
            self.registry or REGISTRY,
            request.headers.get("Accept"),
            request.headers.get("Accept-Encoding"),
            query,
            False,
        )
        return HttpResponse(output, status=int(status.split(" ")[0]), headers=dict(headers))

    def options(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """What may be asked."""
        return HttpResponse(status=200, headers={"Allow": "OPTIONS,GET"})
