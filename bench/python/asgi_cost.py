#!/usr/bin/env python3
"""What the ASGI layer adds to a request: span, RED metrics, nine attributes and trace context around a bare app.

The app sends its two messages and nothing else; a loop in this process drives it, no server and no event loop. Thread
CPU, less that of the bare app in the same process.

    bench/python/asgi_cost.py [--rounds 5] [--requests 50000] [--json]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from harness import Row, Sink, answer, cost, nanoseconds, report, rounds, worker_kind

START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
}
BODY = {"type": "http.response.body", "body": b"{}"}
KINDS = {"everything": False, "with a traceparent": True, "ErrorAware": False}


async def bare(scope, receive, send):
    await send(START)
    await send(BODY)


def make_scope(traceparent: bool) -> dict:
    headers = [
        (b"host", b"shop.example:8000"),
        (b"user-agent", b"python-httpx/0.28.1"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"connection", b"keep-alive"),
    ]
    if traceparent:
        headers.append((b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/orders/4711",
        "raw_path": b"/orders/4711",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 51234),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def driver(app, traceparent: bool) -> Callable[[], None]:
    scope = make_scope(traceparent)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    def request() -> None:
        running = app(dict(scope), receive, send).__await__()
        try:
            while True:
                next(running)
        except StopIteration:
            pass

    return request


def observed(kind: str, url: str):
    from vedette import _asgi
    from vedette.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from vedette.sampling import ErrorAware
    from vedette.sdk.trace import TracerProvider
    from vedette.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(sampler=ErrorAware(0.1) if kind == "ErrorAware" else None)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url)))
    return _asgi._middleware(bare, provider.get_tracer("bench"), set(), None)


def main() -> int:
    if kind := worker_kind():
        count = int(sys.argv[1])
        app = observed(kind, sys.argv[2])
        answer(cost(driver(app, KINDS[kind]), count, driver(bare, KINDS[kind])))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    with Sink() as url:
        found = nanoseconds(rounds(__file__, list(KINDS), [options.requests, url], options.rounds))
    report(
        [Row(f"ASGI layer, {kind}", ns, None, "", "≤ 4,000 ns") for kind, ns in found.items()],
        options.json,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
