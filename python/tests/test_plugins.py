"""Users' plug-ins, named by entry points, and users' own providers, under `vedette run`."""

from __future__ import annotations

import json

import pytest
from sink import attributes
from test_doctor import installed
from test_ways import RUN, answer, run

PLUGINS = """
import json, os
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import Resource, ResourceDetector
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

def said(kind, what):
    with open(os.environ["SAID"], "a") as file:
        file.write(json.dumps([kind, what]) + "\\n")

class Spans(SpanExporter):
    def export(self, spans):
        for s in spans:
            said("span", [s.name, s.context.trace_id, s.attributes["chosen"], s.resource.attributes["found"]])
        return SpanExportResult.SUCCESS

class Metrics(MetricExporter):
    def export(self, metrics_data, timeout_millis=10_000, **more):
        for scope in metrics_data.resource_metrics[0].scope_metrics:
            for metric in scope.metrics if scope.scope.name != "vedette" else ():
                said("metric", metric.name)
        return MetricExportResult.SUCCESS
    def force_flush(self, timeout_millis=10_000): return True
    def shutdown(self, timeout_millis=30_000, **more): pass

class Logs(LogRecordExporter):
    def export(self, batch):
        for one in batch:
            said("log", one.log_record.body)
        return LogRecordExportResult.SUCCESS
    def shutdown(self): pass
    def force_flush(self, timeout_millis=10_000): return True

class Chooser(Sampler):
    def __init__(self, argument): self.argument = argument
    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, **more):
        return SamplingResult(Decision.RECORD_AND_SAMPLE, {"chosen": self.argument})
    def get_description(self): return "Chooser"

class Ids(IdGenerator):
    def generate_trace_id(self): return 4711
    def generate_span_id(self): return 12

class Found(ResourceDetector):
    def detect(self): return Resource({"found": "here"})

class Carrier(TextMapPropagator):
    fields = {"x-mine"}
    def extract(self, carrier, context=None, getter=None): return context
    def inject(self, carrier, context=None, setter=None): carrier["x-mine"] = "1"

class Fails:
    def __init__(self, *given): raise RuntimeError("does not want to")

def by_scope(scope):
    from opentelemetry.sdk.trace import _TracerConfig
    return _TracerConfig(is_enabled=scope.name != "off")
"""

ENTRY_POINTS = """
[opentelemetry_traces_exporter]
mine = mine:Spans
fails = mine:Fails
[opentelemetry_metrics_exporter]
mine = mine:Metrics
fails = mine:Fails
[opentelemetry_logs_exporter]
mine = mine:Logs
fails = mine:Fails
[opentelemetry_traces_sampler]
chooser = mine:Chooser
fails = mine:Fails
[opentelemetry_id_generator]
mine = mine:Ids
fails = mine:Fails
[opentelemetry_resource_detector]
mine = mine:Found
fails = mine:Fails
[opentelemetry_propagator]
mine = mine:Carrier
fails = mine:Fails
[_opentelemetry_tracer_configurator]
mine = mine:by_scope
"""

PROGRAM = """
import json
from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import get_logger
trace.get_tracer("on").start_span("s").end()
trace.get_tracer("off").start_span("never").end()
metrics.get_meter("m").create_counter("counted").add(1)
get_logger("l").emit(body="logged")
carrier = {}
propagate.inject(carrier)
print(json.dumps(carrier))
"""


@pytest.fixture
def plugins(tmp_path):
    """Runs PROGRAM under `vedette run` with plug-ins of that name; gives the process and what they were told."""
    installed(tmp_path, "mine", "1.0", ENTRY_POINTS)
    (tmp_path / "mine.py").write_text(PLUGINS)
    said = tmp_path / "said"
    said.touch()

    def start(name, **more):
        names = {
            f"OTEL_{signal}_EXPORTER": name.replace("chooser", "mine")
            for signal in ("TRACES", "METRICS", "LOGS")
        }
        done = run(
            RUN, PROGRAM, PYTHONPATH=str(tmp_path), SAID=str(said),
            **{**names, "OTEL_PYTHON_ID_GENERATOR": name, "OTEL_PROPAGATORS": name,
               "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": name, "OTEL_TRACES_SAMPLER": name, **more},
        )  # fmt: skip
        return done, [json.loads(line) for line in said.read_text().splitlines()]

    return start


def test_plugins_by_name(plugins):
    done, said = plugins(
        "mine",
        OTEL_TRACES_SAMPLER="chooser",
        OTEL_TRACES_SAMPLER_ARG="by me",
        OTEL_PYTHON_TRACER_CONFIGURATOR="mine",
    )
    assert answer(done) == {"x-mine": "1"}
    assert done.stderr == ""
    assert sorted(said) == [
        ["log", "logged"],
        ["metric", "counted"],
        ["span", ["s", 4711, "by me", "here"]],
    ]


def test_plugins_that_fail_are_said_and_left_out(plugins):
    done, said = plugins("fails")
    assert done.returncode == 0 and said == []
    for variable in (
        "OTEL_TRACES_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_LOGS_EXPORTER",
        "OTEL_TRACES_SAMPLER",
        "OTEL_PROPAGATORS",
        "OTEL_PYTHON_ID_GENERATOR",
        "resource detector",
    ):
        assert variable in done.stderr


def test_meters_and_loggers_of_the_app_take_over(http_sink):
    """What was given out before works for the app's own providers from then on."""
    done = run(
        RUN,
        """
        import json
        from opentelemetry import _logs, metrics
        early = metrics.get_meter("early").create_counter("early")
        early.add(1)
        early_logger = _logs.get_logger("early")
        early_logger.emit(body="for Vedette's")
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        reader, kept = InMemoryMetricReader(), InMemoryLogRecordExporter()
        loggers = LoggerProvider()
        loggers.add_log_record_processor(SimpleLogRecordProcessor(kept))
        _logs.set_logger_provider(loggers)
        metrics.set_meter_provider(MeterProvider([reader]))
        early.add(2)
        metrics.get_meter("late").create_counter("late").add(3)
        _logs.get_logger("late").emit(body="for the app's")
        found = [
            [metric.name, metric.data.data_points[0].value]
            for scope in reader.get_metrics_data().resource_metrics[0].scope_metrics
            for metric in scope.metrics
            if scope.scope.name != "vedette"  # what our own instrumentations count
        ]
        assert _logs.get_logger_provider() is loggers
        print(json.dumps([sorted(found), [d.log_record.body for d in kept.get_finished_logs()]]))
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base,
        OTEL_TRACES_EXPORTER="none",
        OTEL_METRICS_EXPORTER="otlp",
    )
    assert answer(done) == [[["early", 2], ["late", 3]], ["for the app's"]]
    first = http_sink.metrics_by_name()["early"].sum.data_points[0]
    assert first.as_int == 1, "what was counted before was sent before"
    (record,) = http_sink.logs[0].resource_logs[0].scope_logs[0].log_records
    assert record.body.string_value == "for Vedette's"
    assert "service.name" in attributes(http_sink.logs[0].resource_logs[0].resource)
