"""Metrics for Graphite, in its plain text protocol."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from vedette.prometheus.registry import REGISTRY, Collector

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def _sanitize(text: str) -> str:
    return _FOREIGN.sub("_", text)


class GraphiteBridge:
    """Sends the metrics of a registry to ``address``; labels become parts of the path, or with ``tags`` tags."""

    def __init__(
        self,
        address: tuple[str, int],
        registry: Collector = REGISTRY,
        timeout_seconds: float = 30,
        _timer: Callable[[], float] = time.time,
        tags: bool = False,
    ) -> None:
        self._address = address
        self._registry = registry
        self._timeout = timeout_seconds
        self._timer = _timer
        self._separators = (";", "=") if tags else (".", ".")

    def push(self, prefix: str = "") -> None:
        """Sends once; OSError when that fails."""
        now = int(self._timer())
        begin = prefix + "." if prefix else ""
        lines = [
            f"{begin}{self._path(sample)} {float(sample.value)} {now}\n"
            for family in self._registry.collect()
            for sample in family.samples
        ]
        with socket.create_connection(self._address, self._timeout) as connection:
            connection.sendall("".join(lines).encode("ascii", "replace"))

    def _path(self, sample: Any) -> str:
        between, equals = self._separators
        labels = [_sanitize(k) + equals + _sanitize(v) for k, v in sorted(sample.labels.items())]
        return between.join([_sanitize(sample.name), *labels])

    def start(self, interval: float = 60.0, prefix: str = "") -> None:
        """Sends every ``interval`` seconds, from a daemon thread; what fails is logged and left out."""

        def run() -> None:
            due = time.monotonic()
            while True:
                try:
                    self.push(prefix)
                except OSError:
                    logging.getLogger("vedette").warning("Push failed", exc_info=True)
                now = time.monotonic()
                due += interval * max(1, -(-(now - due) // interval))
                pause.wait(due - now)

        pause = threading.Event()
        threading.Thread(target=run, daemon=True).start()
