"""``opentelemetry.exporter.otlp.json.http.metric_exporter``"""

from vedette.exporter.otlp.proto.http import metric_exporter


class OTLPMetricExporter(metric_exporter.OTLPMetricExporter):
    """Sends metrics by OTLP/HTTP in JSON; see the class for protobuf, whose arguments it has."""

    _protocol = "http/json"


__all__ = ["OTLPMetricExporter"]
