"""OTLP servers for tests: they keep what they get, and misbehave as they are told."""

from __future__ import annotations

import base64
import gzip
import json
import queue
import threading
import zlib
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2 as metrics_pb,
)
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2_grpc as metrics_grpc,
)
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2 as trace_pb,
)
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2_grpc as trace_grpc,
)

REQUESTS = {
    "traces": trace_pb.ExportTraceServiceRequest,
    "metrics": metrics_pb.ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


def from_json(signal, text):
    """OTLP's JSON as a message. Strict: unknown names and values of wrong kinds are errors."""

    def as_protobuf_has_it(value):
        if isinstance(value, list):
            return [as_protobuf_has_it(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else as_protobuf_has_it(item)
            for key, item in value.items()
        }

    return json_format.ParseDict(as_protobuf_has_it(json.loads(text)), REQUESTS[signal]())


class Sink:
    """What both servers have in common: the requests they got."""

    def __init__(self):
        self.requests = []  # trace requests, decoded
        self.logs = []
        self.metrics = []  # metrics requests, decoded
        self.arrived = queue.Queue()

    def spans(self):
        """(scope name, span) of everything so far."""
        return [
            (scope.scope.name, span)
            for request in list(self.requests)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics_by_name(self):
        """The last of each name."""
        return {
            metric.name: metric
            for request in list(self.metrics)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def by_name(self):
        return {span.name: span for _, span in self.spans()}


class HttpSink(Sink):
    """`answers` are taken one a request: (status, headers, body), or a function of the handler; then 200."""

    def __init__(self, port=0):
        super().__init__()
        self.headers = []
        self.bodies = []
        self.answers = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.headers.append(dict(self.headers))
                encoding = self.headers.get("Content-Encoding")
                if encoding is not None:
                    body = {"gzip": gzip.decompress, "deflate": zlib.decompress}[encoding](body)
                answer = sink.answers.pop(0) if sink.answers else (200, {}, b"")
                if callable(answer):
                    answer(self)
                else:
                    status, headers, reply = answer
                    if status == 200:
                        sink.keep(self.path, body, self.headers["Content-Type"])
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(reply)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply)
                sink.arrived.put(self.path)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False  # clients may keep their connections
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.url = self.base + "/v1/traces"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    def keep(self, path, body, content_type):
        self.bodies.append(body)
        signal = next((name for name in ("logs", "metrics") if path.endswith(name)), "traces")
        kept = {"logs": self.logs, "metrics": self.metrics, "traces": self.requests}[signal]
        if content_type == "application/json":
            kept.append(from_json(signal, body))
        else:
            kept.append(REQUESTS[signal].FromString(body))

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class GrpcSink(Sink):
    """`answers` are taken one a call: a grpc.StatusCode to fail with; then success."""

    def __init__(self):
        super().__init__()
        self.metadata = []
        self.answers = []
        self.reply = trace_pb.ExportTraceServiceResponse()
        sink = self

        class Service(trace_grpc.TraceServiceServicer):
            def Export(self, request, context):
                sink.metadata.append(dict(context.invocation_metadata()))
                sink.arrived.put("grpc")
                if sink.answers:
                    context.abort(sink.answers.pop(0), "as told")
                sink.requests.append(request)
                return sink.reply

        class MetricsService(metrics_grpc.MetricsServiceServicer):
            def Export(self, request, context):
                sink.metrics.append(request)
                sink.arrived.put("grpc")
                return metrics_pb.ExportMetricsServiceResponse()

        class LogsService(logs_grpc.LogsServiceServicer):
            def Export(self, request, context):
                sink.logs.append(request)
                sink.arrived.put("grpc")
                return ExportLogsServiceResponse()

        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        logs_grpc.add_LogsServiceServicer_to_server(LogsService(), self.server)
        metrics_grpc.add_MetricsServiceServicer_to_server(MetricsService(), self.server)
        trace_grpc.add_TraceServiceServicer_to_server(Service(), self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.url = f"http://127.0.0.1:{port}"
        self.server.start()

    def close(self):
        self.server.stop(0).wait()


@pytest.fixture
def http_sink():
    sink = HttpSink()
    yield sink
    sink.close()


@pytest.fixture
def grpc_sink():
    sink = GrpcSink()
    yield sink
    sink.close()


def attributes(item):
    """Attributes of a decoded span, event or log record as a dict of Python values."""
    return {entry.key: any_value(entry.value) for entry in item.attributes}


def any_value(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [any_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: any_value(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind)
