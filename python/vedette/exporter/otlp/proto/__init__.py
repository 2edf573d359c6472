"""Mirrors the package of the same name under ``opentelemetry``."""
