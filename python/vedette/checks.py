"""Ready-made health checks, for ``vedette.health(app, checks={"name": check, …})``.

An engine of SQLAlchemy, a pool of asyncpg or psycopg or a redis client is a check as it is; :func:`http` and
:func:`disk` make some for what is no object. Every check is a function without arguments, or a coroutine function: it
raises, or returns ``False``, when something is wrong. One that blocks runs on a thread.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from http import client as http_client
from typing import Any
from urllib.parse import urlsplit

Check = Any
"""A function or coroutine function that raises (or returns False) when something is wrong; a SQLAlchemy engine, sync or
async; a pool or connection of asyncpg; a pool of psycopg; a redis client, sync or async."""

_HTTP_SECONDS = 5.0


def http(url: str, *, timeout: float = _HTTP_SECONDS) -> Callable[[], None]:
    """A check that ``GET url`` is answered with a status below 400. Redirections count as answers. ``timeout`` in
    seconds ends the connection; the deadline of the check may be shorter."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http URL: {url!r}")
    secure = parts.scheme == "https"
    kind = http_client.HTTPSConnection if secure else http_client.HTTPConnection
    host, port = parts.hostname, parts.port
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def check() -> None:
        connection = kind(host, port, timeout=timeout)
        try:
            connection.request("GET", target, headers={"User-Agent": "vedette-health"})
            status = connection.getresponse().status
        finally:
            connection.close()
        if status >= 400:
            raise RuntimeError(f"{host} answered {status}")

    return check


def disk(path: str = "/", *, free_bytes: int = 100 << 20) -> Callable[[], None]:
    """A check that at least ``free_bytes`` are free on the file system that holds ``path``."""

    def check() -> None:
        free = shutil.disk_usage(path).free
        if free < free_bytes:
            raise RuntimeError(
                f"{free / (1 << 20):.0f} MiB are free at {path}, less than {free_bytes / (1 << 20):.0f}"
            )

    return check
