"""docs/python.md runs: its first app as it stands, and each further block of Python with the names that it leaves open."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sink import attributes
from test_instrument import free_port, get
from test_ways import environment, run

DOCUMENT = Path(__file__).parents[2] / "docs/python.md"
START = "From nothing, in ten minutes"

PRELUDE = """
import logging, sys, types
import loguru, structlog, vedette, vedette.logs, vedette.masking, vedette.sampling
from fastapi import FastAPI
from opentelemetry import trace
from sqlalchemy import create_engine
engine, app = create_engine("sqlite://"), FastAPI()
cache = lambda: True
"""
# What is done with what a section defines.
USED = {
    "Your own spans, metrics and logs": """
import asyncio
asyncio.run(process_order(types.SimpleNamespace(id=7, payment_method="card")))
structlog.get_logger().info("said")
""",
}


def sections() -> dict[str, list[str]]:
    """Heading -> its blocks of Python."""
    found = {}
    for part in re.split(r"^##+ ", DOCUMENT.read_text(encoding="utf-8"), flags=re.M)[1:]:
        blocks = re.findall(r"^```python\n(.*?)^```", part, flags=re.M | re.S)
        if blocks:
            found[part.partition("\n")[0]] = blocks
    return found


def test_the_first_app(tmp_path, http_sink):
    (source,) = sections()[START]
    (tmp_path / "app.py").write_text(source)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)],
        cwd=tmp_path,
        env={**environment(OTEL_METRICS_EXPORTER="otlp"), "OTEL_EXPORTER_OTLP_ENDPOINT": http_sink.base},
    )  # fmt: skip
    try:
        base = f"http://127.0.0.1:{port}"
        statuses = [get(f"{base}/orders/{order}")[0] for order in (1, 2, 3, 13)]
        ready, scraped = get(f"{base}/health/ready"), get(f"{base}/metrics")[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert (statuses, ready[0]) == ([200, 200, 200, 502], 200)
    for line in (
        'orders_created_total{payment_method="card"} 3',
        'http_requests_total{method="GET",path="/orders/{order}",status="502"} 1',
        "shop_order_value_count",
    ):
        assert line in scraped
    assert "shop.order.value" in http_sink.metrics_by_name()
    failed = [s for _, s in http_sink.spans() if attributes(s).get("order.id") == 13]
    assert len(failed) == 1, "errors are sent, whatever the ratio"
    bodies = [
        (record.body.string_value, record.trace_id)
        for request in http_sink.logs
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    assert len(bodies) == 4 and ("payment_failed", failed[0].trace_id) in bodies


@pytest.mark.parametrize("heading", [heading for heading in sections() if heading != START])
def test_blocks(heading, tmp_path, http_sink):
    code = "\n".join([PRELUDE, *sections()[heading], USED.get(heading, "")])
    code = re.sub(r"http://collector:431\d", http_sink.base, code)
    code = code.replace("exporter.otlp.proto.grpc", "exporter.otlp.proto.http")
    (tmp_path / "block.py").write_text(code)
    done = run(
        [sys.executable, "block.py"], cwd=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=http_sink.base
    )
    assert done.stderr == ""
