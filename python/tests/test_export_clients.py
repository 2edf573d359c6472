"""Exporters that send through the application's own clients, and the options of those that do not."""

import gzip
from concurrent import futures

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from vedette.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from vedette.exporter.otlp.proto.http import Compression
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from vedette.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

WAIT_MS = 30_000


def record(exporter, names=("a",)):
    """Sends a span of each name; whether all got through."""
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "s"}))
    processor = BatchSpanProcessor(exporter)
    provider.add_span_processor(processor)
    for name in names:
        provider.get_tracer("t").start_span(name, attributes={"k": 1}).end()
    done = provider.force_flush(WAIT_MS)
    provider.shutdown()
    return done and processor.stats()["dropped_failed"] == 0


class Session:
    """What we need of requests.Session."""

    class Answer:
        def __init__(self, status_code):
            self.status_code = status_code
            self.ok = status_code < 400
            self.headers = {"retry-after": "0"}
            self.text = "as told"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.closed = False

    def post(self, **call):
        self.calls.append(call)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return self.Answer(answer)

    def close(self):
        self.closed = True


def test_session_sends():
    session = Session()
    exporter = HttpExporter(
        "https://collector/v1/traces", session=session, headers={"x-key": "v"}, timeout=3,
        compression=Compression.Gzip, certificate_file="ca", client_key_file="key",
        client_certificate_file="own",
    )  # fmt: skip
    assert record(exporter, ["a", "b"]) and session.closed
    (call,) = session.calls
    assert call["url"] == "https://collector/v1/traces" and 0 < call["timeout"] <= 3
    assert (call["verify"], call["cert"]) == ("ca", ("own", "key"))
    assert call["headers"]["x-key"] == "v" and call["headers"]["content-encoding"] == "gzip"
    request = trace_pb.ExportTraceServiceRequest.FromString(gzip.decompress(call["data"]))
    (resource,) = request.resource_spans
    assert [span.name for span in resource.scope_spans[0].spans] == ["a", "b"]
    assert resource.resource.attributes[0].value.string_value == "s"


@pytest.mark.parametrize(
    ("answers", "done", "attempts"),
    [
        ((503,), True, 2),
        ((ConnectionError("gone"),), True, 2),
        ((400,), False, 1),
    ],
)
def test_session_retries(monkeypatch, answers, done, attempts):
    monkeypatch.setattr("vedette.exporter.otlp._senders.random.uniform", lambda *_: 0.01)
    session = Session(*answers)
    assert record(HttpExporter("http://x/v1/traces", session=session)) is done
    assert len(session.calls) == attempts


def test_session_obeys_the_request_limit(caplog):
    session = Session()
    assert not record(HttpExporter("http://x/v1/traces", session=session, max_request_size=10))
    assert not session.calls and "max_request_size" in caplog.text


def test_credential_provider_of_the_environment(monkeypatch):
    import importlib.metadata as metadata

    session = Session()

    class Entry:
        def load(self):
            return lambda: session

    known = {"mine": [Entry()]}
    monkeypatch.setattr(metadata, "entry_points", lambda group, name: known.get(name, []))
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "mine")
    assert record(HttpExporter("http://x/v1/traces")) and len(session.calls) == 1
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "other")
    with pytest.raises(RuntimeError, match="other"):
        HttpExporter()


@pytest.fixture
def secure_sink():
    """A gRPC server with local credentials, which only the grpc package can speak to."""
    received = []

    def export(request, context):
        received.append((request, dict(context.invocation_metadata())))
        if len(received) == 1:
            context.abort(grpc.StatusCode.UNAVAILABLE, "as told")
        return b""

    handler = grpc.method_handlers_generic_handler(
        "opentelemetry.proto.collector.trace.v1.TraceService",
        {"Export": grpc.unary_unary_rpc_method_handler(export)},
    )
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
    server.start()
    yield f"127.0.0.1:{port}", received
    server.stop(0).wait()


def test_grpc_credentials(monkeypatch, secure_sink):
    monkeypatch.setattr("vedette.exporter.otlp._senders.random.uniform", lambda *_: 0.01)
    target, received = secure_sink
    exporter = GrpcExporter(
        target, credentials=grpc.local_channel_credentials(), headers="x-key=a%20b"
    )
    assert record(exporter)
    assert len(received) == 2  # the first was UNAVAILABLE
    body, metadata = received[1]
    assert metadata["x-key"] == "a b"
    request = trace_pb.ExportTraceServiceRequest.FromString(body)
    assert request.resource_spans[0].scope_spans[0].spans[0].name == "a"


def test_grpc_channel_options(grpc_sink):
    options = (("grpc.primary_user_agent", "mine"),)
    assert record(GrpcExporter(grpc_sink.url, channel_options=options))
    assert grpc_sink.metadata[0]["user-agent"].startswith("mine")


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_grpc_retryable_codes(grpc_sink, monkeypatch, how):
    codes = None
    if how == "argument":
        codes = [grpc.StatusCode.INTERNAL]
    else:
        monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES", "internal")
    grpc_sink.answers = [grpc.StatusCode.INTERNAL]
    assert record(GrpcExporter(grpc_sink.url, retryable_error_codes=codes))
    assert len(grpc_sink.spans()) == 1
    grpc_sink.answers = [grpc.StatusCode.UNAVAILABLE]  # no longer one of them
    assert not record(GrpcExporter(grpc_sink.url, retryable_error_codes=codes))


def test_what_export_says_has_failed_does_not_arrive_later(http_sink):
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "s"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    for name in ("first", "second"):
        provider.get_tracer("t").start_span(name).end()
    first, second = memory.get_finished_spans()
    exporter = HttpExporter(http_sink.url, timeout=0.5)
    http_sink.answers = [(503, {"Retry-After": "1"}, b"")] * 20
    assert exporter.export([first]) is SpanExportResult.FAILURE
    http_sink.answers.clear()
    assert exporter.export([second]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert [span.name for _, span in http_sink.spans()] == ["second"]


def test_environment_of_one_signal_wins(http_sink, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1/never")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", http_sink.base + "/as/it/is")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "general=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "special=%C3%A4,mine=env")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "deflate")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "nonsense")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7")
    exporter = HttpExporter(headers={"Mine": "code"})
    assert exporter._timeout == 7
    assert record(exporter)
    assert http_sink.arrived.get(timeout=30) == "/as/it/is"
    headers = {name.lower(): value for name, value in http_sink.headers[0].items()}
    assert headers["mine"] == "code" and "general" not in headers
    assert headers["content-encoding"] == "deflate"
