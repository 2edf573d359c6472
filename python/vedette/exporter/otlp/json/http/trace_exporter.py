"""``opentelemetry.exporter.otlp.json.http.trace_exporter``"""

from vedette.exporter.otlp.proto.http import trace_exporter


class OTLPSpanExporter(trace_exporter.OTLPSpanExporter):
    """Sends spans by OTLP/HTTP in JSON; see the class for protobuf, whose arguments it has."""

    _protocol = "http/json"


__all__ = ["OTLPSpanExporter"]
