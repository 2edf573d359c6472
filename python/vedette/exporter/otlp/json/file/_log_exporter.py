"""``opentelemetry.exporter.otlp.json.file._log_exporter``"""

from __future__ import annotations

import os
from typing import IO

from vedette.exporter.otlp._logs import OtlpLogRecordExporter
from vedette.exporter.otlp.json.file._file import FileExporter


class FileLogExporter(OtlpLogRecordExporter, FileExporter):
    """Writes log records to the file at ``path``, appending, or to ``stream``; else to the standard output."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, stream: IO[str] | None = None
    ) -> None:
        FileExporter.__init__(self, "logs", path, stream)


__all__ = ["FileLogExporter"]
