#!/usr/bin/env python3
"""Forks while other threads record: does any child hang, does each process send its own spans once, do ids differ?

Each child records a span and shuts down; a child that has not ended in 30 s has hung. Ends with status 1 where a
promise is not kept.

    bench/python/forks.py [--forks 10000] [--json]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import Row, report

HANGS_AFTER = 30  # seconds
AT_ONCE = 4


class Collected:
    """What arrives at a sink: how often each name, and every id. It runs in a process of its own and writes a line of
    counts when it is told to end: threads of an HTTP server are no company for forks."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.ids: set[bytes] = set()
        self.twice = 0
        self.lock = threading.Lock()

    def take(self, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        request = ExportTraceServiceRequest.FromString(body)
        with self.lock:
            for group in request.resource_spans:
                for scope in group.scope_spans:
                    for span in scope.spans:
                        self.names[span.name] = self.names.get(span.name, 0) + 1
                        self.twice += span.span_id in self.ids
                        self.ids.add(span.span_id)


def serve(listener: socket.socket, ask: int, tell: int) -> None:
    """Until a byte comes on `ask`; then a line of Python: names and how many ids came twice."""
    collected = Collected()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collected.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.daemon_threads = True
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.read(ask, 1)
    os.write(tell, json.dumps([collected.names, collected.twice]).encode())
    os._exit(0)


def end_of(pid: int) -> bool:
    """Whether the child has ended well; one that hangs is killed."""
    deadline = time.monotonic() + HANGS_AFTER
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.0005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False


def run(forks: int, url: str) -> tuple[int, int]:
    """How many spans the parent has recorded, and how many children have hung or failed."""
    from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from vedette.prometheus import Counter
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    tracer = provider.get_tracer("forks")
    counter = Counter("forked", "F", ["who"])
    stop = threading.Event()
    recorded = [0, 0]

    def work(which: int) -> None:
        while not stop.wait(0.0002):
            with tracer.start_as_current_span("parent"):
                counter.labels("parent").inc()
            recorded[which] += 1

    threads = [threading.Thread(target=work, args=(which,)) for which in range(len(recorded))]
    for thread in threads:
        thread.start()
    bad = 0
    running: list[int] = []
    for _ in range(forks):
        if len(running) == AT_ONCE:
            bad += not end_of(running.pop(0))
        pid = os.fork()
        if pid == 0:
            with tracer.start_as_current_span("child"):
                counter.labels("child").inc()
            provider.shutdown()
            os._exit(0)
        running.append(pid)
    bad += sum(not end_of(pid) for pid in running)
    stop.set()
    for thread in threads:
        thread.join()
    provider.shutdown()
    return sum(recorded), bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--forks", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    (asked, ask), (told, tell) = os.pipe(), os.pipe()
    sink = os.fork()
    if sink == 0:
        serve(listener, asked, tell)
    port = listener.getsockname()[1]
    listener.close()
    os.environ.setdefault("VEDETTE_DIR", f"/tmp/vedette-forks-{os.getpid()}")
    began = time.monotonic()
    recorded, bad = run(options.forks, f"http://127.0.0.1:{port}/v1/traces")
    seconds = time.monotonic() - began
    os.write(ask, b".")
    names, twice = json.loads(os.read(told, 4096))
    os.waitpid(sink, 0)
    child, parent = names.get("child", 0), names.get("parent", 0)
    report(
        [
            Row(f"{options.forks:,} forks while two threads record: children that hung", float(bad), None, "", "0", ""),
            Row("spans of the children, sent", float(child), None, "", f"{options.forks:,}", ""),
            Row(f"spans of the parent, sent, of {recorded:,}", float(parent), None, "", f"{recorded:,}", ""),
            Row("span ids that came twice", float(twice), None, "", "0", ""),
            Row("it took", seconds, None, "", "–", "s"),
        ],
        options.json,
    )  # fmt: skip
    return 0 if (bad, child, parent, twice) == (0, options.forks, recorded, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
