"""``opentelemetry.exporter.otlp.json.http._log_exporter``"""

from vedette.exporter.otlp.proto.http import _log_exporter


class OTLPLogExporter(_log_exporter.OTLPLogExporter):
    """Sends log records by OTLP/HTTP in JSON; see the class for protobuf, whose arguments it has."""

    _protocol = "http/json"


__all__ = ["OTLPLogExporter"]
