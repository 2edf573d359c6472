"""OTLP in JSON: sent by HTTP, and written to files."""

import contextlib
import io
import json
import logging
import math
import os
import select
import threading

import pytest
import sink
from opentelemetry import _logs as logs_api
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from rows import row
from vedette import _components, _native
from vedette.configuration import create, parse
from vedette.exporter.otlp.json.file import FileLogExporter, FileMetricExporter, FileSpanExporter
from vedette.exporter.otlp.json.http import OTLPMetricExporter, OTLPSpanExporter
from vedette.exporter.otlp.json.http._log_exporter import OTLPLogExporter
from vedette.sdk._logs import LoggerProvider
from vedette.sdk._logs.export import BatchLogRecordProcessor
from vedette.sdk.metrics import MeterProvider
from vedette.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from vedette.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

WAIT_MS = 30_000
RESOURCE = Resource({"service.name": "s", "ports": [80, 443]}, "http://schema")
VALUES = {
    "text": 'with "quotes", \\ and \n, ü and 😀, \x00',
    "surrogate": "\ud800",
    "flag": False,
    "negative": -(2**63),
    "large": 2**63 - 1,
    "whole": 1.0,
    "small": 5e-324,
    "nan": math.nan,
    "infinite": math.inf,
    "minus": -math.inf,
    "bytes": b"\xff\x00abc",
    "list": ["a", "b"],
    "empty": "",
}


def record_spans(provider):
    tracer = provider.get_tracer("lib", "1", attributes={"team": "a"})
    other = SpanContext(2**127 + 5, 2**63 + 7, True, TraceFlags(1))
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER, attributes=VALUES):
        span = tracer.start_span("child", links=[Link(other, {"why": "x"})])
        span.add_event("happened", {"n": 1}, timestamp=17)
        span.set_status(Status(StatusCode.ERROR, "bad"))
        span.end()


def encoded_spans():
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    record_spans(provider)
    return _native.encode_spans(kept.get_finished_spans())


def record_metrics(provider):
    meter = provider.get_meter("lib")
    meter.create_counter("counter").add(3, {"a": 1})
    meter.create_up_down_counter("down").add(-4)
    meter.create_gauge("gauge", "s").set(0.5)
    histogram = meter.create_histogram("histogram")
    exponential = meter.create_histogram("exponential")
    context = trace.set_span_in_context(
        trace.NonRecordingSpan(SpanContext(5, 6, False, TraceFlags(1)))
    )
    for value in (0, 1e-9, 3, 1e12):
        histogram.record(value, context=context)
        exponential.record(value)


VIEWS = [
    View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation(4)),
]


def encoded_metrics():
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False, views=VIEWS)
    record_metrics(provider)
    return _native.encode_metrics(reader.get_metrics_data())


def record_logs(provider):
    logger = provider.get_logger("lib")
    body = {"nested": {"list": [1, None, {"b": b"\x01"}], "empty": {}}, "f": 1.5}
    logger.emit(
        logs_api.LogRecord(
            timestamp=2**63 + 1,
            severity_number=logs_api.SeverityNumber.ERROR,
            severity_text="bad",
            body=body,
            attributes=VALUES,
            event_name="e",
        )
    )
    logger.emit(logs_api.LogRecord(body="text"))


def encoded_logs(http_sink):
    from vedette.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as Binary

    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(Binary(http_sink.base + "/v1/logs"), max_export_batch_size=9)
    )
    record_logs(provider)
    assert provider.force_flush(WAIT_MS)
    provider.shutdown()
    return http_sink.bodies[-1]


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_json_says_what_protobuf_says(signal, http_sink):
    make = {"traces": encoded_spans, "metrics": encoded_metrics}
    body = make[signal]() if signal in make else encoded_logs(http_sink)
    text = _native.otlp_json(signal, body)
    assert "\n" not in text
    expected = sink.REQUESTS[signal].FromString(body)
    # By text: a NaN is not equal to itself.
    assert str(sink.from_json(signal, text)) == str(expected)
    assert expected.ByteSize() > 400


def test_the_forms_of_values():
    text = _native.otlp_json("traces", encoded_spans())
    (group,) = json.loads(text)["resourceSpans"]
    assert group["schemaUrl"] == "http://schema"
    child, parent = group["scopeSpans"][0]["spans"]
    assert (parent["kind"], child["status"]) == (2, {"message": "bad", "code": 2})
    assert child["parentSpanId"] == parent["spanId"] and len(parent["traceId"]) == 32
    assert child["links"][0]["traceId"] == f"{2**127 + 5:032x}"
    assert child["events"][0]["timeUnixNano"] == "17"
    assert isinstance(parent["startTimeUnixNano"], str)
    values = {item["key"]: item["value"] for item in parent["attributes"]}
    assert values["negative"] == {"intValue": str(-(2**63))}
    assert values["nan"] == {"doubleValue": "NaN"}
    assert values["minus"] == {"doubleValue": "-Infinity"}
    assert values["bytes"] == {"bytesValue": "/wBhYmM="}
    assert values["flag"] == {"boolValue": False} and values["empty"] == {"stringValue": ""}


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_whatever_the_bytes_json_comes_out(signal):
    body = encoded_spans()
    for cut in range(0, len(body), 3):
        json.loads(_native.otlp_json(signal, body[:cut] + b"\xff" * 3 + body[cut + 3 :]))
    deep = b""
    for _ in range(3000):
        deep = b"\x0a" + sink_varint(len(deep)) + deep
    json.loads(_native.otlp_json(signal, deep))


def sink_varint(number):
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


# ---- HTTP ----


def send_everything(http_sink, **options):
    base = http_sink.base
    traces = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(base + "/v1/traces", **options)))
    record_spans(traces)
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(base + "/v1/metrics", **options), math.inf
    )
    metrics = MeterProvider([reader], RESOURCE, shutdown_on_exit=False, views=VIEWS)
    record_metrics(metrics)
    logs = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(base + "/v1/logs", **options))
    )
    record_logs(logs)
    for provider in (traces, metrics, logs):
        assert provider.force_flush(WAIT_MS)
        provider.shutdown()


@row("Exporters", "OTLP/HTTP JSON Protobuf Exporter")
@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_http(http_sink, compression):
    send_everything(http_sink, compression=compression)
    assert {headers["Content-Type"] for headers in http_sink.headers} == {"application/json"}
    assert http_sink.headers[0].get("Content-Encoding", "none") == compression
    assert {name for name in http_sink.by_name()} == {"parent", "child"}
    assert set(http_sink.metrics_by_name()) >= {"counter", "gauge", "exponential"}
    assert http_sink.metrics_by_name()["down"].sum.data_points[0].as_int == -4
    (request,) = http_sink.logs
    records = request.resource_logs[0].scope_logs[0].log_records
    assert [record.event_name for record in records] == ["e", ""]


def test_a_session_sends_json_as_well(http_sink):
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        send_everything(http_sink, session=session)
    assert {headers["content-type"] for headers in http_sink.headers} == {"application/json"}
    assert http_sink.requests and http_sink.metrics and http_sink.logs


def test_partial_success(http_sink, capfd):
    message = 'two were "odd" \\ "rejectedSpans": 7'
    answer = json.dumps({"partialSuccess": {"errorMessage": message, "rejectedSpans": "2"}})
    http_sink.answers = [(200, {"Content-Type": "application/json"}, answer.encode())]
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(OTLPSpanExporter(http_sink.url))
    provider.add_span_processor(processor)
    for i in range(5):
        provider.get_tracer("t").start_span(f"s{i}").end()
    provider.force_flush(WAIT_MS)
    provider.shutdown()
    assert (processor.stats()["sent"], processor.stats()["rejected"]) == (3, 2)
    assert f"rejected 2 spans: {message}" in capfd.readouterr().err


@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_{}_PROTOCOL"]
)
def test_the_protocol_variable(variable, monkeypatch):
    kinds = {"traces": OTLPSpanExporter, "metrics": OTLPMetricExporter, "logs": OTLPLogExporter}
    for signal, kind in kinds.items():
        monkeypatch.setenv(variable.format(signal.upper()), "http/json")
        assert _components.exporter(signal, "otlp") is kind


def test_the_encoding_of_a_configuration_file(http_sink):
    made = create(
        parse(f"""{{file_format: "1.0", tracer_provider: {{processors: [{{simple: {{exporter: {{otlp_http:
            {{endpoint: "{http_sink.url}", encoding: json}}}}}}}}]}}}}""")
    )
    made.tracer_provider.get_tracer("t").start_span("s").end()
    assert made.tracer_provider.force_flush(WAIT_MS)
    made.tracer_provider.shutdown()
    assert http_sink.headers[0]["Content-Type"] == "application/json"


# ---- files ----


def spans_in(text):
    requests = [sink.from_json("traces", line) for line in text.splitlines()]
    return [
        span.name
        for request in requests
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def write_span(exporter, name):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("t").start_span(name).end()
    assert provider.force_flush(WAIT_MS)
    return provider


def test_spans_are_appended_to_a_file(tmp_path):
    path = tmp_path / "traces.jsonl"
    for name in ("first", "second"):
        write_span(FileSpanExporter(path), name).shutdown()
    assert path.read_bytes().endswith(b"]}\n")
    assert spans_in(path.read_text()) == ["first", "second"]


def test_a_rotated_file_is_followed(tmp_path):
    path = tmp_path / "traces.jsonl"
    provider = write_span(FileSpanExporter(str(path)), "before")
    path.rename(tmp_path / "traces.jsonl.1")
    provider.get_tracer("t").start_span("after").end()
    assert provider.force_flush(WAIT_MS)
    provider.shutdown()
    assert spans_in((tmp_path / "traces.jsonl.1").read_text()) == ["before"]
    assert spans_in(path.read_text()) == ["after"]


def test_a_file_that_is_away_is_written_later(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    exporter = FileSpanExporter(folder / "traces.jsonl")
    (folder / "traces.jsonl").unlink()
    folder.rmdir()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    provider.get_tracer("t").start_span("kept").end()
    assert not provider.force_flush(200)
    folder.mkdir()
    assert provider.force_flush(WAIT_MS)
    provider.shutdown()
    assert spans_in((folder / "traces.jsonl").read_text()) == ["kept"]


def test_a_stream_is_written_to_and_stays_open():
    stream = io.StringIO()
    write_span(FileSpanExporter(stream=stream), "s").shutdown()
    assert spans_in(stream.getvalue()) == ["s"]


def test_the_standard_output_is_the_default(capsys):
    kind = _components.exporter("traces", "otlp/stdout")
    assert kind is FileSpanExporter
    write_span(kind(), "s").shutdown()
    assert spans_in(capsys.readouterr().out) == ["s"]


def test_destinations_that_cannot_be():
    with pytest.raises(ValueError, match="both"):
        FileSpanExporter("x", stream=io.StringIO())
    with pytest.raises(OSError):
        FileSpanExporter("/nowhere/traces.jsonl")


def test_a_stream_that_fails_costs_its_batch(caplog):
    stream = io.StringIO()
    stream.close()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(FileSpanExporter(stream=stream)))
    with caplog.at_level(logging.ERROR):
        provider.get_tracer("t").start_span("s").end()
    assert "could not be written" in caplog.text


@row("Logs", "OTLP File exporter")
@pytest.mark.parametrize("where", ["path", "stream"])
def test_logs_in_a_file(where, tmp_path):
    path, stream = tmp_path / "logs.jsonl", io.StringIO()
    exporter = FileLogExporter(path) if where == "path" else FileLogExporter(stream=stream)
    provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    record_logs(provider)
    assert provider.force_flush(WAIT_MS)
    provider.shutdown()
    text = path.read_text() if where == "path" else stream.getvalue()
    (line,) = text.splitlines()
    (group,) = sink.from_json("logs", line).resource_logs
    first, second = group.scope_logs[0].log_records
    assert (first.severity_text, first.event_name) == ("bad", "e")
    assert second.body.string_value == "text"
    assert group.resource.attributes[0].value.string_value == "s"


@pytest.mark.parametrize("where", ["path", "stream"])
def test_metrics_in_a_file(where, tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    path, stream = tmp_path / "metrics.jsonl", io.StringIO()
    exporter = FileMetricExporter(path) if where == "path" else FileMetricExporter(stream=stream)
    provider = MeterProvider(
        [PeriodicExportingMetricReader(exporter, math.inf)], RESOURCE, shutdown_on_exit=False
    )
    provider.get_meter("m").create_counter("c").add(3)
    assert provider.force_flush(WAIT_MS)
    provider.shutdown()
    text = path.read_text() if where == "path" else stream.getvalue()
    metric = (
        sink.from_json("metrics", text.splitlines()[0])
        .resource_metrics[0]
        .scope_metrics[0]
        .metrics[0]
    )
    assert (metric.name, metric.sum.data_points[0].as_int) == ("c", 3)
    assert metric.sum.aggregation_temporality == 1


def test_a_file_of_a_configuration_file(tmp_path):
    made = create(
        parse(f"""{{file_format: "1.0", tracer_provider: {{processors: [{{simple: {{exporter: {{
            otlp_file/development: {{output_stream: "file://{tmp_path}/a%20b.jsonl"}}}}}}}}]}}}}""")
    )
    made.tracer_provider.get_tracer("t").start_span("s").end()
    assert made.tracer_provider.force_flush(WAIT_MS)
    made.tracer_provider.shutdown()
    assert spans_in((tmp_path / "a b.jsonl").read_text()) == ["s"]


def test_a_pipe_gets_whole_lines_and_holds_nobody_when_its_reader_stalls(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(FileSpanExporter(pipe)))

    def record_more_than_a_pipe_holds():
        for _ in range(200):
            with provider.get_tracer("t").start_as_current_span("s") as span:
                span.set_attribute("text", "x" * 1000)

    record_more_than_a_pipe_holds()
    flush = threading.Thread(target=provider.force_flush)
    flush.start()
    text = b""
    while not text.endswith(b"\n") and select.select([reader], [], [], 20)[0]:
        with contextlib.suppress(BlockingIOError):  # woken before there is something to read
            text += os.read(reader, 1 << 16)
    flush.join(20)
    (scope,) = json.loads(text)["resourceSpans"][0]["scopeSpans"]
    assert len(scope["spans"]) == 200

    record_more_than_a_pipe_holds()
    end = threading.Thread(target=provider.shutdown, daemon=True)
    end.start()
    end.join(20)
    assert not end.is_alive()
    os.close(reader)
