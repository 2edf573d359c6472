"""``opentelemetry.exporter.zipkin``: spans in Zipkin's formats, for who has a Zipkin (specification:
trace/sdk_exporters/zipkin.md). Sent from a Python thread."""
