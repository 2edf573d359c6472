"""``opentelemetry.exporter.otlp.proto.grpc``"""
