"""A meter provider whose metrics can be looked at, for the rows about metrics."""

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from vedette.sdk.metrics import (
    MeterProvider,
)
from vedette.sdk.metrics.export import (
    InMemoryMetricReader,
)

SAMPLED = NonRecordingSpan(SpanContext(0xA1, 0xB2, False, TraceFlags(1)))
UNSAMPLED = NonRecordingSpan(SpanContext(0xA3, 0xB4, False, TraceFlags(0)))


class Setup:
    """A provider with a reader that keeps what it collects."""

    def __init__(self, views=(), reader=None, **provider):
        self.reader = reader or InMemoryMetricReader()
        self.provider = MeterProvider(
            [self.reader], shutdown_on_exit=False, views=views, **provider
        )
        self.meter = self.provider.get_meter("meter", "1.0", "http://schema")

    def resource(self):
        return self.reader.get_metrics_data().resource_metrics[0]

    def collect(self):
        """Metrics by name."""
        data = self.reader.get_metrics_data()
        scopes = data.resource_metrics[0].scope_metrics if data else ()
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def points(self, name):
        return self.collect()[name].data.data_points

    def values(self, name):
        return {tuple(p.attributes.items()): p.value for p in self.points(name)}
