"""OTLP in JSON (opentelemetry-proto, "JSON Protobuf Encoding"): sent by HTTP, or written to files."""
