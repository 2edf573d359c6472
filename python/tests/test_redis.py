import asyncio
import shutil
import socket
import subprocess
import time

import pytest
import redis
import redis.asyncio
from opentelemetry.trace import StatusCode
from recorded import spans  # noqa: F401
from vedette import prometheus
from vedette.instrumentation import redis as instrumentation


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
    yield port
    server.terminate()
    server.wait()


@pytest.fixture(autouse=True)
def instrumented():
    assert instrumentation.instrument()
    yield
    instrumentation.uninstrument()


def reads(result):
    sample = f'cache_requests_total{{cache="redis",result="{result}"}} '
    for line in prometheus.generate_latest().decode().splitlines():
        if line.startswith(sample):
            return float(line.removeprefix(sample))
    return 0.0


def test_a_command_is_a_client_span_without_its_arguments(port, spans):  # noqa: F811
    with redis.Redis(port=port) as client:
        client.set("user:42:secret", "value")
    (span,) = spans()
    assert span.name == "SET"
    assert dict(span.attributes) == {
        "db.system.name": "redis",
        "db.namespace": "0",
        "db.operation.name": "SET",
        "db.query.text": "SET ? ?",
        "server.address": "localhost",
        "server.port": port,
    }


def test_reads_count_as_hits_and_misses(port, spans):  # noqa: F811
    hits, misses = reads("hit"), reads("miss")
    with redis.Redis(port=port) as client:
        client.set("there", 1)
        client.get("there")
        client.get("not there")
        client.mget("there", "there", "not there")
    assert (reads("hit") - hits, reads("miss") - misses) == (3, 2)


def test_asyncio_is_recorded_alike(port, spans):  # noqa: F811
    async def ask():
        async with redis.asyncio.Redis(port=port) as client:
            await client.set("there", 1)
            assert await client.get("there") == b"1"

    asyncio.run(ask())
    assert [s.name for s in spans()] == ["SET", "GET"]


def test_a_pipeline_is_one_span(port, spans):  # noqa: F811
    with redis.Redis(port=port) as client, client.pipeline(transaction=False) as pipeline:
        pipeline.set("a", 1).get("a").get("b")
        assert pipeline.execute() == [True, b"1", None]

    async def ask():
        async with (
            redis.asyncio.Redis(port=port) as client,
            client.pipeline(transaction=False) as pipeline,
        ):
            assert await pipeline.set("a", 1).get("a").execute() == [True, b"1"]

    asyncio.run(ask())
    assert [(s.name, s.attributes["db.operation.batch.size"]) for s in spans()] == [
        ("PIPELINE", 3),
        ("PIPELINE", 2),
    ]


def test_an_error_marks_the_span_and_raises_as_before(port, spans):  # noqa: F811
    with redis.Redis(port=port) as client:
        client.set("text", "x")
        with pytest.raises(redis.ResponseError):
            client.incr("text")
    span = spans()[-1]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "redis.exceptions.ResponseError"
