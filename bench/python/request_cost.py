#!/usr/bin/env python3
"""What everything together adds to a request under uvicorn: the same app bare and observed, GET and POST.

GET answers a dict. POST validates an order, asks the database twice (SQLAlchemy, SQLite in memory), calls another service
with httpx, and writes two log lines; observed, it also has three spans and two metrics of its own. For every repetition
the servers are started anew, and asked in turns of ten requests, since the speed of a core changes within seconds. The
figure is CPU of the server process from the first turn to the last, of all its threads, user and system, as a multiple of
the bare one's in the same repetition, the median of all. The bare app takes part twice: how far its second figure is from
1 is what the noise is.

    bench/python/request_cost.py [--rounds 7] [--gets 3000] [--posts 2000] [--json]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from harness import Row, Sink, report

APP = """
import os
import httpx
import structlog
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool
from opentelemetry import trace

OBSERVED = os.environ["OBSERVED"] == "1"
app = FastAPI()
engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
with engine.begin() as connection:
    connection.execute(text("create table stock (sku text, left_over int)"))
    connection.execute(text("insert into stock values ('cloak', 7)"))
client = httpx.AsyncClient()

if OBSERVED:
    import vedette
    from vedette.prometheus import Counter, Histogram
    vedette.instrument(app, service_name="bench", engine=engine)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, vedette.logs.JSONRenderer()],
        logger_factory=vedette.logs.LoggerFactory(),
        wrapper_class=vedette.logs.make_filtering_bound_logger(),
        cache_logger_on_first_use=True,
    )
    orders = Counter("orders_created_total", "Orders", ["payment_method"])
    values = Histogram("order_value_cents", "Value")
else:
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
log = structlog.get_logger()
tracer = trace.get_tracer("bench")

class Nothing:
    def __enter__(self): return self
    def __exit__(self, *_): return False
    def set_attribute(self, key, value): pass
nothing = Nothing()

def span(name):
    return tracer.start_as_current_span(name) if OBSERVED else nothing

class Order(BaseModel):
    sku: str
    quantity: int
    payment_method: str

@app.get("/ping/{name}")
async def ping(name: str):
    return {"name": name}

@app.post("/orders")
async def create(order: Order):
    if OBSERVED:
        log.info("order creation started", sku=order.sku, quantity=order.quantity)
    with span("validate_inventory") as current:
        current.set_attribute("order.sku", order.sku)
        with engine.connect() as connection:
            connection.execute(text("select left_over from stock where sku = :sku"), {"sku": order.sku}).scalar()
            connection.execute(text("select count(*) from stock")).scalar()
    with span("charge_payment") as current:
        current.set_attribute("payment.method", order.payment_method)
        (await client.post(os.environ["SINK"], content=b"")).raise_for_status()
    with span("send_confirmation") as current:
        current.set_attribute("order.quantity", order.quantity)
    if OBSERVED:
        orders.labels(payment_method=order.payment_method).inc()
        values.observe(order.quantity * 1200)
        log.info("order created", sku=order.sku, total_cents=order.quantity * 1200)
    return {"status": "created"}
"""

KINDS = {"bare": "0", "bare again": "0", "vedette": "1"}
TURN = 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid: int) -> float:
    """Of all threads, from the scheduler: finer than the clock ticks of /proc/PID/stat."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def ask(connection: http.client.HTTPConnection, method: str) -> None:
    if method == "GET":
        connection.request("GET", "/ping/cloak")
    else:
        body = json.dumps({"sku": "cloak", "quantity": 2, "payment_method": "card"})
        connection.request("POST", "/orders", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{method}: {answer.status}")


class Server:
    """The app under uvicorn, asked over one connection."""

    def __init__(self, kind: str, folder: str, sink: str) -> None:
        port = free_port()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "bench_app:app", "--port", str(port), "--no-access-log",
             "--log-level", "warning"],
            cwd=folder,
            env={**os.environ, "OBSERVED": KINDS[kind], "SINK": sink,
                 "OTEL_EXPORTER_OTLP_ENDPOINT": sink.removesuffix("/v1/traces")},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask(self.connection, "GET")
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                self.connection.close()
                time.sleep(0.05)

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def repetition(folder: str, sink: str, counts: dict[str, int]) -> dict[str, dict[str, float]]:
    """Microseconds of CPU a request, of each kind and method, of servers of their own."""
    servers = {kind: Server(kind, folder, sink) for kind in KINDS}
    found: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    try:
        for server in servers.values():
            server.wait_until_ready()
        for method, count in counts.items():
            used = {}
            for turn in range(-25, count // TURN):
                if turn == 0:  # they are warm
                    used = {kind: cpu_seconds(one.process.pid) for kind, one in servers.items()}
                for server in servers.values():
                    for _ in range(TURN):
                        ask(server.connection, method)
            for kind, server in servers.items():
                spent = cpu_seconds(server.process.pid) - used[kind]
                found[kind][method] = spent / (count // TURN * TURN) * 1e6
    finally:
        for server in servers.values():
            server.stop()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gets", type=int, default=3000)
    parser.add_argument("--posts", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead")
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder, Sink() as sink:
        with open(f"{folder}/bench_app.py", "w") as file:
            file.write(APP)
        for _ in range(options.rounds):
            counts = {"GET": options.gets, "POST": options.posts}
            for kind, figures in repetition(folder, sink, counts).items():
                found[kind].append(figures)

    def multiple(kind: str, method: str) -> float:
        return statistics.median(
            ours[method] / bare[method]
            for ours, bare in zip(found[kind], found["bare"], strict=True)
        )

    rows = []
    for method, bar in (("GET", "≤ 1.10"), ("POST", "≤ 1.15")):
        noise = multiple("bare again", method)
        us = statistics.median(figures[method] for figures in found["bare"])
        rows.append(
            Row(
                f"whole request, {method}, multiple of bare ({us:,.0f} µs)",
                multiple("vedette", method), noise, "bare again", bar, "×",
            )
        )  # fmt: skip
    report(rows, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
