#!/usr/bin/env python3
"""What one recorded span costs the application's thread: Vedette against opentelemetry-sdk.

    with tracer.start_as_current_span("work") as span:
        span.set_attribute(...)   # four of them: str, str, int, float

Each measurement is a fresh process; the two kinds take turns. The clock is the thread's own CPU time, so
export threads and other load on the machine do not count. Both sides sample everything; ours records
into its queue with the export thread running, theirs into nothing (no processor), which favours theirs.

    bench/python/span_cost.py [--rounds 5] [--spans 100000] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time


def vedette_tracer():
    from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(sys.argv[3])))
    return provider.get_tracer("bench")


def upstream_tracer():
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider().get_tracer("bench")


def measure(tracer, spans: int) -> float:
    """Nanoseconds of thread CPU per span, less those of the loop alone."""

    def empty(_name):
        pass

    def record(name):
        with tracer.start_as_current_span(name) as span:
            span.set_attribute("order.id", 4711)
            span.set_attribute("payment.provider", "acme")
            span.set_attribute("order.total", 12.5)
            span.set_attribute("customer.tier", "gold")

    def run(function, count):
        start = time.thread_time_ns()
        for _ in range(count):
            function("work")
        return (time.thread_time_ns() - start) / count

    run(record, 2000)
    slices = 10
    count = spans // slices
    costs = [run(record, count) - run(empty, count) for _ in range(slices)]
    return statistics.median(costs)


class Sink:
    """Takes whatever is posted, in a process of its own so that it costs the measured one nothing."""

    PROGRAM = """
import socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def serve(peer):
    data = b""
    while chunk := peer.recv(1 << 16):
        data += chunk
        head, found, body = data.partition(b"\\r\\n\\r\\n")
        if not found: continue
        length = int(head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
        if len(body) >= length:
            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
            data = body[length:]
while True:
    peer, _ = listener.accept()
    threading.Thread(target=serve, args=(peer,), daemon=True).start()
"""

    def __enter__(self) -> str:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM], stdout=subprocess.PIPE, text=True
        )
        return f"http://127.0.0.1:{self.process.stdout.readline().strip()}/v1/traces"

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def main() -> int:
    if len(sys.argv) == 4 and sys.argv[1] in ("vedette", "opentelemetry-sdk"):
        tracer = vedette_tracer() if sys.argv[1] == "vedette" else upstream_tracer()
        print(json.dumps(measure(tracer, int(sys.argv[2]))))
        return 0

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print the costs as JSON instead")
    parser.add_argument("--at-least", type=float, default=10.0, help="fail below this ratio")
    options = parser.parse_args()
    found: dict[str, list[float]] = {"vedette": [], "opentelemetry-sdk": []}
    with Sink() as url:
        for _ in range(options.rounds):
            for kind, costs in found.items():
                answer = subprocess.run(
                    [sys.executable, __file__, kind, str(options.spans), url],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                costs.append(json.loads(answer.stdout))
    ratio = statistics.median(
        theirs / ours
        for theirs, ours in zip(found["opentelemetry-sdk"], found["vedette"], strict=True)
    )
    if options.json:
        print(json.dumps({kind: statistics.median(costs) for kind, costs in found.items()}))
    else:
        for kind, costs in found.items():
            middle, least, most = statistics.median(costs), min(costs), max(costs)
            print(f"{kind:18} {middle:8.0f} ns a span  (from {least:.0f} to {most:.0f})")
        print(f"cheaper by {ratio:16.1f} x")
    return 0 if ratio >= options.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
