"""``opentelemetry.exporter.otlp.json.http``"""

from vedette.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
from vedette.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter

__all__ = ["OTLPMetricExporter", "OTLPSpanExporter"]
