"""OpenMetrics: the format, written and read."""
