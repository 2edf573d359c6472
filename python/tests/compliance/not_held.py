"""Rows of the matrix that do not hold, with the reason: (section, name) -> reason."""

NOT_HELD: dict[tuple[str, str], str] = {
    (
        "Traces",
        "Sampler: JaegerRemoteSampler",
    ): "as upstream: a plug-in's, by OTEL_TRACES_SAMPLER",
    (
        "Traces",
        "TraceIdRatioBased sampler implements OpenTelemetry tracestate `th` field",
    ): "it decides as upstream's; ErrorAware and the composable samplers write `th`",
    (
        "Context Propagation",
        "OpenCensus Binary Propagator",
    ): "its carrier is bytes; as upstream: there is none",
    (
        "Exporters",
        "Concurrent sending",
    ): "one request at a time for each exporter, as upstream has it",
    ("Exporters", "Zipkin V1 Thrift"): "as upstream: there is none",
    (
        "Exporters",
        "Delta Non-Monotonic Sums become Cumulative Prometheus Counters",
    ): "the specification has them dropped, which is done; delta sums that are monotonic become counters",
}
