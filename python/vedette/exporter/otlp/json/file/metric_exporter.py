"""``opentelemetry.exporter.otlp.json.file.metric_exporter``"""

from __future__ import annotations

import os
from typing import IO

from vedette.exporter.otlp._metrics import OtlpMetricExporter
from vedette.exporter.otlp.json.file._file import FileExporter
from vedette.sdk.metrics.export import AggregationTemporality
from vedette.sdk.metrics.view import Aggregation


class FileMetricExporter(OtlpMetricExporter, FileExporter):
    """Writes metrics to the file at ``path``, appending, or to ``stream``; else to the standard output."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        stream: IO[str] | None = None,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
    ) -> None:
        FileExporter.__init__(self, "metrics", path, stream)
        OtlpMetricExporter.__init__(self, preferred_temporality, preferred_aggregation, None)


__all__ = ["FileMetricExporter"]
