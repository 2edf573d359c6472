"""Rows of the matrix that do not hold, with the reason: (section, name) -> reason."""

_PRODUCERS = "There are no metric producers, as upstream has none; readers collect from meter providers alone."

NOT_HELD: dict[tuple[str, str], str] = {
    (
        "Metrics",
        "The `MeterProvider` supports configuring `view_matching_mode` to enable composable View matching.",
    ): "Each view that matches makes a stream of its own, as upstream has it.",
    ("Metrics", "A metric Producer accepts an optional metric Filter"): _PRODUCERS,
    (
        "Metrics",
        "The metric Reader implementation supports registering metric Filter and passing them its registered metric "
        "Producers",
    ): _PRODUCERS,
    (
        "Metrics",
        "The metric SDK's metric Producer implementations uses the metric Filter",
    ): _PRODUCERS,
}

NOT_HELD.update(
    {
        (
            "Traces",
            "Sampler: JaegerRemoteSampler",
        ): "as upstream: a plug-in's, by OTEL_TRACES_SAMPLER",
        (
            "Traces",
            "TraceIdRatioBased sampler implements OpenTelemetry tracestate `th` field",
        ): "it decides as upstream's; ErrorAware and the composable samplers write `th`",
        ("Logs", "OTLP File exporter"): "as upstream: there is none",
        (
            "Context Propagation",
            "OpenCensus Binary Propagator",
        ): "its carrier is bytes; as upstream: there is none",
        (
            "Exporters",
            "OTLP/HTTP JSON Protobuf Exporter",
        ): "protobuf alone is sent, as upstream has it",
        (
            "Exporters",
            "Concurrent sending",
        ): "one request at a time for each exporter, as upstream has it",
        ("Exporters", "Zipkin V1 Thrift"): "as upstream: there is none",
        (
            "Exporters",
            "Delta Non-Monotonic Sums become Cumulative Prometheus Counters",
        ): "its reader collects cumulative data only, as upstream's",
        (
            "Exporters",
            "Delta Histograms become Cumulative Prometheus Histograms",
        ): "its reader collects cumulative data only, as upstream's",
    }
)
