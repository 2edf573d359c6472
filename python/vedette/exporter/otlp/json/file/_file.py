"""Where lines of JSON go: a file, which the native thread writes, or a stream, which Python does."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import IO

from vedette import _native
from vedette.exporter.otlp._lane import OtlpExporter

logger = logging.getLogger("vedette")


class FileExporter(OtlpExporter):
    """With a ``path`` lines are appended natively: each with one write(), to whatever file has the name then. Raises OSError
    for a path that cannot be written to, ValueError for two destinations."""

    _protocol = "file"

    def __init__(
        self, signal: str, path: str | os.PathLike[str] | None, stream: IO[str] | None
    ) -> None:
        if path is not None and stream is not None:
            raise ValueError("Cannot specify both 'path' and 'stream'")
        name = "" if path is None else os.path.abspath(path)
        super().__init__(signal, name, True, None, None, "none", None, None, None)
        if path is None:
            self._sender = StreamSender(signal, sys.stdout if stream is None else stream)
        else:
            with open(name, "a", encoding="utf-8"):
                pass
        self._set_meter_provider(None)


class StreamSender:
    """Writes requests to a stream of text, which stays the application's."""

    def __init__(self, signal: str, stream: IO[str]) -> None:
        self._signal = signal
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, body: bytes) -> bool:
        try:
            line = _native.otlp_json(self._signal, body) + "\n"
            with self._lock:
                self._stream.write(line)
                self._stream.flush()
        except Exception:
            logger.exception("%s could not be written.", self._signal)
            return False
        return True

    def close(self) -> None:
        """Nothing: it is not ours."""
