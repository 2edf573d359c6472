"""``opentelemetry.exporter.otlp.json.file``: OTLP in lines of JSON, one for each batch (OpenTelemetry specification, "OTLP
File Exporter")."""

from vedette.exporter.otlp.json.file._log_exporter import FileLogExporter
from vedette.exporter.otlp.json.file.metric_exporter import FileMetricExporter
from vedette.exporter.otlp.json.file.trace_exporter import FileSpanExporter

__all__ = ["FileLogExporter", "FileMetricExporter", "FileSpanExporter"]
