"""Section "Exporters", "Zipkin": what arrives at a Zipkin."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from rows import row
from vedette.exporter.zipkin.encoder import Protocol
from vedette.exporter.zipkin.json import ZipkinExporter as JsonExporter
from vedette.exporter.zipkin.proto.http import ZipkinExporter as ProtobufExporter
from vedette.sdk.resources import Resource
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor

SECTION = "Exporters"
NODE = {"local_node_ipv4": "10.0.0.7", "local_node_ipv6": "::7", "local_node_port": 80}


@pytest.fixture
def zipkin():
    """A server that keeps (content type, body)."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Content-Type"], body))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    received_at = f"http://127.0.0.1:{server.server_port}/api/v2/spans"
    yield received_at, received
    server.shutdown()
    thread.join()
    server.server_close()


def export(exporter, **start):
    """One span and its child, through a batch processor."""
    provider = TracerProvider(
        shutdown_on_exit=False, resource=Resource({"service.name": "shop", "zone": "a"})
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("lib", "1.2")
    start.setdefault("kind", SpanKind.SERVER)
    span = tracer.start_span("GET", start_time=1_000_499, **start)
    span.set_attributes({"yes": True, "n": 7, "f": 0.5, "t": "x" * 9, "list": ["a", True, None, 2]})
    span.add_event("retry", {"n": 2}, timestamp=1_500_500)
    span.set_status(StatusCode.ERROR, "why")
    child = tracer.start_span("child", trace.set_span_in_context(span), start_time=2_000_000)
    child.set_status(StatusCode.OK)
    child.end(end_time=2_000_000)
    span.end(end_time=3_000_500)
    assert provider.force_flush()
    provider.shutdown()
    return span.get_span_context(), child.get_span_context()


def as_json(zipkin, version=Protocol.V2, **options):
    url, received = zipkin
    contexts = export(JsonExporter(version, url, **options))
    ((kind, body),) = received
    assert kind == "application/json"
    child, span = json.loads(body)
    return span, child, *contexts


@row(
    SECTION,
    "Zipkin V2 JSON",
    "Service name mapping",
    "SpanKind mapping",
    "Integer microseconds in timestamps",
)
def test_v2_json(zipkin):
    span, child, own, inner = as_json(zipkin, **NODE)
    assert span["traceId"] == f"{own.trace_id:032x}" and span["id"] == f"{own.span_id:016x}"
    assert child["parentId"] == span["id"] and "parentId" not in span
    assert child["id"] == f"{inner.span_id:016x}"
    assert (span["name"], span["kind"]) == ("GET", "SERVER") and "kind" not in child
    assert (span["timestamp"], span["duration"]) == (1_000, 2_000)
    assert (child["timestamp"], child["duration"]) == (2_000, 0)
    assert span["localEndpoint"] == {
        "serviceName": "shop", "ipv4": "10.0.0.7", "ipv6": "::7", "port": 80
    }  # fmt: skip


@row(SECTION, "SpanKind mapping")
@pytest.mark.parametrize("kind", ["CLIENT", "PRODUCER", "CONSUMER"])
def test_kinds(zipkin, kind):
    url, received = zipkin
    export(JsonExporter(endpoint=url), kind=SpanKind[kind])
    assert json.loads(received[0][1])[1]["kind"] == kind


@row(
    SECTION,
    "InstrumentationLibrary mapping",
    "InstrumentationScope mapping",
    "Boolean attributes",
    "Array attributes",
    "Status mapping",
    "Error Status mapping",
)
def test_tags(zipkin):
    span, child, *_ = as_json(zipkin, max_tag_value_length=8)
    assert span["tags"] == {
        "yes": "true",
        "n": "7",
        "f": "0.5",
        "t": "xxxxxxxx",
        "list": '["a"]',  # as much as fits
        "service.name": "shop",
        "zone": "a",
        "otel.scope.name": "lib",
        "otel.scope.version": "1.2",
        "otel.library.name": "lib",
        "otel.library.version": "1.2",
        "otel.status_code": "ERROR",
        "error": "why",
    }
    assert child["tags"]["otel.status_code"] == "OK" and "error" not in child["tags"]


@row(SECTION, "Array attributes")
def test_whole_array(zipkin):
    assert as_json(zipkin)[0]["tags"]["list"] == '["a","true",null,"2"]'


@row(SECTION, "Event attributes mapping to Annotations")
def test_annotations(zipkin):
    span, child, *_ = as_json(zipkin)
    assert span["annotations"] == [{"timestamp": 1_501, "value": '{"retry": {"n": 2}}'}]
    assert "annotations" not in child


@row(SECTION, "Zipkin V1 JSON")
def test_v1_json(zipkin):
    span, child, *_ = as_json(zipkin, Protocol.V1)
    endpoint = {"serviceName": "shop"}
    assert child["parentId"] == span["id"]
    assert (span["timestamp"], span["duration"], child["duration"]) == (1_000, 2_000, 0)
    assert {"key": "n", "value": "7", "endpoint": endpoint} in span["binaryAnnotations"]
    assert span["annotations"][0]["endpoint"] == endpoint
    assert not span.keys() & {"tags", "kind", "localEndpoint"}


def zipkin_proto():
    """ListOfSpans of zipkin.proto, as far as it is sent."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="zipkin.proto", package="z", syntax="proto3")

    def message(name, /, **fields):
        made = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated = kind.startswith("*")
            entry = made.field.add(name=field, number=number, label=3 if repeated else 1)
            kind = kind.lstrip("*")
            if kind[0].isupper():
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".z.{kind}"
            else:
                entry.type = getattr(kinds, f"TYPE_{kind.upper()}")

    message("Endpoint", service_name=(1, "string"), ipv4=(2, "bytes"), ipv6=(3, "bytes"),
            port=(4, "int32"))  # fmt: skip
    message("Annotation", timestamp=(1, "fixed64"), value=(2, "string"))
    message("Tag", key=(1, "string"), value=(2, "string"))
    message("Span", trace_id=(1, "bytes"), parent_id=(2, "bytes"), id=(3, "bytes"),
            kind=(4, "int32"), name=(5, "string"), timestamp=(6, "fixed64"), duration=(7, "uint64"),
            local_endpoint=(8, "Endpoint"), annotations=(10, "*Annotation"), tags=(11, "*Tag"),
            debug=(12, "bool"))  # fmt: skip
    message("ListOfSpans", spans=(1, "*Span"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("z.ListOfSpans"))


@row(SECTION, "Zipkin V2 Protobuf")
def test_v2_protobuf(zipkin):
    url, received = zipkin
    own, inner = export(ProtobufExporter(url, **NODE))
    ((kind, body),) = received
    assert kind == "application/x-protobuf"
    decoded = zipkin_proto().FromString(body)
    child, span = decoded.spans
    assert decoded.SerializeToString(deterministic=True) == body  # nothing unknown in it
    assert span.trace_id == own.trace_id.to_bytes(16, "big")
    assert span.id == own.span_id.to_bytes(8, "big") == child.parent_id
    assert child.id == inner.span_id.to_bytes(8, "big") and not span.parent_id
    assert (span.kind, child.kind, span.name) == (2, 0, "GET")
    assert (span.timestamp, span.duration, child.duration) == (1_000, 2_000, 0)
    assert (span.local_endpoint.service_name, span.local_endpoint.port) == ("shop", 80)
    assert span.local_endpoint.ipv4 == bytes([10, 0, 0, 7]) and span.local_endpoint.ipv6[-1] == 7
    assert [(a.timestamp, a.value) for a in span.annotations] == [(1_501, '{"retry": {"n": 2}}')]
    assert {tag.key: tag.value for tag in span.tags}["error"] == "why" and span.debug


def test_refusals_and_absence_are_failures(zipkin, caplog):
    from vedette.sdk.trace.export import SpanExportResult

    gone = JsonExporter(endpoint="http://127.0.0.1:1/api", timeout=5)
    assert gone.export([]) is SpanExportResult.FAILURE and "cannot be uploaded" in caplog.text
    gone.shutdown()
    assert gone.export([]) is SpanExportResult.FAILURE
