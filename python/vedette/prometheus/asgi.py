"""The metrics as an ASGI app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from vedette.prometheus.exposition import _bake_output
from vedette.prometheus.registry import REGISTRY, Collector


def make_asgi_app(
    registry: Collector = REGISTRY, disable_compression: bool = False
) -> Callable[..., Any]:
    """An ASGI app that answers with the metrics, under any path."""

    async def prometheus_app(scope: Any, receive: Any, send: Any) -> None:
        assert scope.get("type") == "http"

        def header(wanted: bytes) -> str:
            values = [v for name, v in scope.get("headers") or () if name.lower() == wanted]
            return b",".join(values).decode("utf-8", "replace")

        status, headers, output = _bake_output(
            registry,
            header(b"accept"),
            header(b"accept-encoding"),
            parse_qs((scope.get("query_string") or b"").decode("utf-8", "replace")),
            disable_compression,
        )
        if (await receive()).get("type") != "http.request":
            return
        await send(
            {
                "type": "http.response.start",
                "status": int(status.split(" ")[0]),
                "headers": [(name.encode(), value.encode()) for name, value in headers],
            }
        )
        await send({"type": "http.response.body", "body": output})

    return prometheus_app
