"""``opentelemetry.exporter.zipkin.proto``"""
