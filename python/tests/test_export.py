"""The way to the server: batches, retries, faults, forks and the end of the process."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time

import grpc
import pytest
from sink import HttpSink, attributes
from vedette.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from vedette.exporter.otlp.proto.http import Compression
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor


def provider_for(exporter, **options):
    processor = BatchSpanProcessor(exporter, **options)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider, processor, provider.get_tracer("t")


def record(tracer, count=1):
    for i in range(count):
        with tracer.start_as_current_span(f"s{i}") as span:
            span.set_attribute("i", i)


def run_python(program, timeout=60, **environment):
    """Another interpreter; its standard output as JSON, its standard error, and the seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null"), done.stderr, time.monotonic() - began


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- sending --------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, Compression.Gzip])
def test_http(http_sink, compression):
    exporter = HttpExporter(http_sink.url, headers={"X-Key": "secret"}, compression=compression)
    provider, processor, tracer = provider_for(exporter)
    record(tracer, 1000)
    assert provider.force_flush()
    assert len(http_sink.spans()) == 1000
    headers = http_sink.headers[0]
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["X-Key"] == "secret"
    assert headers["User-Agent"].startswith("OTel-OTLP-Exporter-Vedette/")
    assert "Expect" not in headers
    assert processor.stats()["sent"] == 1000
    provider.shutdown()


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_grpc(grpc_sink, compression):
    exporter = GrpcExporter(
        grpc_sink.url, insecure=True, headers=(("x-key", "secret"),), compression=compression
    )
    provider, processor, tracer = provider_for(exporter)
    record(tracer, 1000)
    assert provider.force_flush()
    assert len(grpc_sink.spans()) == 1000
    assert grpc_sink.metadata[0]["x-key"] == "secret"
    assert processor.stats()["sent"] == 1000
    provider.shutdown()


def test_a_full_batch_does_not_wait_for_the_delay(http_sink):
    _, processor, tracer = provider_for(
        HttpExporter(http_sink.url), max_export_batch_size=10, schedule_delay_millis=3_600_000
    )
    record(tracer, 10)
    assert http_sink.arrived.get(timeout=10)
    assert len(http_sink.spans()) == 10
    processor.shutdown()


def test_the_delay_sends_what_is_less_than_a_batch(http_sink):
    _, processor, tracer = provider_for(HttpExporter(http_sink.url), schedule_delay_millis=1)
    record(tracer)
    assert http_sink.arrived.get(timeout=10)
    record(tracer)
    assert http_sink.arrived.get(timeout=10)
    processor.shutdown()


def test_simple_processor(http_sink):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(HttpExporter(http_sink.url)))
    record(provider.get_tracer("t"))
    assert http_sink.arrived.get(timeout=10)
    provider.shutdown()


def test_two_processors_get_every_span(http_sink, grpc_sink):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(HttpExporter(http_sink.url)))
    provider.add_span_processor(BatchSpanProcessor(GrpcExporter(grpc_sink.url)))
    record(provider.get_tracer("t"), 3)
    provider.shutdown()
    assert len(http_sink.spans()) == len(grpc_sink.spans()) == 3


def test_endpoint_from_the_environment(http_sink, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http_sink.base + "/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,other=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    provider, _, tracer = provider_for(HttpExporter())
    record(tracer)
    provider.shutdown()
    assert http_sink.arrived.get(timeout=10) == "/v1/traces"
    assert http_sink.headers[0]["x-key"] == "a b"
    assert http_sink.headers[0]["Content-Encoding"] == "gzip"


def test_resource_from_the_environment(http_sink, monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,k=b%2Cc,broken")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    provider, _, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer)
    provider.shutdown()
    resource = attributes(http_sink.requests[0].resource_spans[0].resource)
    assert resource["service.name"] == "shop" and resource["k"] == "b,c"
    assert resource["telemetry.sdk.language"] == "python"


@pytest.mark.parametrize(
    "arguments",
    [
        {"endpoint": "nonsense://x"},
        {"endpoint": "http://x", "headers": {"a": "b\r\nc: d"}},
        {"compression": "zip"},
    ],
)
def test_bad_configuration_is_a_value_error(arguments):
    with pytest.raises(ValueError):
        BatchSpanProcessor(HttpExporter(**arguments))


# ---- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_http_retries(http_sink, status):
    http_sink.answers = [(status, {"Retry-After": "0"}, b"later")]
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer, 10)
    assert provider.force_flush(20_000)
    assert len(http_sink.spans()) == 10
    assert processor.stats()["dropped_failed"] == 0
    provider.shutdown()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 501])
def test_http_gives_up_on_what_a_retry_would_not_change(http_sink, capfd, status):
    http_sink.answers = [(status, {}, b"no")]
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer, 10)
    assert not provider.force_flush()
    record(tracer, 5)
    assert provider.force_flush()
    stats = processor.stats()
    assert (stats["sent"], stats["dropped_failed"]) == (5, 10)
    assert f"HTTP {status}" in capfd.readouterr().err
    provider.shutdown()


def test_retry_after_is_honoured(http_sink):
    http_sink.answers = [(503, {"Retry-After": "1"}, b"")]
    provider, _, tracer = provider_for(HttpExporter(http_sink.url), schedule_delay_millis=1)
    record(tracer)
    http_sink.arrived.get(timeout=10)
    refused = time.monotonic()
    http_sink.arrived.get(timeout=10)
    assert time.monotonic() - refused >= 0.9
    provider.shutdown()


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED])
def test_grpc_retries(grpc_sink, code):
    grpc_sink.answers = [code]
    provider, processor, tracer = provider_for(GrpcExporter(grpc_sink.url))
    record(tracer, 10)
    assert provider.force_flush(20_000)
    assert processor.stats()["sent"] == 10
    provider.shutdown()


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ],
)
def test_grpc_gives_up(grpc_sink, capfd, code):
    grpc_sink.answers = [code]
    provider, processor, tracer = provider_for(GrpcExporter(grpc_sink.url))
    record(tracer, 10)
    assert not provider.force_flush()
    assert processor.stats()["dropped_failed"] == 10
    assert code.name in capfd.readouterr().err
    provider.shutdown()


def test_a_connection_the_server_closed_is_opened_again(http_sink):
    def answer_and_close(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    http_sink.answers = [answer_and_close]
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer)
    assert provider.force_flush()
    record(tracer)
    assert provider.force_flush()
    assert processor.stats()["sent"] == 2
    provider.shutdown()


def test_a_reset_without_an_answer_is_tried_again(http_sink):
    def reset(handler):
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    http_sink.answers = [reset]
    provider, _, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer, 3)
    assert provider.force_flush(20_000)
    assert len(http_sink.spans()) == 3
    provider.shutdown()


def test_an_endless_answer_is_not_read(http_sink):
    def flood(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            handler.close_connection = True

    http_sink.answers = [flood]
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer)
    assert provider.force_flush(20_000)
    assert processor.stats()["sent"] == 1  # the status said it was taken
    provider.shutdown()


def test_partial_success_is_counted_and_not_sent_again(http_sink, capfd):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    reply = ExportTraceServiceResponse()
    reply.partial_success.rejected_spans = 4
    reply.partial_success.error_message = "too old"
    http_sink.answers = [(200, {}, reply.SerializeToString())]
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer, 10)
    provider.force_flush()
    stats = processor.stats()
    assert (stats["sent"], stats["rejected"]) == (6, 4)
    assert "too old" in capfd.readouterr().err
    assert len(http_sink.headers) == 1
    provider.shutdown()


def test_a_full_queue_drops_the_newest_and_counts(http_sink, capfd):
    gate = threading.Event()

    def wait(handler):
        gate.wait(30)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    http_sink.answers = [wait]
    provider, processor, tracer = provider_for(
        HttpExporter(http_sink.url), max_queue_size=100, max_export_batch_size=10
    )
    record(tracer, 500)
    stats = processor.stats()
    assert stats["queued"] + stats["dropped_full"] == 500
    assert stats["dropped_full"] >= 300
    gate.set()
    provider.force_flush()
    assert processor.stats()["sent"] == stats["queued"]
    assert "is full" in capfd.readouterr().err
    provider.shutdown()


def test_a_burst_is_not_lost(http_sink):
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer, 50_000)
    assert provider.force_flush()
    stats = processor.stats()
    assert (stats["sent"], stats["dropped_full"]) == (50_000, 0)
    provider.shutdown()


def test_an_outage_shorter_than_the_queue_loses_nothing(capfd):
    port = closed_port()
    provider, processor, tracer = provider_for(
        HttpExporter(f"http://127.0.0.1:{port}/v1/traces"), schedule_delay_millis=1
    )
    record(tracer, 2000)
    assert not provider.force_flush(50)
    record(tracer, 2000)
    late = HttpSink(port)
    assert provider.force_flush(30_000)
    stats = processor.stats()
    assert (stats["sent"], stats["dropped_full"], stats["dropped_failed"]) == (4000, 0, 0)
    said = capfd.readouterr().err
    assert said.count("cannot send") == 1 and "again" in said
    provider.shutdown()
    late.close()


# ---- processes ------------------------------------------------------------------------------------

SETUP = """
import json, os, sys
from opentelemetry import trace
from vedette.sdk.trace import TracerProvider
from vedette.sdk.trace.export import BatchSpanProcessor
from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
provider = TracerProvider()
processor = BatchSpanProcessor(OTLPSpanExporter(os.environ["URL"]))
provider.add_span_processor(processor)
tracer = provider.get_tracer("t")
def record(count, name="s"):
    for i in range(count):
        with tracer.start_as_current_span(name):
            pass
"""


def test_the_end_of_the_process_sends_what_is_left(http_sink):
    run_python(SETUP + "record(700)", URL=http_sink.url)
    assert len(http_sink.spans()) == 700


def test_the_end_is_bounded_when_nobody_listens():
    _, said, took = run_python(SETUP + "record(2000)", URL=f"http://127.0.0.1:{closed_port()}/")
    assert took < 4
    assert "2000 spans" in said and "lost" in said


def test_the_end_is_bounded_when_the_server_hangs():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        _, said, took = run_python(SETUP + "record(2000)", URL=url)
    assert took < 9
    assert "2000 spans" in said


def test_a_forked_child_sends_its_own_spans_and_leaves_the_parents_alone(http_sink):
    run_python(
        SETUP
        + """
record(1, "before")
provider.force_flush()          # a connection is open now
record(50, "parent")
pid = os.fork()
if pid == 0:
    record(50, "child")
    provider.shutdown()
    os._exit(0)
os.waitpid(pid, 0)
record(50, "parent")
""",
        URL=http_sink.url,
    )
    names = [span.name for _, span in http_sink.spans()]
    assert {name: names.count(name) for name in set(names)} == {
        "before": 1,
        "parent": 100,
        "child": 50,
    }
    ids = {span.span_id for _, span in http_sink.spans()}
    assert len(ids) == 151


def test_forks_while_other_threads_record(http_sink):
    run_python(
        SETUP
        + """
import threading
stop = threading.Event()
def work():
    while not stop.is_set():
        record(20, "parent")
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        record(1, "child")
        provider.shutdown()
        os._exit(0)
    os.waitpid(pid, 0)
stop.set()
for thread in threads: thread.join()
provider.shutdown()
""",
        URL=http_sink.url,
    )
    assert sum(span.name == "child" for _, span in http_sink.spans()) == 20


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_flush(http_sink, tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(
        SETUP
        + f"""
def child():
    record(20, "child")

if __name__ == "__main__":
    import multiprocessing
    context = multiprocessing.get_context({method!r})
    workers = [context.Process(target=child) for _ in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
"""
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "URL": http_sink.url},
        timeout=60,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert sum(span.name == "child" for _, span in http_sink.spans()) == 60


def test_the_export_thread_never_needs_the_interpreter(http_sink):
    """Spans go out while the only Python thread holds the GIL without ever letting go."""
    found, _, _ = run_python(
        SETUP.replace("OTLPSpanExporter(os.environ", "OTLPSpanExporter(endpoint=os.environ")
        + """
import ctypes, time
sys.setswitchinterval(1000)
record(2000)
nanosleep = ctypes.PyDLL(None).usleep      # PyDLL: keeps the GIL
deadline = time.monotonic() + 20
while processor.stats()["sent"] < 1536 and time.monotonic() < deadline:
    nanosleep(1000)
print(json.dumps(processor.stats()["sent"]))
""",
        URL=http_sink.url,
    )
    assert found >= 1536


def test_shutdown_twice_and_records_after_it(http_sink):
    provider, processor, tracer = provider_for(HttpExporter(http_sink.url))
    record(tracer)
    provider.shutdown()
    provider.shutdown()
    record(tracer)
    assert provider.force_flush()
    assert processor.stats()["dropped_full"] == 1
