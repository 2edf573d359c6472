"""Servers that are away, hang, refuse, dawdle or flood: recording goes on, memory is bounded, delivery resumes."""

import os
import re
import socket
import threading
import time

import pytest
from sink import HttpSink
from vedette.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor

TIMEOUT = 1  # seconds an attempt may take here
BALLAST = "x" * 20_000


class Fault:
    """A port that misbehaves in its way until it is `mended()`, which gives the sink that now listens there."""

    def __init__(self):
        self.gate = threading.Event()
        self.sink = self.break_it()

    def break_it(self):
        sink = HttpSink()
        sink.answers = self
        self.port = sink.server.server_port
        return sink

    def mended(self):
        self.gate.set()
        self.sink.answers = []
        return self.sink

    def close(self):
        self.gate.set()
        self.sink.close()

    # What the sink takes its answers from: the same one, again and again.

    def __bool__(self):
        return not self.gate.is_set()

    def pop(self, _):
        return self.answer


class Away(Fault):
    """Nobody listens."""

    def break_it(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def mended(self):
        self.sink = HttpSink(self.port)
        return self.sink

    def close(self):
        if self.sink:
            self.sink.close()


class BlackHole(Away):
    """Connections are taken by the kernel, and nobody ever reads."""

    def break_it(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self.port = self.listener.getsockname()[1]

    def mended(self):
        self.listener.close()
        return super().mended()

    def close(self):
        self.listener.close()
        super().close()


class Hangs(Fault):
    """The request is read, and never answered."""

    def answer(self, handler):
        self.gate.wait(60)
        handler.close_connection = True


class Unavailable(Fault):
    answer = (503, {}, b"later")


class Throttled(Fault):
    answer = (429, {"Retry-After": "1"}, b"slowly")


class Dawdles(Fault):
    """The answer comes at one byte a second."""

    def answer(self, handler):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
            try:
                handler.wfile.write(bytes([byte]))
            except OSError:
                break
            if self.gate.wait(1):
                break
        handler.close_connection = True


class Floods(Fault):
    """An answer of 1 GiB."""

    def answer(self, handler):
        handler.send_response(503)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        try:
            while not self.gate.is_set():
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass
        handler.close_connection = True


FAULTS = [Away, BlackHole, Hangs, Unavailable, Throttled, Dawdles, Floods]


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def provider_for(exporter):
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=10)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider, processor, provider.get_tracer("t")


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_gets_in_the_way(fault, capfd):
    broken = fault()
    provider, processor, tracer = provider_for(
        HttpExporter(f"http://127.0.0.1:{broken.port}/v1/traces", timeout=TIMEOUT)
    )
    try:
        before = resident()
        for _ in range(3000):  # 60 MB: more than three times the room
            with tracer.start_as_current_span("s", attributes={"ballast": BALLAST}):
                pass
        # The ring of 16 MiB, two requests of 8 MiB, and what the threads of the faulty server itself hold.
        assert resident() - before < 56 << 20
        stats = processor.stats()
        assert stats["sent"] == 0
        assert stats["dropped_full"] > 1000
        until(lambda: "cannot send" in said_by(capfd), "a first attempt has failed")

        mended = broken.mended()
        kept = 3000 - stats["dropped_full"]
        until(lambda: processor.stats()["sent"] >= kept, f"{processor.stats()} {said_by(capfd)}")
        until(lambda: len(mended.spans()) >= kept, "they arrive")
        assert processor.stats()["dropped_failed"] == 0
        lines = [
            re.sub(r"\d+", "#", line).partition(";")[0] for line in said_by(capfd).splitlines()
        ]
        assert len(lines) == len(set(lines)), lines  # each cause once within a minute
    finally:
        provider.shutdown()
        broken.close()


def said_by(capfd, _said={}):  # noqa: B006 (all that was said in one test)
    """What has been written to standard error so far."""
    text = _said.pop(capfd, "") + capfd.readouterr().err
    _said.clear()
    _said[capfd] = text
    return text


def test_a_server_that_comes_and_goes_is_said_once_a_minute(http_sink, capfd):
    http_sink.answers = [(503, {"Retry-After": "0"}, b""), (200, {}, b"")] * 4
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    for _ in range(4):
        tracer.start_span("s").end()
        assert provider.force_flush(20_000)
    assert processor.stats()["sent"] == 4
    said = capfd.readouterr().err
    assert (said.count("cannot send"), said.count("spans reach")) == (1, 1)
    provider.shutdown()


def test_refusals_are_said_once_a_minute(http_sink, capfd):
    http_sink.answers = [(400, {}, b""), (200, {}, b"")] * 4 + [(401, {}, b"")]
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    for _ in range(9):
        tracer.start_span("s").end()
        provider.force_flush(20_000)
    assert processor.stats()["dropped_failed"] == 5
    said = capfd.readouterr().err
    assert (said.count("HTTP 400"), said.count("HTTP 401")) == (1, 1)
    provider.shutdown()


def test_grpc_to_a_black_hole_and_back(capfd):
    """The same fault by the other protocol: here the port comes back as a gRPC server."""
    from concurrent import futures

    import grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

    broken = BlackHole()
    provider, processor, tracer = provider_for(
        GrpcExporter(f"http://127.0.0.1:{broken.port}", timeout=TIMEOUT)
    )
    for _ in range(100):
        tracer.start_span("s").end()
    until(lambda: "cannot send" in said_by(capfd), "a first attempt has failed")

    class Service(services.TraceServiceServicer):
        def Export(self, request, context):
            return messages.ExportTraceServiceResponse()

    broken.listener.close()
    server = grpc.server(futures.ThreadPoolExecutor(1))
    services.add_TraceServiceServicer_to_server(Service(), server)
    server.add_insecure_port(f"127.0.0.1:{broken.port}")
    server.start()
    until(lambda: processor.stats()["sent"] == 100, "delivery has resumed")
    provider.shutdown()
    server.stop(0).wait()
