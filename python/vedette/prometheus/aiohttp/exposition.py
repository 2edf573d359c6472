"""The metrics as a handler of aiohttp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vedette.prometheus.exposition import _bake_output
from vedette.prometheus.registry import REGISTRY, Collector


def make_aiohttp_handler(
    registry: Collector = REGISTRY, disable_compression: bool = False
) -> Callable[..., Any]:
    """A handler that answers with the metrics."""
    from aiohttp import web

    async def prometheus_handler(request: Any) -> Any:
        query = {key: request.query.getall(key) for key in request.query}
        accept = ",".join(request.headers.getall("Accept", []))
        status, headers, output = _bake_output(registry, accept, "", query, True)
        response = web.Response(status=int(status.split(" ")[0]), headers=headers, body=output)
        if not disable_compression:
            response.enable_compression()
        return response

    return prometheus_handler
