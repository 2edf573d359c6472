#!/usr/bin/env python3
"""Requests at a steady rate to several workers that keep every error and a tenth of the rest, for a minute.

The real server stores what a FastAPI app under `uvicorn --workers` sends with `ErrorAware(0.1)`; one request in fifty fails,
half of those by an exception. Each request has three spans. Afterwards: is the trace of every failed request stored,
whole? Do the counters of any worker equal what the client has counted? Ends with status 1 where not.

    bench/python/errors_kept.py [--rate 2000] [--seconds 60] [--workers 4] [--json]
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from harness import Row, report

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from demo.processes import Process, free_port, wait_until

Counts = collections.Counter[tuple[str, int]]  # of answers, by kind of request and status

PROGRAM = Path(__file__).resolve().parents[2] / "build" / "release" / "vedette"
RATIO = 0.1
SPANS = 3
CONNECTIONS = 16
APP = f"""
import os
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from opentelemetry import trace
import vedette

app = FastAPI()
vedette.instrument(app, service_name="load", endpoint=os.environ["SERVER"], sampling=vedette.sampling.ErrorAware({RATIO}))
tracer = trace.get_tracer("load")

def work(n):
    with tracer.start_as_current_span("look up", attributes={{"item": n}}):
        with tracer.start_as_current_span("price"):
            pass

@app.get("/items/{{n}}")
async def item(n: int):
    work(n)
    return {{"item": n}}

@app.get("/fail/{{n}}")
async def fail(n: int):
    work(n)
    return JSONResponse({{"item": n}}, 503)

@app.get("/boom/{{n}}")
async def boom(n: int):
    work(n)
    raise ValueError(n)
"""


def kind_of(number: int) -> str:
    """Of a hundred requests one answers 503, and one raises."""
    return {0: "fail", 50: "boom"}.get(number % 100, "items")


class Client(threading.Thread):
    """One connection that is kept: asks at its share of the rate, and counts the answers by path and status."""

    def __init__(self, port: int, numbers: range, interval: float, seconds: float) -> None:
        super().__init__()
        self.counts: Counts = collections.Counter()
        self._port, self._numbers = port, numbers
        self._interval, self._seconds = interval, seconds
        self.failure: OSError | None = None

    def run(self) -> None:
        try:
            self._ask()
        except OSError as error:
            self.failure = error

    def _ask(self) -> None:
        began = time.monotonic()
        connection = self._connect()
        for turn, number in enumerate(self._numbers):
            due = began + turn * self._interval
            now = time.monotonic()
            if now - began > self._seconds:
                break
            if due > now:
                time.sleep(due - now)
            kind = kind_of(number)
            connection.sendall(f"GET /{kind}/{number} HTTP/1.1\r\nHost: load\r\n\r\n".encode())
            status, keep = self._answer(connection)
            self.counts[kind, status] += 1
            if not keep:
                connection.close()
                connection = self._connect()
        connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _answer(self, connection: socket.socket) -> tuple[int, bool]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(re.search(rb"content-length: (\d+)", lower).group(1))  # type: ignore[union-attr]
        while len(body) < length:
            body += self._more(connection)
        status = int(head[9:12])
        # After an exception uvicorn closes the connection without a word.
        return status, status != 500 and b"connection: close" not in lower

    def _more(self, connection: socket.socket) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("the app closed the connection before it had answered")
        return data


def drive(port: int, rate: float, seconds: float) -> tuple[Counts, float]:
    """What was answered, by kind and status, and how many a second that were."""
    total = int(rate * seconds)
    clients = [
        Client(port, range(first, total, CONNECTIONS), CONNECTIONS / rate, seconds * 3)
        for first in range(CONNECTIONS)
    ]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
        if client.failure:
            raise client.failure
    counts: Counts = collections.Counter()
    for client in clients:
        counts += client.counts
    return counts, counts.total() / (time.monotonic() - began)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def counted(port: int) -> Counts:
    """What `/metrics` of whichever worker answers says of the same."""
    counts: Counts = collections.Counter()
    pattern = r'http_requests_total\{method="GET",path="/(\w+)/\{n\}",status="(\d+)"\} (\S+)'
    for kind, status, value in re.findall(pattern, get(f"http://127.0.0.1:{port}/metrics")):
        counts[kind, int(status)] += int(float(value))
    return counts


def stored(server: str, **conditions: str) -> dict[str, dict]:
    """Every trace that meets the conditions, by its id."""
    found: dict[str, dict] = {}
    cursor = ""
    while cursor is not None:
        asked = "&".join(f"{k}={v}" for k, v in {**conditions, "cursor": cursor}.items() if v)
        page = json.loads(get(f"{server}/vedette/v1/traces?service=load&limit=1000&{asked}"))
        found |= {trace["trace_id"]: trace for trace in page["traces"]}
        cursor = page["next"]
    return found


def run(rate: float, seconds: float, workers: int) -> tuple[list[Row], list[str]]:
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as name:
        folder = Path(name)
        (folder / "load_app.py").write_text(APP)
        port, app_port = free_port(), free_port()
        address = f"http://127.0.0.1:{port}"
        server = Process(
            "vedette",
            [
                str(PROGRAM), "serve", "--data", str(folder / "data"),
                "--http", f"127.0.0.1:{port}", "--otlp-http", "none", "--otlp-grpc", "none",
            ],
            folder / "server.log",
        )  # fmt: skip
        app = None
        try:
            wait_until(lambda: get(address + "/-/ready"), "the server is ready", 60, server)
            app = Process(
                "the app",
                [
                    sys.executable, "-m", "uvicorn", "load_app:app", "--workers", str(workers),
                    "--port", str(app_port), "--no-access-log", "--log-level", "critical",
                ],
                folder / "app.log",
                env={"SERVER": address, "VEDETTE_DIR": str(folder / "vedette"), "PYTHONWARNINGS": "ignore"},
                cwd=folder,
            )  # fmt: skip
            wait_until(lambda: get(f"http://127.0.0.1:{app_port}/metrics"), "the app", 60, app)
            answered, achieved = drive(app_port, rate, seconds)
            shown = [counted(app_port) for _ in range(2 * workers)]
            app.stop(30)
            said = app.last_lines(50)
            return judge(address, answered, achieved, shown, said)
        finally:
            if app is not None:
                app.stop()
            server.stop()


def judge(
    address: str, answered: Counts, achieved: float, shown: list[Counts], said: str
) -> tuple[list[Row], list[str]]:
    """`shown`: what some answers of /metrics count; `said`: the last lines of the app's log."""
    off = max(((answered - c) + (c - answered)).total() for c in shown)
    wrong = [f"/metrics says {c}, answered were {answered}" for c in shown if c != answered]
    expected = {("items", 200), ("fail", 503), ("boom", 500)}
    if answered.keys() != expected:
        wrong.append(f"other answers than expected: {answered}")
    errors = stored(address, status="error")
    by_kind = collections.Counter(
        (trace["root_name"].split("/")[1], trace["spans"] == SPANS) for trace in errors.values()
    )
    failed = answered["fail", 503] + answered["boom", 500]
    whole = by_kind["fail", True] + by_kind["boom", True]
    for kind, status in (("fail", 503), ("boom", 500)):
        if by_kind[kind, True] != answered[kind, status] or by_kind[kind, False]:
            wrong.append(f"{answered[kind, status]} of {kind}, stored: {by_kind}\n{said}")
    healthy = stored(address, status="unset", root="true")
    torn = sum(trace["spans"] != SPANS for trace in healthy.values())
    if torn:
        wrong.append(f"{torn} healthy traces are not whole")
    share = len(healthy) / max(1, answered["items", 200])
    if not 0.7 * RATIO < share < 1.3 * RATIO:
        wrong.append(f"of the healthy traces {share:.1%} are stored")
    return [
        Row("requests a second, several workers, ErrorAware(0.1)", achieved, None, "", "≥ 2,000", "/s"),
        Row(f"of {failed:,} failed requests, traces stored whole", 100 * whole / failed, None, "", "100 %", "%"),
        Row("requests that /metrics counts otherwise, most of any answer", float(off), None, "", "0", ""),
        Row(f"of {answered['items', 200]:,} healthy requests, traces stored", 100 * share, None, "", "10 %", "%"),
    ], wrong  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=float, default=2000, help="requests a second")
    parser.add_argument("--any-rate", action="store_true", help="a lower one is no failure")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    rows, wrong = run(options.rate, options.seconds, options.workers)
    achieved = rows[0].vedette or 0
    if achieved < 0.95 * options.rate and not options.any_rate:
        wrong.append(f"{achieved:,.0f} requests a second were answered, not {options.rate:,.0f}")
    report(rows, options.json)
    for text in wrong:
        print(text, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
